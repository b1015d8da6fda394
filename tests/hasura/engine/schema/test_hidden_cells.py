"""A value that an inherited role may see in some rows only is NULL in the others, whatever is asked about it.

The role's answers are those that admin gets of a view which has NULL where the role may not see the value.
"""

import itertools
from collections.abc import Iterator

import pytest

from tests.hasura.engine.schema.conftest import Gallery

_DDL = """
create table department (id integer primary key, head integer not null);
create table employee (
  id integer primary key, department_id integer not null references department, name text not null, salary numeric,
  started_on date not null, skills text[] not null default '{}');
create function employee_bonus(employee_row employee) returns numeric language sql stable
  as $$ select employee_row.salary / 10 $$;
insert into department values (1, 10), (2, 20);
insert into employee values
  (10, 1, 'Ada', 100, '2020-01-01', '{sql}'), (11, 1, 'Ben', 80, '2021-01-01', '{}'),
  (20, 2, 'Cleo', 90, '2019-01-01', '{sql,go}'), (21, 2, 'Dan', 80, '2022-01-01', '{go}'),
  (22, 2, 'Ada', null, '2023-01-01', '{sql}');
create view employee_shown as select e.id, e.department_id,
  case when d.head = 10 or e.id = 21 then e.name end as name,
  case when e.started_on < '2022-01-01' then e.salary end as salary,
  case when d.head = 10 or e.id = 21 then e.started_on end as started_on,
  case when e.started_on < '2022-01-01' then e.skills end as skills,
  case when e.started_on < '2022-01-01' then e.salary / 10 end as bonus
  from employee e join department d on d.id = e.department_id
  where d.head = 10 or e.id = 21 or e.started_on < '2022-01-01';
"""
_UNDO = "drop view employee_shown; drop function employee_bonus; drop table employee, department;"

_OPERANDS = {
    "name": ['_eq: "Ada"', '_neq: "Ada"', '_in: ["Ada", "Dan"]', '_nin: ["Ada"]', '_like: "%a%"', "_is_null: true"],
    "salary": ["_eq: 80", "_gt: 80", "_is_null: true", "_is_null: false"],
    "started_on": ['_lt: "2021-06-01"', '_gte: "2022-01-01"', "_is_null: true"],
    "skills": ['_contains: ["sql"]', '_contained_in: ["sql"]', "_eq: []", "_is_null: true"],
    "bonus": ["_gt: 8", "_is_null: true"],
}
_FILTERS = [f"{{{column}: {{{operand}}}}}" for column, operands in _OPERANDS.items() for operand in operands]
_CONDITIONS = [
    *_FILTERS,
    *(f"{{_not: {item}}}" for item in _FILTERS),
    '{_or: [{name: {_eq: "Dan"}}, {salary: {_gt: 95}}]}',
]
_ORDERS = [
    f"{{{column}: {direction}}}, {{id: desc}}"
    for column, direction in itertools.product(_OPERANDS, ("asc", "desc_nulls_last"))
]
_LISTS = [
    *(f"{{ rows: TABLE(where: {condition}, order_by: {{id: asc}}) {{ id }} }}" for condition in _CONDITIONS),
    *(f"{{ rows: TABLE(order_by: [{order}]) {{ id }} }}" for order in _ORDERS),
    *(
        f"{{ rows: TABLE(distinct_on: [{column}], order_by: [{{{column}: asc}}, {{id: asc}}]) {{ id {column} }} }}"
        for column in ("name", "salary", "started_on", "skills")
    ),
    "{ rows: TABLE(distinct_on: [name, salary], order_by: [{salary: desc}, {name: asc}, {id: asc}]) { id } }",
    "{ rows: TABLE_aggregate { aggregate { count(columns: [name]) salaries: count(columns: [salary], distinct: true)"
    " both: count(columns: [name, salary], distinct: true) max { name salary } sum { salary } } } }",
    "{ rows: department(order_by: {employees_aggregate: {max: {salary: desc}}}) { id } }",
    "{ rows: department(order_by: [{employees_aggregate: {min: {name: asc}}}]) { id } }",
    '{ rows: department(where: {employees: {name: {_eq: "Ada"}}}) { id } }',
    "{ rows: department(where: {employees_aggregate: {count: {arguments: [salary], distinct: true, predicate: "
    "{_gt: 1}}}}) { id } }",
]


@pytest.fixture(scope="module")
def company(gallery: Gallery) -> Iterator[Gallery]:
    gallery.sql(_DDL)
    for table in ("department", "employee", "employee_shown"):
        gallery.call("pg_track_table", {"table": table})
    gallery.call(
        "pg_create_object_relationship",
        {"table": "employee", "name": "department", "using": {"foreign_key_constraint_on": "department_id"}},
    )
    gallery.call(
        "pg_add_computed_field",
        {"table": "employee", "name": "bonus", "definition": {"function": "employee_bonus"}},
    )
    for table, role in (("employee", "both"), ("employee_shown", "admin")):
        gallery.call(
            "pg_create_array_relationship",
            {
                "table": "department",
                "name": "employees" if role == "both" else "employees_shown",
                "using": {"manual_configuration": {"remote_table": table, "column_mapping": {"id": "department_id"}}},
            },
        )
    colleague = {"_or": [{"department": {"head": {"_eq": 10}}}, {"id": {"_eq": 21}}]}
    for role, columns, row_filter, computed in (
        ("colleague", ["id", "department_id", "name", "started_on"], colleague, []),
        ("payroll", ["id", "department_id", "salary", "skills"], {"started_on": {"_lt": "2022-01-01"}}, ["bonus"]),
    ):
        permission = {"columns": columns, "filter": row_filter, "computed_fields": computed}
        permission["allow_aggregations"] = True
        gallery.call("pg_create_select_permission", {"table": "employee", "role": role, "permission": permission})
        gallery.call(
            "pg_create_select_permission",
            {"table": "department", "role": role, "permission": {"columns": "*", "filter": {}}},
        )
        gallery.call("pg_create_delete_permission", {"table": "employee", "role": role, "permission": {"filter": {}}})
    gallery.call("add_inherited_role", {"role_name": "both", "role_set": ["colleague", "payroll"]})
    yield gallery
    gallery.restore()
    gallery.sql(_UNDO)


@pytest.mark.parametrize("query", _LISTS)
def test_the_role_asks_as_if_hidden_values_were_null(company: Gallery, query: str) -> None:
    seen = company.run(query.replace("TABLE", "employee"), role="both")
    shown = company.run(query.replace("TABLE", "employee_shown").replace("employees", "employees_shown"))

    assert "data" in seen, seen
    assert seen == shown


def test_a_delete_finds_no_rows_by_what_is_hidden(company: Gallery) -> None:
    for condition in _FILTERS:
        mutation = f"mutation {{ done: delete_employee(where: {condition}) {{ affected_rows }} }}"
        rows = company.run(f"{{ employee_shown(where: {condition}) {{ id }} }}")["data"]["employee_shown"]
        hidden = company.run("{ employee(where: {id: {_eq: 22}}) { id } }")["data"]["employee"]
        answer = company.run(mutation, role="both")

        # The row that the role may not read at all has nothing to show.
        extra = len(hidden) if "_is_null: true" in condition else 0
        assert answer == {"data": {"done": {"affected_rows": len(rows) + extra}}}, condition
