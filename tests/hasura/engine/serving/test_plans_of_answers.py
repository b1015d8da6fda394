"""What PostgreSQL does for an answer: nothing once for each row, no whole table for a few rows."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.hasura.engine.serving.conftest import Served

_TASKS = 6_000
# Ten tasks a project, two projects a member; member 7 is one of 300.
_DDL = f"""
create table member (id integer primary key, name text not null);
create table project (id integer primary key, name text not null, member_id integer not null references member);
create table label (id integer primary key, name text not null, project_id integer not null references project);
create table task (id integer primary key, name text, cost double precision, hours integer,
  project_id integer not null references project, label_id integer references label);
insert into member select n, 'Member ' || n from generate_series(1, 300) n;
insert into project select n, 'Project ' || n, n % 300 + 1 from generate_series(1, 600) n;
insert into label select n, 'Label ' || n, n from generate_series(1, 600) n;
insert into task select n, 'Task ' || n, n * 0.1, n % 7, n % 600 + 1, nullif(n % 600 + 1, 5)
  from generate_series(1, {_TASKS}) n;
create index on project (member_id);
create index on label (project_id);
create index on task (project_id);
create index on task (label_id);
analyze;
"""
_OBJECTS = (
    ("project", "member", "member_id"),
    ("label", "project", "project_id"),
    ("task", "project", "project_id"),
    ("task", "label", "label_id"),
)
_ARRAYS = (
    ("member", "projects", "project", "member_id"),
    ("project", "tasks", "task", "project_id"),
    ("project", "labels", "label", "project_id"),
    ("label", "tasks", "task", "label_id"),
)
_MINE = {"member_id": {"_eq": "X-Hasura-User-Id"}}
# A label is seen by whom a task with it belongs to, so that each look at it leads over three tables.
_FILTERS: dict[str, Any] = {
    "member": {"id": {"_eq": "X-Hasura-User-Id"}},
    "project": {"tasks": {"project": _MINE}},
    "label": {"tasks": {"project": _MINE}},
    "task": {"project": _MINE},
}


def _make(serve: Callable[[], Served]) -> Served:
    served = serve()
    served.sql(_DDL)
    calls: list[dict[str, Any]] = []

    def call(kind: str, **arguments: Any) -> None:
        calls.append({"type": f"pg_{kind}", "args": {"source": "default", **arguments}})

    for table in _FILTERS:
        call("track_table", table=table)
    for table, name, column in _OBJECTS:
        using: dict[str, Any] = {"foreign_key_constraint_on": column}
        call("create_object_relationship", table=table, name=name, using=using)
    for table, name, remote, column in _ARRAYS:
        using = {"foreign_key_constraint_on": {"table": remote, "column": column}}
        call("create_array_relationship", table=table, name=name, using=using)
    for table, row_filter in _FILTERS.items():
        permission = {"columns": "*", "filter": row_filter, "allow_aggregations": True}
        call("create_select_permission", table=table, role="user", permission=permission)
    served.metadata_bulk(calls)
    return served


@pytest.fixture(scope="module")
def work(module_serve: Callable[[], Served]) -> Served:
    return _make(module_serve)


@pytest.fixture(scope="module")
def gaps(module_serve: Callable[[], Served]) -> Served:
    """Labels without tasks, and tasks without hours."""
    served = _make(module_serve)
    served.sql("delete from task where label_id % 3 = 0; update task set hours = null where id % 11 < 9; analyze")
    return served


def _executed(served: Served, query: str, *values: Any, user: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """The nodes of the plan of a query, once it has run."""
    body = {"query": {"query": query}, **({"user": user} if user else {})}
    answer = served.client.post("/v1/graphql/explain", json=body, headers=served.admin_headers())
    assert answer.status_code == 200, answer.text
    (root,) = answer.json()
    text = f"explain (analyze, timing off, format json) {root['sql']}"
    (plan,) = json.loads(asyncio.run(served.fetch_value(text, *values)))
    return list(_nodes(plan["Plan"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from _nodes(inner)


def _looks(nodes: list[dict[str, Any]]) -> int:
    """How many rows and index look-ups all scans of tables took."""
    scans = [node for node in nodes if "Relation Name" in node]
    return int(
        sum(
            (node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + 1) * node["Actual Loops"] for node in scans
        )
    )


_SELECTION = """id label { name project { name member { name } } } project { name tasks(order_by: {id: asc}) { id }
  tasks_aggregate { aggregate { count } } }"""


@pytest.mark.parametrize(
    "arguments",
    [
        "order_by: {id: desc}",
        "order_by: [{label: {name: asc}}, {id: asc}], limit: 300",
        "order_by: {id: asc}, limit: 5, offset: 3",
        "distinct_on: project_id, order_by: [{project_id: desc}, {id: asc}]",
        "where: {label: {project: {member_id: {_lt: 100}}}}, order_by: {id: asc}",
    ],
)
@pytest.mark.parametrize("others", ["count", "count(columns: hours, distinct: true) max { name }", "sum { cost }"])
def test_nodes_are_the_rows_of_the_list(work: Served, arguments: str, others: str) -> None:
    query = f"""{{ task({arguments}) {{ {_SELECTION} }}
      task_aggregate({arguments}) {{ aggregate {{ {others} }} nodes {{ {_SELECTION} }} }} }}"""

    data = work.graphql(query)["data"]

    assert data["task"]
    assert data["task_aggregate"]["nodes"] == data["task"]


def test_nodes_of_many_rows_are_read_together(work: Served) -> None:
    nodes = "nodes { name label { name } project { name member { name } } }"

    of_all = _executed(work, f"{{ task_aggregate {{ aggregate {{ count }} {nodes} }} }}")
    nested = _executed(work, f"{{ project {{ tasks_aggregate {{ aggregate {{ count }} {nodes} }} }} }}")
    with_arrays = _executed(
        work, "{ project_aggregate { nodes { name tasks { id } tasks_aggregate { aggregate { count } } } } }"
    )

    # Each table as a whole, once or twice, and no look-up for each of the rows.
    for plan in (of_all, nested, with_arrays):
        assert _looks(plan) < 3 * _TASKS
        assert max(node["Actual Loops"] for node in plan if "Relation Name" in node) < 10


def test_what_is_nested_in_a_row_that_many_lead_to_is_read_once(work: Served) -> None:
    query = """{ task(order_by: {id: asc}) { id label { tasks(order_by: {id: asc}) { id } } project {
      member { projects_aggregate { aggregate { count } } } tasks_aggregate { aggregate { count } } } } }"""

    plan = _executed(work, query)

    assert max(node["Actual Loops"] for node in plan if "Relation Name" in node) < 10
    assert _looks(plan) < 5 * _TASKS
    for task in work.graphql(query)["data"]["task"]:
        first = task["id"] % 600 or 600
        tasks = [{"id": number} for number in range(first, _TASKS + 1, 600)]
        assert task["label"] == (None if first == 4 else {"tasks": tasks})
        assert task["project"]["tasks_aggregate"] == {"aggregate": {"count": 10}}
        assert task["project"]["member"] == {"projects_aggregate": {"aggregate": {"count": 2}}}


def test_what_is_only_counted_is_not_sorted(work: Served) -> None:
    order = "[{name: asc}, {project: {name: desc}}]"
    query = f"{{ task_aggregate(order_by: {order}) {{ aggregate {{ count sum {{ hours }} max {{ id }} }} }} }}"
    plan = _executed(work, query)

    assert not [node for node in plan if node["Node Type"] == "Sort"]
    assert {node["Relation Name"] for node in plan if "Relation Name" in node} == {"task"}
    answer = work.graphql(query)["data"]["task_aggregate"]["aggregate"]
    assert answer == {
        "count": _TASKS,
        "sum": {"hours": sum(n % 7 for n in range(_TASKS + 1))},
        "max": {"id": _TASKS},
    }


@pytest.mark.parametrize("direction", ["asc", "desc", "asc_nulls_first", "desc_nulls_last"])
@pytest.mark.parametrize("aggregate", ["count: {}", "max: {{hours: {}}}", "sum: {{hours: {}}}", "avg: {{cost: {}}}"])
@pytest.mark.parametrize("way", ["label", "task"])
def test_a_whole_table_is_ordered_by_an_aggregate_as_row_by_row(
    gaps: Served, way: str, aggregate: str, direction: str
) -> None:
    order = f"{{tasks_aggregate: {{{aggregate.format(direction)}}}}}"
    order = order if way == "label" else f"{{label: {order}}}"

    def ids(where: str, selection: str = "id") -> list[int]:
        query = f"{{ {way}(order_by: [{order}, {{id: asc}}]{where}) {{ {selection} }} }}"
        return [row["id"] for row in gaps.graphql(query)["data"][way]]

    # A filter makes each value a subquery of its row.
    expected = ids(", where: {id: {_gt: 0}}")
    assert len(expected) > 500
    assert ids("") == expected
    assert ids("", "id project { name }") == expected
    assert ids(", limit: 7, offset: 2") == expected[2:9]


_FILTERED = "filter: {project: {member_id: {_lt: 150}}}"


@pytest.mark.parametrize(
    "predicate",
    [
        "count: {predicate: {_eq: 0}}",
        "count: {predicate: {_gt: 8}}",
        "count: {arguments: hours, distinct: true, predicate: {_gt: 0, _lte: 1}}",
        f"count: {{predicate: {{_lt: 1}}, {_FILTERED}}}",
        f"count: {{predicate: {{_in: [0, 10]}}}}, max: {{arguments: cost, predicate: {{_gt: 300}}, {_FILTERED}}}",
        f"max: {{arguments: cost, predicate: {{_is_null: true}}, {_FILTERED}}}",
    ],
)
def test_a_whole_table_is_filtered_by_an_aggregate_as_row_by_row(gaps: Served, predicate: str) -> None:
    condition = f"tasks_aggregate: {{{predicate}}}"

    def found(where: str, arguments: str = "", selection: str = "id") -> list[int]:
        query = f"{{ label(where: {{{where}}}, order_by: {{id: asc}}{arguments}) {{ {selection} }} }}"
        return [row["id"] for row in gaps.graphql(query)["data"]["label"]]

    # Another filter makes each value a subquery of its row.
    expected = found(f"{condition}, id: {{_gt: 0}}")
    assert 0 < len(expected) < 600
    assert found(condition) == expected
    assert found(condition, selection="id project { name } tasks(limit: 1) { id }") == expected
    assert found(condition, ", limit: 3, offset: 1") == expected[1:4]
    counted = gaps.graphql(f"{{ label_aggregate(where: {{{condition}}}) {{ aggregate {{ count }} }} }}")
    assert counted["data"]["label_aggregate"]["aggregate"]["count"] == len(expected)
    # Computed once for all labels, too, where projects are filtered by their labels.
    through = found(f"project: {{labels: {{{condition}}}}}")
    assert through == found(f"project: {{labels: {{{condition}, id: {{_gt: 0}}}}}}") == expected


@pytest.mark.parametrize(
    "query",
    [
        "{ label(where: {tasks_aggregate: {count: {predicate: {_is_null: false}}}}) { id project { name } } }",
        "{ label(order_by: [{tasks_aggregate: {count: desc}}, {id: asc}], limit: 5) { id } }",
        "{ label(order_by: {tasks_aggregate: {sum: {hours: asc}}}) { name project { name } } }",
        "{ task(order_by: [{label: {tasks_aggregate: {count: desc}}}, {id: asc}], limit: 5) { id } }",
        "{ member(where: {projects: {tasks_aggregate: {count: {predicate: {_is_null: false}}}}}) { id } }",
        "{ member(where: {projects: {labels: {tasks_aggregate: {count: {predicate: {_is_null: false}}}}}}) { id } }",
        "{ task(where: {label: {tasks_aggregate: {count: {predicate: {_is_null: false}}}}}) { id } }",
    ],
)
def test_an_aggregate_of_all_rows_is_not_computed_row_by_row(work: Served, query: str) -> None:
    plan = _executed(work, query)

    assert not [node for node in plan if node.get("Parent Relationship") == "SubPlan"]
    assert _looks(plan) < 3 * _TASKS


def test_a_page_counts_its_own_rows_in_their_order(work: Served) -> None:
    query = "{ task_aggregate(order_by: {id: desc}, limit: 2, offset: 1) { aggregate { count max { id } } } }"

    assert work.graphql(query)["data"]["task_aggregate"]["aggregate"] == {"count": 2, "max": {"id": _TASKS - 1}}


def test_permissions_over_many_tables_do_not_read_whole_tables_for_a_few_rows(work: Served) -> None:
    query = """{ project(order_by: {id: asc}, limit: 20) { name
      tasks(order_by: {id: asc}) { id project { member { name } }
        label { name project { name member { name } } } } } }"""
    user = {"x-hasura-role": "user", "x-hasura-user-id": "7"}

    plan = _executed(work, query, 7, user=user)

    assert _looks(plan) < _TASKS / 2
    answer = work.graphql(query, headers=work.admin_headers(X_Hasura_Role="user", X_Hasura_User_Id="7"))
    projects = answer["data"]["project"]
    assert [project["name"] for project in projects] == ["Project 6", "Project 306"]
    member = {"name": "Member 7"}
    for project in projects:
        number = project["name"].removeprefix("Project ")
        labels = {json.dumps(task["label"]) for task in project["tasks"]}
        assert labels == {
            json.dumps({"name": f"Label {number}", "project": {"name": project["name"], "member": member}})
        }
        assert len(project["tasks"]) == 10
