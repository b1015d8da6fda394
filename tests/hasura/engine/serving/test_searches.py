"""The first few of many rows that pass a filter through relationships: the same rows, however few or many pass."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.hasura.engine.serving.conftest import Served

_ROWS = 12_000
# Half of all events are of kind 1; four, far from both ends, of kind 2; none of kind 3, nor of the other 196 kinds.
_DDL = f"""
create table kind (id integer primary key, name text);
create table event (id integer primary key, kind_id integer references kind, at integer, place integer);
create table visit (id integer primary key, event_id integer references event);
insert into kind values (1, 'frequent'), (2, 'rare'), (3, 'absent'), (4, 'other');
insert into kind select n, 'unused ' || n from generate_series(5, 200) n;
insert into event select n, case when n in (5000, 5001, 7000, 7001) then 2 when n % 2 = 0 then 1 else 4 end,
  nullif(n % 4000, 7), n % 10 from generate_series(1, {_ROWS}) n;
insert into visit select n, n from generate_series(1, {_ROWS}) n;
create index on event (at);
create index on event (kind_id);
create index on visit (event_id);
analyze;
"""


def _make(serve: Callable[[], Served]) -> Served:
    served = serve()
    served.sql(_DDL)
    for table in ("kind", "event", "visit"):
        served.metadata("pg_track_table", source="default", table=table)
    foreign_key = {"foreign_key_constraint_on": "kind_id"}
    served.metadata("pg_create_object_relationship", source="default", table="event", name="kind", using=foreign_key)
    remote = {"foreign_key_constraint_on": {"table": "visit", "column": "event_id"}}
    served.metadata("pg_create_array_relationship", source="default", table="event", name="visits", using=remote)
    back = {"foreign_key_constraint_on": "event_id"}
    served.metadata("pg_create_object_relationship", source="default", table="visit", name="event", using=back)
    return served


@pytest.fixture(scope="module")
def events(module_serve: Callable[[], Served]) -> Served:
    return _make(module_serve)


@pytest.fixture
def own_events(serve: Callable[..., Served]) -> Served:
    """For a test that changes something."""
    return _make(serve)


def _statement(served: Served, query: str) -> str:
    body = {"query": {"query": query}}
    (root,) = served.client.post("/v1/graphql/explain", json=body, headers=served.admin_headers()).json()
    text: str = root["sql"]
    return text


def _executed(served: Served, query: str, value: str) -> list[dict[str, Any]]:
    """The nodes of the plan of a query with one value, once it has run."""
    statement = f"explain (analyze, timing off, format json) {_statement(served, query)}"
    (plan,) = json.loads(asyncio.run(served.fetch_value(statement, value)))
    return list(_nodes(plan["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _ids(served: Served, query: str) -> list[int]:
    answer = served.graphql(query)
    assert "errors" not in answer, answer
    return [row["id"] for row in answer["data"]["event"]]


@pytest.mark.parametrize("order", ["{id: asc}", "{id: desc}", "[{at: desc}, {id: asc}]", "[{at: asc}, {id: desc}]"])
@pytest.mark.parametrize("name", ["frequent", "rare", "absent"])
def test_the_first_rows_are_those_of_the_whole_list(events: Served, name: str, order: str) -> None:
    where = f'{{kind: {{name: {{_eq: "{name}"}}}}, place: {{_neq: 2}}}}'
    whole = _ids(events, f"{{ event(where: {where}, order_by: {order}) {{ id }} }}")

    for limit, offset in ((1, 0), (3, 0), (50, 0), (2, 1), (2, 3), (50, 4000)):
        arguments = f"where: {where}, order_by: {order}, limit: {limit}, offset: {offset}"
        query = f"{{ event({arguments}) {{ id kind {{ name }} visits {{ id }} }} }}"

        assert " union all " in _statement(events, query)
        assert _ids(events, query) == whole[offset : offset + limit]


@pytest.mark.parametrize("name", ["frequent", "rare", "absent"])
def test_without_an_order_any_rows_that_pass_come_first(events: Served, name: str) -> None:
    where = f'{{kind: {{name: {{_eq: "{name}"}}}}, place: {{_neq: 2}}}}'
    whole = _ids(events, f"{{ event(where: {where}) {{ id }} }}")

    for limit, offset in ((1, 0), (3, 0), (50, 0), (2, 1), (2, 3)):
        query = f"{{ event(where: {where}, limit: {limit}, offset: {offset}) {{ id visits {{ id }} }} }}"
        found = _ids(events, query)

        assert " union all " in _statement(events, query)
        assert len(set(found)) == len(found) == len(whole[offset : offset + limit])
        assert set(found) <= set(whole)


@pytest.mark.parametrize("name", ["rare", "absent"])
def test_a_table_is_not_tried_to_its_end_without_an_order(events: Served, name: str) -> None:
    query = f'{{ event(where: {{kind: {{name: {{_eq: "{name}"}}}}}}, limit: 1) {{ id }} }}'
    nodes = _executed(events, query, name)

    scans = [node for node in nodes if node.get("Relation Name") == "event" and "Index Cond" not in node]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) <= _ROWS / 4


@pytest.mark.parametrize("name", ["frequent", "rare", "absent"])
@pytest.mark.parametrize(
    "where", ["{kind: {name: {_eq: NAME}}}", "{visits: {event: {kind: {name: {_eq: NAME}}}}}"], ids=["one", "many"]
)
def test_an_index_is_not_read_to_its_end(events: Served, where: str, name: str) -> None:
    condition = where.replace("NAME", f'"{name}"')

    query = f"{{ event(where: {condition}, order_by: {{id: asc}}, limit: 1) {{ id }} }}"
    nodes = _executed(events, query, name)

    walks = [node for node in nodes if node.get("Index Name") == "event_pkey" and "Index Cond" not in node]
    assert walks
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in walks) <= _ROWS / 4


@pytest.mark.parametrize("order", ["order_by: {id: asc}, ", ""])
def test_what_many_rows_have_is_found_by_trying_a_few(events: Served, order: str) -> None:
    """PostgreSQL would rather gather half of the events first."""
    where = '{event: {kind: {name: {_eq: "frequent"}}}}'

    nodes = _executed(events, f"{{ visit(where: {where}, {order}limit: 20) {{ id }} }}", "frequent")

    scans = [node for node in nodes if "Relation Name" in node and "CTE" not in node["Node Type"]]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) < 500


@pytest.mark.parametrize(
    "arguments",
    [
        'where: {kind: {name: {_eq: "rare"}}}, order_by: {place: asc}, limit: 1',
        'where: {kind: {name: {_eq: "rare"}}}, order_by: {at: asc_nulls_first}, limit: 1',
        'where: {kind: {name: {_eq: "rare"}}}, order_by: {id: asc}, limit: 51',
        'where: {kind: {name: {_eq: "rare"}}}, order_by: {id: asc}, limit: 0',
        'where: {kind: {name: {_eq: "rare"}}}, order_by: {id: asc}',
        "where: {kind_id: {_eq: 2}}, order_by: {id: asc}, limit: 1",
    ],
    ids=["no index", "not in the index's order", "many rows", "none", "all", "no relationship"],
)
def test_other_rows_are_searched_in_one_step(events: Served, arguments: str) -> None:
    assert " union all " not in _statement(events, f"{{ event({arguments}) {{ id }} }}")


def test_an_index_made_later_counts_at_once(own_events: Served) -> None:
    query = '{ event(where: {kind: {name: {_eq: "rare"}}}, order_by: {place: asc}, limit: 1) { id } }'
    assert " union all " not in _statement(own_events, query)

    own_events.sql("create index on event (place)")
    own_events.metadata("reload_metadata", reload_sources=True)

    assert " union all " in _statement(own_events, query)
    assert _ids(own_events, query.replace("place: asc", "id: asc")) == [5000]
