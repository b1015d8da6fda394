"""Variables are completed and refused as GraphQL's reference implementation does it."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    is_composite_type,
    parse,
    type_from_ast,
)
from graphql.execution import get_variable_values
from hypothesis import assume, given
from hypothesis import strategies as st

from hasura.engine.errors import EngineError
from hasura.engine.plan import Plan, PreparedOperation, SqlStep, Variables, bind
from hasura.engine.prepare import prepare_operation
from tests.hasura.engine.compiler.conftest import Compiler
from tests.hasura.engine.compiler.shop import shop
from tests.hasura.engine.compiler.test_introspection import introspected

_POSITIONS = [
    ("query", "author(where: $v) { id }", "author_bool_exp"),
    ("query", "author(where: {_or: $v}) { id }", "[author_bool_exp!]"),
    ("query", "author(where: {id: {_in: $v}}) { id }", "[Int!]"),
    ("query", "author(where: {name: {_like: $v}}) { id }", "String"),
    ("query", "article(where: {genre: {_in: $v}}) { id }", "[genre_enum!]"),
    ("query", "author(order_by: $v) { id }", "[author_order_by!]"),
    ("query", "author(limit: $v) { id }", "Int"),
    ("query", "author(distinct_on: $v) { id }", "[author_select_column!]"),
    ("query", "author_by_pk(id: $v) { id }", "Int!"),
    ("query", "search_articles(args: $v) { id }", "search_articles_args!"),
    ("query", "author { id @include(if: $v) name }", "Boolean!"),
    ("query", "author_aggregate { aggregate { count(columns: $v) } }", "[author_select_column!]"),
    ("mutation", "insert_author(objects: $v) { affected_rows }", "[author_insert_input!]!"),
    ("mutation", "insert_article_one(object: $v) { id }", "article_insert_input!"),
    (
        "mutation",
        'insert_author_one(object: {name: "x"}, on_conflict: $v) { id }',
        "author_on_conflict",
    ),
    ("mutation", "update_article_many(updates: $v) { affected_rows }", "[article_updates!]!"),
    ("mutation", "update_author(where: {}, _set: $v) { affected_rows }", "author_set_input"),
    ("mutation", "update_author(where: {}, _set: {tags: $v}) { affected_rows }", "[String!]"),
    ("mutation", "delete_article(where: $v) { affected_rows }", "article_bool_exp!"),
]
_SCALARS: Mapping[str, st.SearchStrategy[Any]] = {
    "Int": st.integers(-(2**31), 2**31 - 1) | st.integers(-9, 9).map(float),
    "Boolean": st.booleans(),
    "String": st.text(st.characters(codec="ascii", categories=["L", "Nd", "Zs"]), max_size=5),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "numeric": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    "jsonb": st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
        max_leaves=4,
    ).filter(lambda value: value is not None),
    "timestamptz": st.just("2024-01-01"),
}
# Refused for any of the built-in scalars that it is put in place of; what Hasura takes beyond GraphQL (text for a
# number) is not among them.
_WRONG: Mapping[str, list[Any]] = {
    "Int": [1.5, 2**31, True, "x", {}],
    "Boolean": ["x", 1, {}],
    "String": [5, True, {}],
}


def _values(kind: GraphQLInputType, *, depth: int, wrong: bool) -> st.SearchStrategy[Any]:
    """Values of a type as JSON, and now and then, with `wrong`, one that does not fit."""
    if isinstance(kind, GraphQLNonNull):
        return _values(kind.of_type, depth=depth, wrong=wrong).filter(lambda value: value is not None or wrong)
    good = _good_values(kind, depth=depth, wrong=wrong)
    if not wrong:
        return good
    return st.one_of(*[good] * 12, _wrong_values(kind), st.none())


def _good_values(kind: GraphQLInputType, *, depth: int, wrong: bool) -> st.SearchStrategy[Any]:
    if isinstance(kind, GraphQLList):
        inner = _values(kind.of_type, depth=depth, wrong=wrong)
        single = inner.filter(lambda value: value is not None)
        return st.lists(inner, max_size=2) | single
    if isinstance(kind, GraphQLEnumType):
        return st.sampled_from(list(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        names = [
            name
            for name, field in kind.fields.items()
            if depth > 0 or not isinstance(get_named_type(field.type), GraphQLInputObjectType)
        ]
        required = [name for name, field in kind.fields.items() if isinstance(field.type, GraphQLNonNull)]
        chosen = st.lists(st.sampled_from(names), max_size=2, unique=True) if names else st.just([])

        def members(extra: list[str]) -> st.SearchStrategy[dict[str, Any]]:
            return st.fixed_dictionaries(
                {
                    name: _values(kind.fields[name].type, depth=depth - 1, wrong=wrong)
                    for name in dict.fromkeys([*required, *extra])
                }
            )

        return chosen.flatmap(members)
    return _SCALARS[get_named_type(kind).name]


def _wrong_values(kind: GraphQLInputType) -> st.SearchStrategy[Any]:
    if isinstance(kind, GraphQLInputObjectType):
        return st.sampled_from([5, "x", {"no_such_field": 1}, {}])
    if isinstance(kind, GraphQLEnumType):
        return st.sampled_from([5, "no_such_value", {}])
    named = get_named_type(kind)
    return st.sampled_from(_WRONG.get(named.name, [None]))


def _literal(value: Any, kind: GraphQLInputType) -> str:
    """A value as GraphQL writes it."""
    while isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if value is None:
        return "null"
    if isinstance(kind, GraphQLList):
        items = value if isinstance(value, list) else None
        if items is None:
            return _literal(value, kind.of_type)
        return "[" + ", ".join(_literal(item, kind.of_type) for item in items) + "]"
    if isinstance(kind, GraphQLInputObjectType) and isinstance(value, dict):
        members = (
            f"{name}: {_literal(item, kind.fields[name].type) if name in kind.fields else '1'}"
            for name, item in value.items()
        )
        return "{" + ", ".join(members) + "}"
    if isinstance(kind, GraphQLEnumType) and isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and get_named_type(kind).name == "Int" and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return "[" + ", ".join(_literal(item, kind) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_literal(item, kind)}" for name, item in value.items()) + "}"
    if isinstance(value, str):
        return '"' + "".join(f"\\u{{{ord(letter):x}}}" for letter in value) + '"'
    return repr(value)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return introspected("admin", shop())


def _complete(document: str, sent: dict[str, Any]) -> dict[str, Any] | EngineError:
    """The completed variables, or why the request is refused before it reaches the database."""
    try:
        operation = prepare_operation(shop(), role="admin", document=document)
        variables = operation.complete(sent)
        plan = operation.compile(variables)
        for step in plan.steps:
            for statement in step.statements if isinstance(step, SqlStep) else ():
                bind(statement, variables, {}, ["[]"] * len(plan.steps) * 20)
        # A second request of the same shape is refused as the first.
        assert operation.complete(sent) == variables
        return dict(variables)
    except EngineError as error:
        return error


@given(data=st.data())
@pytest.mark.slow
def test_values_are_completed_as_by_the_reference_implementation(schema: GraphQLSchema, data: st.DataObject) -> None:
    kind, body, type_text = data.draw(st.sampled_from(_POSITIONS))
    named = type_from_ast(
        schema, parse(f"query ($v: {type_text}) {{ x }}").definitions[0].variable_definitions[0].type
    )  # type: ignore[attr-defined]
    wrong = data.draw(st.booleans())
    default = ""
    if data.draw(st.booleans()):
        default = " = " + _literal(data.draw(_values(named, depth=2, wrong=False)), named)
    sent: dict[str, Any] = {}
    if data.draw(st.booleans()):
        sent["v"] = data.draw(_values(named, depth=2, wrong=wrong))
    document = f"{kind} ($v: {type_text}{default}) {{ {body} }}"

    ours = _complete(document, sent)
    (operation,) = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    theirs = get_variable_values(schema, operation.variable_definitions or (), sent)

    if isinstance(theirs, list):
        assert isinstance(ours, EngineError), (document, sent, theirs)
        assert ours.code in ("validation-failed", "parse-failed"), ours.message
    elif isinstance(ours, EngineError):
        # The engine knows more: which columns a mutation needs, that a comparison with null is none.
        assert ours.code != "unexpected", (document, sent, ours.message)
    else:
        assert ours == theirs.coerced, (document, sent)


@st.composite
def _drawn_positions(draw: st.DrawFn, schema: GraphQLSchema) -> tuple[str, str, GraphQLInputType]:
    """A kind of operation, a root field with `$v` anywhere in its arguments, and the type that is expected there."""
    kind, root = draw(st.sampled_from([("query", schema.query_type), ("mutation", schema.mutation_type)]))
    assert root is not None
    name, field = draw(st.sampled_from([item for item in root.fields.items() if item[1].args]))
    argument = draw(st.sampled_from(list(field.args)))
    given, expected = draw(_drawn_places(field.args[argument].type, depth=4))
    arguments = {argument: given}
    for other, definition in field.args.items():
        if other != argument and isinstance(definition.type, GraphQLNonNull):
            value = draw(_values(definition.type, depth=2, wrong=False))
            arguments[other] = _literal(value, definition.type)
    listed = ", ".join(f"{name}: {value}" for name, value in arguments.items())
    selection = "{ __typename }" if is_composite_type(get_named_type(field.type)) else ""
    return kind, f"{name}({listed}) {selection}", expected


@st.composite
def _drawn_places(draw: st.DrawFn, kind: GraphQLInputType, *, depth: int) -> tuple[str, GraphQLInputType]:
    """`$v` where a value of the type is expected, or somewhere inside such a value."""
    bare = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    goes_on = depth > 0 and draw(st.integers(0, 3)) > 0
    if goes_on and isinstance(bare, GraphQLList):
        inner, expected = draw(_drawn_places(bare.of_type, depth=depth - 1))
        return f"[{inner}]", expected
    if goes_on and isinstance(bare, GraphQLInputObjectType):
        chosen = draw(st.sampled_from(list(bare.fields)))
        inner, expected = draw(_drawn_places(bare.fields[chosen].type, depth=depth - 1))
        members = [f"{chosen}: {inner}"]
        for name, field in bare.fields.items():
            if name != chosen and isinstance(field.type, GraphQLNonNull):
                value = draw(_values(field.type, depth=1, wrong=False))
                members.append(f"{name}: {_literal(value, field.type)}")
        return f"{{{', '.join(members)}}}", expected
    return "$v", kind


def _bound(operation: PreparedOperation, sent: dict[str, Any]) -> object:
    """The statements with their values, or how the request is refused."""
    try:
        variables = operation.complete(sent)
        operation.shape_key(variables)
        steps = operation.compile(variables).steps
        return [
            (statement.sql, [str(value) for value in bind(statement, variables, {}, ["[]"] * 50)])
            for step in steps
            for statement in (step.statements if isinstance(step, SqlStep) else ())
        ]
    except EngineError as error:
        assert error.code != "unexpected", error.message
        return (error.code, error.path, error.message)


def _as_written(value: Any) -> Any:
    """The value with whole numbers as `_literal` writes them: the same number has one text then."""
    if isinstance(value, dict):
        return {name: _as_written(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_written(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@given(data=st.data())
@pytest.mark.slow
def test_a_literal_a_default_and_a_value_mean_the_same_in_every_position(
    schema: GraphQLSchema, data: st.DataObject
) -> None:
    kind, body, expected = data.draw(_drawn_positions(schema))
    value = _as_written(data.draw(_values(expected, depth=2, wrong=data.draw(st.booleans()))))
    literal = _literal(value, expected)

    def prepared(head: str, body: str) -> PreparedOperation:
        return prepare_operation(shop(), role="admin", document=f"{kind} {head} {{ {body} }}")

    sent = _bound(prepared(f"($v: {expected})", body), {"v": value})
    default = _bound(prepared(f"($v: {expected} = {literal})", body), {})
    written = _bound(prepared("", body.replace("$v", literal)), {})
    if isinstance(sent, list):
        assert default == sent, (body, literal)
    refused = [isinstance(answer, tuple) for answer in (sent, default, written)]
    assert len(set(refused)) == 1, (body, value, sent, default, written)


@given(data=st.data())
@pytest.mark.slow
def test_what_came_before_does_not_change_an_answer(schema: GraphQLSchema, data: st.DataObject) -> None:
    kind, body, expected = data.draw(_drawn_positions(schema))
    document = f"{kind} ($v: {expected}) {{ {body} }}"
    values = data.draw(st.lists(_values(expected, depth=2, wrong=True), min_size=2, max_size=5))
    shared = prepare_operation(shop(), role="admin", document=document)
    plans: dict[object, Plan] = {}
    for value in values:
        alone = _bound(prepare_operation(shop(), role="admin", document=document), {"v": value})
        answer = _bound(_Remembering(shared, plans), {"v": value})
        # The condition of an upsert that updates nothing is in no statement, and its values are not looked at again.
        assume("do nothing" not in str(answer))
        assert answer == alone, (document, values, value)


class _Remembering:
    """An operation that compiles once for each shape, as the engine uses it."""

    def __init__(self, operation: PreparedOperation, plans: dict[object, Plan]) -> None:
        self._operation = operation
        self._plans = plans
        self.kind = operation.kind
        self.complete = operation.complete
        self.shape_key = operation.shape_key
        self.move_to = operation.move_to

    def compile(self, variables: Variables) -> Plan:
        key = self._operation.shape_key(variables)
        if key not in self._plans:
            self._plans[key] = self._operation.compile(variables)
        return self._plans[key]


@pytest.mark.parametrize(
    ("type_text", "body", "default"),
    [
        ("Int", "author(limit: $v) { id }", '"x"'),
        ("Int", "author(limit: $v) { id }", "true"),
        ("String", "author(where: {name: {_eq: $v}}) { id }", "word"),
        ("order_by", "author(order_by: {id: $v}) { id }", '"asc"'),
        ("order_by", "author(order_by: {id: $v}) { id }", "sideways"),
        ("author_bool_exp", "author(where: $v) { id }", "{no_such_field: {}}"),
        ("author_bool_exp", "author(where: $v) { id }", "5"),
        ("[Int!]", "author(where: {id: {_in: $v}}) { id }", "[null]"),
        ("Int!", "author_by_pk(id: $v) { id }", "null"),
        # A default of null fills no gap.
        ("Int", "author_by_pk(id: $v) { id }", "null"),
    ],
)
@pytest.mark.parametrize("sent", [{}, {"v": None}, {"v": 1}])
def test_a_default_that_is_not_of_its_type_is_refused_whatever_is_sent(
    type_text: str, body: str, default: str, sent: dict[str, Any]
) -> None:
    refused = _complete(f"query ($v: {type_text} = {default}) {{ {body} }}", sent)

    assert isinstance(refused, EngineError)
    assert refused.code in ("validation-failed", "parse-failed")


def test_null_sent_wins_over_a_default() -> None:
    document = "query ($v: Int = 2) { author(limit: $v) { id } }"
    assert _complete(document, {"v": None}) == {"v": None}
    refused = _complete("query ($v: Int = 2) { author_by_pk(id: $v) { id } }", {"v": None})
    assert isinstance(refused, EngineError)
    assert refused.code == "validation-failed"


def test_a_variable_is_declared_once() -> None:
    refused = _complete("query ($v: Int = 2, $v: Int = 3) { author(limit: $v) { id } }", {})
    assert isinstance(refused, EngineError)
    assert "multiple definitions for variable 'v'" in refused.message


_NULLABLE = [
    ("query", "author(where: V) { id }", "author_bool_exp"),
    ("query", "author(order_by: V) { id }", "[author_order_by!]"),
    ("query", "author(limit: V) { id }", "Int"),
    ("query", "author(offset: V) { id }", "Int"),
    ("query", "author(distinct_on: V) { id }", "[author_select_column!]"),
    ("query", "author_aggregate(where: V) { aggregate { count } }", "author_bool_exp"),
    ("query", "author_aggregate { aggregate { count(columns: V) } }", "[author_select_column!]"),
    ("query", "author_aggregate { aggregate { count(distinct: V) } }", "Boolean"),
    ("query", "author { articles(where: V) { id } }", "article_bool_exp"),
    ("query", "author { articles_aggregate(limit: V) { nodes { id } } }", "Int"),
    ("query", "author { profile(path: V) }", "String"),
    ("query", "author { label(args: V) }", "label_author_args"),
    ("query", "author { best(where: V) { id } }", "article_bool_exp"),
    ("query", 'search_articles(args: {search: "n"}, where: V) { id }', "article_bool_exp"),
    ("query", 'search_articles(args: {search: "n"}, order_by: V) { id }', "[article_order_by!]"),
    (
        "query",
        "author(where: {articles_aggregate: {count: {predicate: {_gt: 0}, filter: V}}}) { id }",
        "article_bool_exp",
    ),
    (
        "query",
        "author(where: {articles_aggregate: {count: {predicate: {_gt: 0}, distinct: V}}}) { id }",
        "Boolean",
    ),
    (
        "query",
        "author(where: {articles_aggregate: {count: {predicate: {_gt: 0}, arguments: V}}}) { id }",
        "[article_select_column!]",
    ),
    ("mutation", 'insert_author(objects: {name: "n"}, on_conflict: V) { affected_rows }', "author_on_conflict"),
    (
        "mutation",
        'insert_author_one(object: {name: "Ada"}, on_conflict: {constraint: author_name_key, where: V}) { name }',
        "author_bool_exp",
    ),
    (
        "mutation",
        'insert_article_one(object: {title: "t", author: {data: {name: "n"}, on_conflict: V}}) { title }',
        "author_on_conflict",
    ),
    ("mutation", "update_author(where: {}, _inc: {age: 1}, _set: V) { affected_rows }", "author_set_input"),
    (
        "mutation",
        "update_author_many(updates: {where: {}, _inc: {age: 1}, _set: V}) { affected_rows }",
        "author_set_input",
    ),
]


@pytest.mark.parametrize(("kind", "body", "type_text"), _NULLABLE)
def test_null_for_an_argument_that_may_be_null_is_no_argument(
    compiler: Compiler, kind: str, body: str, type_text: str
) -> None:
    left_out = re.sub(r"\(\)", "", re.sub(r"(, )?\w+: V", "", body))
    expected = compiler.run(f"{kind} {{ {left_out} }}")
    assert "errors" not in expected.body

    used = body.replace("V", "$v")
    for document, variables in (
        (f"{kind} {{ {body.replace('V', 'null')} }}", {}),
        (f"{kind} ($v: {type_text}) {{ {used} }}", {"v": None}),
        (f"{kind} ($v: {type_text}) {{ {used} }}", {}),
        (f"{kind} ($v: {type_text} = null) {{ {used} }}", {}),
    ):
        assert compiler.run(document, variables=variables) == expected, document


@pytest.mark.parametrize(
    ("kind", "body", "type_text"),
    [
        ("query", "author(where: {id: {_eq: V}}) { id }", "Int"),
        ("query", "author(where: {id: {_in: V}}) { id }", "[Int!]"),
        ("mutation", "delete_author(where: {id: {_eq: V}}) { affected_rows }", "Int"),
    ],
)
def test_a_condition_without_its_value_is_refused_and_selects_no_row(
    compiler: Compiler, kind: str, body: str, type_text: str
) -> None:
    used = body.replace("V", "$v")
    for document, variables in (
        (f"{kind} {{ {body.replace('V', 'null')} }}", {}),
        (f"{kind} ($v: {type_text}) {{ {used} }}", {"v": None}),
        (f"{kind} ($v: {type_text}) {{ {used} }}", {}),
    ):
        (error,) = compiler.run(document, variables=variables).body["errors"]
        assert error["extensions"]["code"] == "validation-failed"
        assert "unexpected null value" in error["message"]


def test_the_condition_of_an_update_or_delete_is_never_null(compiler: Compiler) -> None:
    for body in (
        "delete_author(where: null) { affected_rows }",
        "update_author(where: null, _inc: {age: 1}) { affected_rows }",
    ):
        (error,) = compiler.run(f"mutation {{ {body} }}").body["errors"]
        assert error["extensions"]["code"] == "validation-failed"
