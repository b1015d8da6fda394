"""Foreign keys of partitioned tables: one each, whatever rows PostgreSQL keeps for their partitions."""

from typing import Any

from tests.hasura.engine.schema.conftest import Gallery


def test_a_relationship_to_a_partitioned_table_is_not_ambiguous(gallery: Gallery) -> None:
    body = gallery.run(
        "{ ticket(order_by: {code: asc}) { code visit { artist { name } } } "
        "visit(order_by: {id: asc}) { tickets { code } } }"
    )

    assert body == {
        "data": {
            "ticket": [
                {"code": "a", "visit": {"artist": {"name": "Ada"}}},
                {"code": "b", "visit": {"artist": {"name": "Ben"}}},
            ],
            "visit": [{"tickets": [{"code": "a"}]}, {"tickets": [{"code": "b"}]}],
        }
    }


def test_a_partition_may_use_the_foreign_key_it_inherits(gallery: Gallery) -> None:
    body = gallery.run("{ visit_2024 { artist { name visits { id } } } }")

    assert body == {"data": {"visit_2024": [{"artist": {"name": "Ada", "visits": [{"id": 1}]}}]}}


def test_relationships_along_inherited_keys_are_not_suggested_twice(gallery: Gallery) -> None:
    found = gallery.call("pg_suggest_relationships", {})["relationships"]

    def ends(item: dict[str, Any]) -> tuple[str, str, str]:
        return item["type"], item["from"]["table"]["name"], item["to"]["table"]["name"]

    about_visits = [ends(item) for item in found if any("visit" in name for name in ends(item)[1:])]
    assert sorted(about_visits) == [
        ("array", "artist", "visit"),
        ("array", "visit", "ticket"),
        ("object", "ticket", "visit"),
        ("object", "visit", "artist"),
    ]


def test_where_only_the_partition_is_tracked_its_key_is_suggested(gallery: Gallery) -> None:
    gallery.call("pg_untrack_table", {"table": "visit", "cascade": True})
    try:
        found = gallery.call("pg_suggest_relationships", {"tables": ["visit_2024"]})["relationships"]
    finally:
        gallery.restore()

    assert [(item["type"], item["from"]["table"]["name"]) for item in found] == [
        ("object", "visit_2024"),
        ("array", "artist"),
    ]


def test_partitions_that_come_and_go_leave_the_relationships_as_they_are(gallery: Gallery) -> None:
    gallery.sql("create table visit_2030 partition of visit for values from ('2030-01-01') to ('2031-01-01')")
    during = gallery.run("{ ticket(order_by: {code: asc}) { visit { id } } }")
    gallery.sql("alter table visit detach partition visit_2030; drop table visit_2030")

    after = gallery.run("{ ticket(order_by: {code: asc}) { visit { id } } }")
    assert during == after == {"data": {"ticket": [{"visit": {"id": 1}}, {"visit": {"id": 2}}]}}
