"""Unique indexes that are no constraints: names in `..._constraint`, and what `on_conflict` does with them."""

import pytest

from tests.hasura.engine.schema.conftest import Gallery


def _constraints(gallery: Gallery, table: str) -> dict[str, str]:
    found = gallery.run(f'{{ __type(name: "{table}_constraint") {{ enumValues {{ name description }} }} }}')
    return {item["name"]: item["description"] for item in found["data"]["__type"]["enumValues"]}


def test_every_unique_index_whose_name_graphql_can_write_is_a_constraint(gallery: Gallery) -> None:
    about = "unique or primary key constraint on columns "
    assert _constraints(gallery, "artist") == {
        "artist_active_name": f'{about}"name"',
        "artist_email_lower": about,
        "artist_pkey": f'{about}"id"',
    }
    assert _constraints(gallery, "painting") == {
        "painting_pkey": f'{about}"id"',
        "painting_title_per_artist": f'{about}"artist_id", "title"',
    }


_ODD_INDEXES = [
    "(name collate \"C\" text_pattern_ops desc nulls first, (code || 'x')) include (number) where name <> 'q''u'",
    "(number) nulls not distinct",
    "((name || code), lower(name), (number + 1))",
]


@pytest.mark.parametrize("index", _ODD_INDEXES)
def test_whatever_an_index_is_over_its_rows_are_met(gallery: Gallery, index: str) -> None:
    gallery.sql(f"create table odd (name text, code text, number int); create unique index odd_index on odd {index}")
    gallery.call("pg_track_table", {"table": "odd"})
    row = '{name: "n", code: "c", number: 3}'
    conflict = "on_conflict: {constraint: odd_index, update_columns: [name]}"
    try:
        body = gallery.run(
            f"mutation {{ insert_odd_one(object: {row}) {{ name }} "
            f"again: insert_odd_one(object: {row}, {conflict}) {{ name }} }}",
            after="select count(*) from odd",
        )
    finally:
        gallery.restore()
        gallery.sql("drop table odd")

    assert body == {"data": {"insert_odd_one": {"name": "n"}, "again": {"name": "n"}}, "rows": [(1,)]}


def test_indexes_that_come_and_go_are_noticed(gallery: Gallery) -> None:
    gallery.sql("create unique index one on ticket (visit_id, visit_day)")
    made = set(_constraints(gallery, "ticket"))
    gallery.sql("alter index one rename to other")
    renamed = set(_constraints(gallery, "ticket"))
    gallery.sql("drop index other")

    assert made == {"ticket_pkey", "one"}
    assert renamed == {"ticket_pkey", "other"}
    assert set(_constraints(gallery, "ticket")) == {"ticket_pkey"}


def test_only_an_index_over_all_rows_makes_a_relationship_one_to_one(gallery: Gallery) -> None:
    def kinds() -> list[str]:
        found = gallery.call("pg_suggest_relationships", {"tables": ["ticket"]})["relationships"]
        return [item["type"] for item in found if item["to"]["table"]["name"] == "ticket"]

    gallery.sql("create unique index one on ticket (visit_id, visit_day) where code <> 'x'")
    partial = kinds()
    gallery.sql("drop index one; create unique index one on ticket (visit_day, visit_id)")
    whole = kinds()
    gallery.sql("drop index one")

    assert (partial, whole) == (["array"], ["object"])


@pytest.mark.parametrize(
    ("constraint", "given"),
    [
        ("artist_active_name", 'name: "Ada", email: "other@example.org"'),
        ("artist_email_lower", 'name: "Other", email: "ADA@example.org"'),
        ("artist_pkey", 'id: 1, name: "Other"'),
    ],
)
def test_a_row_that_meets_the_index_is_updated(gallery: Gallery, constraint: str, given: str) -> None:
    body = gallery.run(
        f"""mutation {{ insert_artist_one(object: {{{given}, mood: "sad"}},
              on_conflict: {{constraint: {constraint}, update_columns: [mood]}}) {{ id name mood }} }}"""
    )

    assert body == {"data": {"insert_artist_one": {"id": 1, "name": "Ada", "mood": "sad"}}}


def test_an_index_over_columns_only_and_one_that_ignores(gallery: Gallery) -> None:
    body = gallery.run(
        """mutation { insert_painting(objects: [{title: "Sea", artist_id: 1}, {title: "Sea", artist_id: 2}],
              on_conflict: {constraint: painting_title_per_artist, update_columns: []}) { affected_rows } }"""
    )

    assert body == {"data": {"insert_painting": {"affected_rows": 1}}}


def test_a_partial_index_lets_rows_outside_its_predicate_in(gallery: Gallery) -> None:
    body = gallery.run(
        """mutation { insert_artist(objects: [{name: "Ada", retired_on: "2021-01-01"}],
              on_conflict: {constraint: artist_active_name, update_columns: [mood]}) { affected_rows } }""",
        after="select id, name from artist where name = 'Ada' order by id",
    )

    assert body["data"] == {"insert_artist": {"affected_rows": 1}}
    assert [name for _, name in body["rows"]] == ["Ada", "Ada"]


def test_a_role_uses_an_index_within_its_rights(gallery: Gallery) -> None:
    mutation = """mutation { insert_artist(objects: [{name: "Ada"}, {name: "New"}],
        on_conflict: {constraint: artist_active_name, update_columns: [$C]}) { affected_rows } }"""

    ignored = gallery.run(mutation.replace("$C", ""), role="visitor")
    refused = gallery.run(mutation.replace("$C", "name"), role="visitor")

    assert ignored == {"data": {"insert_artist": {"affected_rows": 1}}}
    assert "expected one of the values ['_PLACEHOLDER']" in refused["errors"][0]["message"]


def test_nested_inserts_take_an_index_too(gallery: Gallery) -> None:
    body = gallery.run(
        """mutation { insert_painting_one(object: {title: "New", artist: {
              data: {name: "Ben"}, on_conflict: {constraint: artist_active_name, update_columns: [name]}}}) {
                artist { id } } }"""
    )

    assert body == {"data": {"insert_painting_one": {"artist": {"id": 2}}}}
