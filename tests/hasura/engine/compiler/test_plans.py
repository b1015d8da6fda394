"""What of a request makes another plan, and what is only a parameter."""

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import pytest

from hasura.engine.errors import EngineError
from hasura.engine.ir.parameters import CursorValue
from hasura.engine.plan import NO_VARIABLES, OperationKind, SqlStep, Statement, bind
from hasura.engine.prepare import CompiledOperation, prepare_operation
from hasura.engine.schema_cache import SchemaCache
from tests.hasura.engine.compiler.shop import name_of, shop


def _prepare(document: str, *, role: str = "admin") -> CompiledOperation:
    return prepare_operation(shop(), role=role, document=document)


def _key(operation: CompiledOperation, variables: dict[str, Any]) -> Hashable:
    return operation.shape_key(operation.complete(variables))


def _statement(operation: CompiledOperation, variables: dict[str, Any]) -> Statement:
    (step,) = operation.compile(operation.complete(variables)).steps
    assert isinstance(step, SqlStep)
    return step.statements[0]


@pytest.mark.parametrize(
    ("document", "first", "second"),
    [
        ("query ($id: Int!) { author_by_pk(id: $id) { name } }", {"id": 1}, {"id": 2}),
        ("query ($ids: [Int!]) { author(where: {id: {_in: $ids}}) { id } }", {"ids": [1]}, {"ids": [1, 2, 3]}),
        (
            "query ($w: author_bool_exp) { author(where: $w) { id } }",
            {"w": {"name": {"_eq": "a"}, "age": {"_gt": 1}}},
            {"w": {"name": {"_eq": "b"}, "age": {"_gt": 9}}},
        ),
        (
            "mutation ($rows: [author_insert_input!]!) { insert_author(objects: $rows) { affected_rows } }",
            {"rows": [{"name": "a", "age": 1}]},
            {"rows": [{"name": str(number), "age": None} for number in range(50)]},
        ),
        (
            "mutation ($rows: [author_insert_input!]!) { insert_author(objects: $rows) { affected_rows } }",
            {"rows": [{"name": "a", "articles": {"data": [{"title": "t"}]}}]},
            {"rows": [{"name": str(number), "articles": {"data": [{"title": "t"}] * number}} for number in range(9)]},
        ),
        (
            "mutation ($p: jsonb) { update_author(where: {}, _set: {profile: $p}) { affected_rows } }",
            {"p": {"a": 1}},
            {"p": [1, 2, {"b": "c"}]},
        ),
        ("query ($l: Int) { author(limit: $l) { id } }", {"l": 5000}, {"l": 90000}),
        ("query ($o: Int) { author(offset: $o) { id } }", {"o": 1}, {"o": 2}),
    ],
)
def test_values_share_a_plan(document: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    operation = _prepare(document)

    assert _key(operation, first) == _key(operation, second)
    assert _statement(operation, first).sql == _statement(operation, second).sql
    bound = bind(_statement(operation, first), operation.complete(second), {"x-hasura-role": "admin"})
    assert bound == bind(_statement(operation, second), operation.complete(second), {"x-hasura-role": "admin"})


@pytest.mark.parametrize(
    ("document", "first", "second"),
    [
        ("query ($l: Int) { author(limit: $l) { id } }", {"l": 1}, {"l": 2}),
        ("query ($l: Int) { author(limit: $l) { id } }", {"l": 1}, {}),
        ("query ($n: Boolean) { author(where: {age: {_is_null: $n}}) { id } }", {"n": True}, {"n": False}),
        ("query ($x: Boolean!) { author { id name @include(if: $x) } }", {"x": True}, {"x": False}),
        (
            "query ($o: [author_order_by!]) { author(order_by: $o) { id } }",
            {"o": [{"id": "asc"}]},
            {"o": [{"id": "desc"}]},
        ),
        (
            "query ($w: author_bool_exp) { author(where: $w) { id } }",
            {"w": {"_or": [{"age": {"_eq": 1}}]}},
            {"w": {"_or": [{"age": {"_eq": 1}}, {"age": {"_eq": 2}}]}},
        ),
        (
            "mutation ($rows: [author_insert_input!]!) { insert_author(objects: $rows) { affected_rows } }",
            {"rows": [{"name": "a"}]},
            {"rows": [{"name": "a", "age": 2}]},
        ),
        (
            "mutation ($rows: [author_insert_input!]!) { insert_author(objects: $rows) { affected_rows } }",
            {"rows": [{"name": "a"}]},
            {"rows": [{"name": "a", "articles": {"data": [{"title": "t"}]}}]},
        ),
    ],
)
def test_what_changes_sql_changes_the_plan(document: str, first: dict[str, Any], second: dict[str, Any]) -> None:
    operation = _prepare(document)

    assert _key(operation, first) != _key(operation, second)


def test_a_value_is_checked_again_for_each_request() -> None:
    operation = _prepare("query ($id: Int!) { author_by_pk(id: $id) { name } }")
    statement = _statement(operation, {"id": 1})

    with pytest.raises(EngineError, match="expected a 32-bit integer for type 'Int', but found a string"):
        bind(statement, operation.complete({"id": "1; drop table author"}), {})


def test_rows_are_checked_again_for_each_request() -> None:
    operation = _prepare("mutation ($r: [article_insert_input!]!) { insert_article(objects: $r) { affected_rows } }")
    statement = _statement(operation, {"r": [{"title": "a", "genre": "poem"}]})

    with pytest.raises(EngineError, match="expected one of the values") as raised:
        bind(
            statement, operation.complete({"r": [{"title": "b", "genre": "essay"}, {"title": "c", "genre": "x"}]}), {}
        )
    assert raised.value.path == "$.selectionSet.insert_article.args.objects[1].genre"


def test_session_variables_never_reach_the_text() -> None:
    operation = _prepare("{ article { id } }", role="writer")
    statement = _statement(operation, {})

    assert "x-hasura" not in statement.sql.lower()
    assert 41 in bind(statement, NO_VARIABLES, {"x-hasura-author-id": "41"})


def test_a_plan_names_the_tables_it_reads_through_permissions_too() -> None:
    plan = _prepare("{ author { name } }", role="reader").compile(NO_VARIABLES)

    assert plan.tables == {("public", "author"), ("public", "article")}
    assert not plan.calls_functions


def test_a_plan_tells_that_functions_hide_what_it_reads() -> None:
    assert _prepare('{ search_articles(args: {search: "x"}) { id } }').compile(NO_VARIABLES).calls_functions
    assert _prepare("{ author { label } }").compile(NO_VARIABLES).calls_functions


def test_a_stream_has_a_place_for_its_cursor() -> None:
    operation = _prepare(
        "subscription { article_stream(batch_size: 3, cursor: {initial_value: {id: 1}, ordering: ASC}) { id } }"
    )
    plan = operation.compile(NO_VARIABLES)

    assert plan.is_stream
    assert plan.kind is OperationKind.SUBSCRIPTION
    sources = [getattr(source, "source", source) for source in _statement(operation, {}).parameters]
    assert [type(source) for source in sources] == [CursorValue]


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_introspection_shows_a_role_only_what_it_may_use(role: str) -> None:
    document = '{ __type(name: "article") { fields { name } } __schema { mutationType { name } } }'
    (article, schema) = _prepare(document, role=role).compile(NO_VARIABLES).steps

    assert not isinstance(article, SqlStep) and not isinstance(schema, SqlStep)
    assert (b"likes" in article.value) is (role == "writer")
    assert (b"mutation_root" in schema.value) is (role == "writer")


@pytest.mark.parametrize("depth", [300, 5000])
def test_endless_nesting_is_refused_not_a_crash(depth: int) -> None:
    document = "{ author { id articles { author " * depth + "{ id }" + " } }" * depth + " }"
    with pytest.raises(EngineError, match="nested too deeply"):
        prepare_operation(shop(), role="admin", document=document).compile(NO_VARIABLES)

    where: dict[str, Any] = {"id": {"_eq": 1}}
    for _ in range(depth):
        where = {"_not": where}
    operation = _prepare("query ($w: author_bool_exp) { author(where: $w) { id } }")
    with pytest.raises(EngineError, match="nested too deeply"):
        operation.complete({"w": where})


def test_null_is_no_condition_where_the_server_is_told_to_be_as_version_one() -> None:
    cache = replace(shop(), options=replace(shop().options, boolean_null_collapse=True))
    operation = prepare_operation(cache, role="admin", document="{ author(where: {id: {_eq: null}}) { id } }")

    assert "where" not in _statement(operation, {}).sql


def _changed(cache: SchemaCache, table: str, **changes: Any) -> SchemaCache:
    """The next snapshot, in which only one table is different."""
    name = name_of(table)
    return replace(cache, version=2, tables={**cache.tables, name: replace(cache.tables[name], **changes)}, memo={})


@pytest.mark.parametrize(
    ("role", "document", "unrelated", "related"),
    [
        ("admin", "{ article { author { name } } }", ["review"], ["article", "author", "genre"]),
        # The reader's permission on authors looks at articles, whose genres are the values of a table.
        ("reader", "{ author { name } }", ["review"], ["author", "article", "genre"]),
        ("admin", "{ author(order_by: {reviews_aggregate: {count: asc}}) { name } }", ["article"], ["review"]),
        ("writer", 'mutation { insert_article_one(object: {title: "x"}) { id } }', ["review"], ["article", "genre"]),
        (
            "admin",
            'mutation { insert_author_one(object: {name: "x", articles: {data: {title: "y"}}}) { id } }',
            ["review"],
            ["author", "article"],
        ),
        ("admin", '{ search_articles(args: {search: "x"}) { id } }', ["author"], ["article"]),
        ("admin", "{ __schema { types { name } } }", [], ["review"]),
    ],
)
def test_an_operation_outlives_changes_of_tables_it_does_not_touch(
    role: str, document: str, unrelated: list[str], related: list[str]
) -> None:
    cache = shop()
    for table in unrelated:
        operation = prepare_operation(cache, role=role, document=document)
        operation.compile(NO_VARIABLES)
        assert operation.move_to(_changed(cache, table, description="new")), table
        assert operation.compile(NO_VARIABLES).steps
    for table in related:
        operation = prepare_operation(cache, role=role, document=document)
        operation.compile(NO_VARIABLES)
        assert not operation.move_to(_changed(cache, table, description="new")), table


def test_an_operation_ends_with_a_change_of_roles_or_settings() -> None:
    cache = shop()
    operation = prepare_operation(cache, role="member", document="{ article { id } }")
    operation.compile(NO_VARIABLES)

    assert not operation.move_to(replace(cache, inherited_roles={}, memo={}))
    assert not operation.move_to(
        replace(cache, options=replace(cache.options, stringify_numeric_types=True), memo={})
    )
    assert operation.move_to(replace(cache, memo={}))
