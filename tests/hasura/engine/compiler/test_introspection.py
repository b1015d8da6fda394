"""Introspection: what standard clients build from it, and that a role's schema is exactly its own."""

from pathlib import Path

import orjson
import pytest
from graphql import GraphQLSchema, build_client_schema, get_introspection_query, print_schema, validate_schema
from hypothesis import given, settings
from hypothesis import strategies as st

from hasura.engine.errors import EngineError
from hasura.engine.names import NamingConvention
from hasura.engine.plan import NO_VARIABLES, ConstantStep
from hasura.engine.prepare import prepare_operation
from hasura.engine.schema_cache import SchemaCache
from tests.hasura.engine.compiler.shop import shop
from tests.hasura.engine.compiler.worlds import World
from tests.lengths import at_length

_READER_SDL = Path(__file__).parent / "cases" / "reader.graphql"


def introspected(role: str, cache: SchemaCache) -> GraphQLSchema:
    document = get_introspection_query(directive_is_repeatable=True, schema_description=True)
    (step,) = prepare_operation(cache, role=role, document=document).compile(NO_VARIABLES).steps
    assert isinstance(step, ConstantStep)
    return build_client_schema({"__schema": orjson.loads(step.value)})


@pytest.mark.parametrize("convention", list(NamingConvention))
@pytest.mark.parametrize("role", ["admin", "writer", "member", "reader", "nobody"])
@pytest.mark.slow
def test_clients_build_a_valid_schema_for_every_role(role: str, convention: NamingConvention) -> None:
    assert validate_schema(introspected(role, shop(convention=convention))) == []


@pytest.mark.parametrize("role", ["admin", "user"])
@settings(max_examples=at_length(4, full=20), deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_every_generated_world_has_a_valid_schema(role: str, seed: int) -> None:
    assert validate_schema(introspected(role, World(seed).cache)) == []


def test_the_schema_of_a_role_is_exactly_what_it_may_use() -> None:
    assert print_schema(introspected("reader", shop())) + "\n" == _READER_SDL.read_text()


def test_a_role_without_anything_has_a_placeholder_query() -> None:
    schema = introspected("nobody", shop())

    assert schema.query_type is not None
    assert list(schema.query_type.fields) == ["no_queries_available"]
    assert schema.mutation_type is None


def test_types_outside_the_role_are_null() -> None:
    (step,) = (
        prepare_operation(shop(), role="reader", document='{ __type(name: "genre") { name } }')
        .compile(NO_VARIABLES)
        .steps
    )

    assert isinstance(step, ConstantStep)
    assert step.value == b"null"


def test_unknown_fields_of_types_are_refused() -> None:
    with pytest.raises(EngineError, match="field 'feilds' not found in type: '__Type'"):
        prepare_operation(shop(), role="reader", document='{ __type(name: "genre") { feilds } }').compile(
            NO_VARIABLES
        )


def test_a_variable_names_the_type_and_is_part_of_the_plan() -> None:
    operation = prepare_operation(
        shop(), role="admin", document="query ($n: String!) { __type(name: $n) { kind name } }"
    )

    answers = [operation.compile(operation.complete({"n": name})).steps[0] for name in ("genre", "genre_enum")]
    assert [orjson.loads(step.value) for step in answers if isinstance(step, ConstantStep)] == [
        {"kind": "OBJECT", "name": "genre"},
        {"kind": "ENUM", "name": "genre_enum"},
    ]
    assert operation.shape_key(operation.complete({"n": "genre"})) != operation.shape_key(
        operation.complete({"n": "genre_enum"})
    )
