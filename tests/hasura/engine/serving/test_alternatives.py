"""Rows that one of several alternatives asks for: a few are found without a look at all, and many are all there."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.hasura.engine.serving.conftest import Served

_ROWS = 12_000
# User 1 owns every fourth project and is in every fourth; the other 2 000 own some five and are in as many.
_DDL = f"""
create table project (id integer primary key, name text not null, owner_id integer not null, org_id integer not null);
create table membership (id integer primary key, project_id integer not null, user_id integer not null);
create table task (id integer primary key, name text not null, project_id integer not null);
insert into project select n, 'Project ' || n % 100, case when n % 4 = 0 then 1 else n % 2000 + 2 end, n % 3
  from generate_series(1, {_ROWS}) n;
insert into membership select n, n, case when n % 4 = 1 then 1 else n % 1999 + 2 end
  from generate_series(1, {_ROWS}) n;
insert into task select n, 'Task ' || n, n % {_ROWS} + 1 from generate_series(1, 2 * {_ROWS}) n;
create index on project (owner_id);
create index on membership (user_id);
create index on membership (project_id);
create index on task (project_id);
analyze;
"""
_SHARED = {
    "_or": [
        {"owner_id": {"_eq": "X-Hasura-User-Id"}},
        {"members": {"user_id": {"_eq": "X-Hasura-User-Id"}}},
    ]
}
_IDS = """select id from project where owner_id = {user}
  union select project_id from membership where user_id = {user}"""


@pytest.fixture(scope="module")
def shared(module_serve: Callable[[], Served]) -> Served:
    served = module_serve()
    served.sql(_DDL)
    calls: list[dict[str, Any]] = []

    def call(kind: str, **arguments: Any) -> None:
        calls.append({"type": f"pg_{kind}", "args": {"source": "default", **arguments}})

    def manual(table: str, local: str, remote: str) -> dict[str, Any]:
        return {"manual_configuration": {"remote_table": table, "column_mapping": {local: remote}}}

    for table in ("project", "membership", "task"):
        call("track_table", table=table)
    using = manual("membership", "id", "project_id")
    call("create_array_relationship", table="project", name="members", using=using)
    using = manual("project", "project_id", "id")
    call("create_object_relationship", table="task", name="project", using=using)
    for table, row_filter in (("project", _SHARED), ("task", {"project": _SHARED})):
        permission = {"columns": "*", "filter": row_filter, "allow_aggregations": True}
        call("create_select_permission", table=table, role="user", permission=permission)
    served.metadata_bulk(calls)
    return served


def _looks(served: Served, query: str, user: int, values: tuple[int, ...] = ()) -> int:
    """How many rows all scans of tables looked at for the answer of a user."""
    session = {"x-hasura-role": "user", "x-hasura-user-id": str(user)}
    body = {"query": {"query": query}, "user": session}
    answer = served.client.post("/v1/graphql/explain", json=body, headers=served.admin_headers())
    (root,) = answer.json()
    statement = f"explain (analyze, timing off, format json) {root['sql']}"
    (plan,) = json.loads(asyncio.run(served.fetch_value(statement, *(values or (user,)))))
    scans = [node for node in _nodes(plan["Plan"]) if "Relation Name" in node]
    removed = "Rows Removed by Filter"
    return int(sum((node["Actual Rows"] + node.get(removed, 0)) * node["Actual Loops"] for node in scans))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _answer(served: Served, query: str, user: int) -> Any:
    headers = served.admin_headers(X_Hasura_Role="user", X_Hasura_User_Id=str(user))
    answer = served.graphql(query, headers=headers)
    assert "errors" not in answer, answer
    (value,) = answer["data"].values()
    return value


def _ids(served: Served, statement: str) -> list[int]:
    found: list[int] | None = asyncio.run(served.fetch_value(f"select array_agg(id) from ({statement}) as found"))
    return found or []


_LISTS = {
    "all": ("project(order_by: {id: asc})", "project where id in ({ids}) order by id"),
    "first": ("project(order_by: {id: asc}, limit: 5)", "project where id in ({ids}) order by id limit 5"),
    "page": (
        "project(where: {id: {_gt: 9000}}, order_by: {id: asc}, limit: 5)",
        "project where id in ({ids}) and id > 9000 order by id limit 5",
    ),
    "behind": (
        "project(order_by: {id: desc}, limit: 5, offset: 3)",
        "project where id in ({ids}) order by id desc limit 5 offset 3",
    ),
    "by name": (
        "project(order_by: [{name: asc}, {id: asc}], limit: 5)",
        "project where id in ({ids}) order by name, id limit 5",
    ),
    "of related rows": ("task(order_by: {id: asc})", "task where project_id in ({ids}) order by id"),
    "first of related rows": (
        "task(order_by: {id: asc}, limit: 5)",
        "task where project_id in ({ids}) order by id limit 5",
    ),
}


@pytest.mark.parametrize("user", [1, 7, 99_999])
@pytest.mark.parametrize("name", _LISTS)
def test_the_rows_of_a_user_are_those_of_all_alternatives(shared: Served, name: str, user: int) -> None:
    field, statement = _LISTS[name]
    expected = _ids(shared, f"select id from {statement.format(ids=_IDS.format(user=user))}")

    assert bool(expected) is (user != 99_999)
    assert [row["id"] for row in _answer(shared, f"{{ {field} {{ id }} }}", user)] == expected


@pytest.mark.parametrize("name", _LISTS)
def test_the_few_rows_of_a_user_are_found_without_a_look_at_all(shared: Served, name: str) -> None:
    values = {"page": (9_000, 7), "behind": (7, 3)}.get(name, (7,))

    assert _looks(shared, f"{{ {_LISTS[name][0]} {{ id }} }}", 7, values) < 300


def test_what_many_rows_have_is_found_by_trying_a_few(shared: Served) -> None:
    assert _looks(shared, "{ project(order_by: {id: asc}, limit: 5) { id } }", 1) < 100


def test_the_many_rows_of_a_user_cost_little_more_than_a_look_at_all(shared: Served) -> None:
    # All projects, and the memberships of the user; beside them some hundredths of these.
    assert _looks(shared, "{ project_aggregate { aggregate { count } } }", 1) < 1.35 * _ROWS


@pytest.mark.parametrize("user", [1, 7, 99_999])
def test_counts_are_those_of_all_alternatives(shared: Served, user: int) -> None:
    ids = _ids(shared, _IDS.format(user=user))
    counted = _answer(shared, "{ project_aggregate { aggregate { count sum { id } } nodes { id } } }", user)

    assert counted["aggregate"] == {"count": len(ids), "sum": {"id": sum(ids) or None}}
    assert sorted(node["id"] for node in counted["nodes"]) == sorted(ids)
    few = "{ project_aggregate { aggregate { count } } }"
    assert user == 1 or _looks(shared, few, user) < 300


@pytest.mark.parametrize(
    "query",
    [
        "{ project(where: {_not: SHARED}) { id } }",
        "{ project(where: {id: {_eq: 5}, _and: SHARED}) { id } }",
        "{ project_by_pk(id: 5) { id } }",
    ],
)
def test_what_is_found_otherwise_is_left_as_it_is(shared: Served, query: str) -> None:
    condition = "{_or: [{owner_id: {_eq: 7}}, {members: {user_id: {_eq: 7}}}]}"
    body = {"query": {"query": query.replace("SHARED", condition)}}
    (root,) = shared.client.post("/v1/graphql/explain", json=body, headers=shared.admin_headers()).json()

    assert " union all " not in root["sql"]
