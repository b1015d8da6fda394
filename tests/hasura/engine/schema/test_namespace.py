"""`customization` of the source: a namespace around the root fields, and what goes before and behind names."""

from typing import Any

import pytest

from hasura.engine.errors import EngineError
from tests.hasura.engine.schema.conftest import Gallery


def test_queries_stand_below_the_namespace(customized: Gallery) -> None:
    body = customized.run(
        """query ($id: Int!) {
          __typename
          gallery { all_artist_by_pk_here(id: $id) { name __typename } __typename }
          second: gallery { many: all_painting_aggregate_here { aggregate { count } }
                            all_artists_in_here(args: {feeling: sad}) { name } }
          ...More
        }
        fragment More on query_root { gallery { ...Below } }
        fragment Below on G_gallery_query_t { statuses: all_status_here(order_by: {value: asc}) { value } }""",
        variables={"id": 1},
    )

    assert list(body["data"]) == ["__typename", "gallery", "second"]
    assert body["data"] == {
        "__typename": "query_root",
        "gallery": {
            "all_artist_by_pk_here": {"name": "Ada", "__typename": "G_artist_t"},
            "__typename": "G_gallery_query_t",
            "statuses": [{"value": "draft"}, {"value": "shown"}],
        },
        "second": {"many": {"aggregate": {"count": 4}}, "all_artists_in_here": [{"name": "Ben"}]},
    }


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ("{ gallery { __typename } }", {"gallery": {"__typename": "G_gallery_query_t"}}),
        ("{ gallery { all_artist_here @skip(if: true) { id } } }", {"gallery": {}}),
        ("{ a: gallery { x: __typename } __typename b: gallery @skip(if: true) { __typename } }", None),
        ("{ gallery { all_artist_by_pk_here(id: 0) { id } } }", {"gallery": {"all_artist_by_pk_here": None}}),
    ],
)
def test_whatever_is_asked_for_below_it_is_answered_there(customized: Gallery, query: str, data: Any) -> None:
    expected = data or {"a": {"x": "G_gallery_query_t"}, "__typename": "query_root"}
    assert customized.run(query) == {"data": expected}


def test_mutations_run_in_order_over_several_namespaces(customized: Gallery) -> None:
    body = customized.run(
        """mutation {
          first: gallery { insert: all_insert_artist_one_here(object: {id: 9, name: "New"}) { id } __typename }
          gallery {
            all_update_artist_by_pk_here(pk_columns: {id: 9}, _set: {name: "Newer"}) { name }
            all_sell_here(args: {painting_id: "00000000-0000-0000-0000-000000000002"}) { is_sold }
            all_delete_artist_by_pk_here(id: 9) { name }
          }
        }"""
    )

    assert body["data"] == {
        "first": {"insert": {"id": 9}, "__typename": "G_gallery_mutation_frontend_t"},
        "gallery": {
            "all_update_artist_by_pk_here": {"name": "Newer"},
            "all_sell_here": [{"is_sold": True}],
            "all_delete_artist_by_pk_here": {"name": "Newer"},
        },
    }


@pytest.mark.parametrize(
    ("query", "message", "path"),
    [
        ("{ all_artist_here { id } }", "field 'all_artist_here' not found in type: 'query_root'", ""),
        ("{ gallery { artist { id } } }", "field 'artist' not found in type: 'G_gallery_query_t'", ".artist"),
        ("{ gallery }", "missing selection set for 'gallery'", ""),
        ("{ gallery(id: 1) { __typename } }", "'gallery' has no argument named 'id'", ""),
        (
            '{ gallery { all_artist_here(where: {id: {_eq: "x"}}) { id } } }',
            "expected a 32-bit integer for type 'Int', but found a string",
            ".all_artist_here.args.where.id._eq",
        ),
    ],
)
def test_errors_name_the_whole_path(customized: Gallery, query: str, message: str, path: str) -> None:
    (error,) = customized.run(query)["errors"]

    below = "$.selectionSet.gallery" if "{ gallery" in query else "$.selectionSet.all_artist_here"
    assert error["message"] == message
    assert error["extensions"]["path"] == below + (f".selectionSet{path}" if path else "")


def _type(gallery: Gallery, name: str, role: str = "admin") -> Any:
    body = gallery.run(
        f'{{ __type(name: "{name}") {{ fields {{ name description type {{ kind name }} }} }} }}', role=role
    )
    return body["data"]["__type"]["fields"]


@pytest.mark.parametrize(
    ("root", "inner"),
    [
        ("query_root", "G_gallery_query_t"),
        ("mutation_root", "G_gallery_mutation_frontend_t"),
        ("subscription_root", "G_gallery_subscription_t"),
    ],
)
def test_the_root_types_have_one_field(customized: Gallery, root: str, inner: str) -> None:
    field = {"name": "gallery", "description": None, "type": {"kind": "OBJECT", "name": inner}}
    assert _type(customized, root) == [field]


def test_a_role_has_the_namespace_for_what_it_may_do(customized: Gallery) -> None:
    names = [field["name"] for field in _type(customized, "G_gallery_mutation_frontend_t", "visitor")]
    nobody = customized.run("{ __schema { queryType { fields { name } } mutationType { name } } }", role="nobody")

    assert names == [
        "all_insert_artist_here",
        "all_insert_artist_one_here",
        "all_sell_here",
        "all_update_painting_by_pk_here",
        "all_update_painting_here",
        "all_update_painting_many_here",
    ]
    assert nobody["data"]["__schema"] == {
        "queryType": {"fields": [{"name": "no_queries_available"}]},
        "mutationType": None,
    }


def test_names_under_graphql_default(customized: Gallery) -> None:
    def fields(customization: dict[str, Any], root: str = "query_root") -> set[str]:
        customized.call("pg_set_source_customization", {"source": "default", "customization": customization})
        return {field["name"] for field in _type(customized, root)}

    try:
        convention = {"naming_convention": "graphql-default"}
        plain = fields(convention)
        name = "paintingAggregateBoolExpCovar_sampArguments"
        asked = f'{{ __type(name: "{name}") {{ inputFields {{ type {{ ofType {{ name }} }} }} }} }}'
        predicates = customized.run(asked)["data"]["__type"]
        joined = fields({**convention, "root_fields": {"prefix": "our", "suffix": "here"}})
        typed = fields({**convention, "type_names": {"prefix": "our", "suffix": "here"}}, "OurSoldPaintingHere")
        back = fields({})
    finally:
        customized.restore()

    columns = "PaintingSelectColumnPaintingAggregateBoolExpCovar_sampArgumentsColumns"
    assert predicates == {"inputFields": [{"type": {"ofType": {"name": columns}}}] * 2}
    assert {"soldPainting", "soldPaintingAggregate", "artistByPk"} <= plain
    assert {"ourSoldPaintingHere", "ourSoldPaintingAggregateHere", "ourArtistByPkHere"} <= joined
    assert "artistId" in typed
    assert {"sold_painting", "sold_painting_aggregate", "artist_by_pk"} <= back


@pytest.mark.parametrize("root_fields", [{"namespace": "not a name"}, {"prefix": "1"}, {"suffix": "-"}])
def test_what_is_no_part_of_a_name_is_refused(customized: Gallery, root_fields: dict[str, str]) -> None:
    with pytest.raises(EngineError, match="is not a valid GraphQL name"):
        customized.call("pg_set_source_customization", {"customization": {"root_fields": root_fields}})

    assert "data" in customized.run("{ gallery { all_artist_here { id } } }")
