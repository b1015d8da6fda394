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


_TREES = """
create table region (id int, part text, primary key (id, part)) partition by list (part);
create table region_a partition of region for values in ('a') partition by range (id);
create table region_a1 partition of region_a for values from (0) to (10);
create table region_b partition of region for values in ('b');
create table place (
  id int, part text, region_id int, parent_id int, primary key (id, part),
  constraint in_region foreign key (region_id, part) references region (id, part),
  constraint in_place foreign key (parent_id, part) references place (id, part)
) partition by list (part);
create table place_a partition of place for values in ('a') partition by range (id);
create table place_a1 partition of place_a for values from (0) to (10);
create table place_b partition of place for values in ('b');
"""


def test_trees_of_partitions_that_refer_to_trees_have_each_key_once(gallery: Gallery) -> None:
    tables = ["region", "region_a", "region_a1", "region_b", "place", "place_a", "place_a1", "place_b"]
    gallery.sql(_TREES)
    for table in tables:
        gallery.call("pg_track_table", {"table": table})
    try:
        keys = {name.name: table.table.foreign_keys for name, table in gallery.engine.schema_cache.tables.items()}
        found = gallery.call("pg_suggest_relationships", {"tables": tables})["relationships"]
    finally:
        gallery.restore()
        gallery.sql("drop table place, region")

    for table in tables:
        expected = {"in_region": "region", "in_place": "place"} if table.startswith("place") else {}
        assert {key.name: key.referenced_table.name for key in keys[table]} == expected
        assert len(keys[table]) == len(expected)
    ends = [(item["type"], item["from"]["table"]["name"], item["to"]["table"]["name"]) for item in found]
    assert sorted(ends) == [
        ("array", "place", "place"),
        ("array", "region", "place"),
        ("object", "place", "place"),
        ("object", "place", "region"),
    ]


def test_partitions_that_come_and_go_leave_the_relationships_as_they_are(gallery: Gallery) -> None:
    gallery.sql("create table visit_2030 partition of visit for values from ('2030-01-01') to ('2031-01-01')")
    during = gallery.run("{ ticket(order_by: {code: asc}) { visit { id } } }")
    gallery.sql("alter table visit detach partition visit_2030; drop table visit_2030")

    after = gallery.run("{ ticket(order_by: {code: asc}) { visit { id } } }")
    assert during == after == {"data": {"ticket": [{"visit": {"id": 1}}, {"visit": {"id": 2}}]}}
