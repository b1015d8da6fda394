"""Array arguments of functions: one scalar in the schema, two ways of writing them."""

import pytest

from tests.hasura.engine.schema.conftest import Gallery

_FIRST, _FOURTH = (f"00000000-0000-0000-0000-00000000000{number}" for number in (1, 4))
_FIELD = "paintings_among(args: {ids: $ids, moods: $moods}, order_by: {title: asc}) { title }"


def test_they_are_scalars_with_the_name_of_the_array_type(gallery: Gallery) -> None:
    body = gallery.run('{ __type(name: "paintings_among_args") { inputFields { name type { kind name } } } }')

    assert body["data"]["__type"]["inputFields"] == [
        {"name": "ids", "type": {"kind": "SCALAR", "name": "_uuid"}},
        {"name": "moods", "type": {"kind": "SCALAR", "name": "_mood"}},
    ]


@pytest.mark.parametrize("kind", ["_uuid", "_uuid!", "[uuid!]", "[uuid!]!"])
@pytest.mark.parametrize("ids", [[_FIRST, _FOURTH], f"{{{_FIRST},{_FOURTH}}}"])
def test_by_variable(gallery: Gallery, kind: str, ids: object) -> None:
    body = gallery.run(
        f"query ($ids: {kind}, $moods: _mood) {{ {_FIELD} }}", variables={"ids": ids, "moods": ["ok", "sad"]}
    )

    assert body == {"data": {"paintings_among": [{"title": "Sea"}, {"title": "Stone"}]}}


@pytest.mark.parametrize("ids", [f'["{_FIRST}", "{_FOURTH}"]', f'"{{{_FIRST},{_FOURTH}}}"'])
@pytest.mark.parametrize(
    ("moods", "expected"),
    [("null", ["Sea", "Stone"]), ("[sad]", ["Stone"]), ('["ok"]', ["Sea"]), ('"{ok,sad}"', ["Sea", "Stone"])],
)
def test_as_a_literal(gallery: Gallery, ids: str, moods: str, expected: list[str]) -> None:
    body = gallery.run(f"{{ {_FIELD.replace('$ids', ids).replace('$moods', moods)} }}")

    assert [row["title"] for row in body["data"]["paintings_among"]] == expected


def test_a_list_with_a_variable_inside(gallery: Gallery) -> None:
    body = gallery.run(
        f'query ($one: uuid!) {{ paintings_among(args: {{ids: [$one, "{_FOURTH}"]}}) {{ title }} }}',
        variables={"one": _FIRST},
    )

    assert {row["title"] for row in body["data"]["paintings_among"]} == {"Sea", "Stone"}


def test_what_is_no_array_is_the_databases_to_refuse(gallery: Gallery) -> None:
    body = gallery.run('{ paintings_among(args: {ids: "odd"}) { title } }')

    (error,) = body["errors"]
    assert error["message"] == 'malformed array literal: "odd"'
    assert error["extensions"]["code"] == "data-exception"
