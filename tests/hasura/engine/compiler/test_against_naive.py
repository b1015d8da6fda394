"""Generated worlds: PostgreSQL through the compiler answers what a naive evaluator answers over the same rows."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.hasura.engine.compiler.conftest import Compiler
from tests.hasura.engine.compiler.naive import NaiveEvaluator
from tests.hasura.engine.compiler.worlds import Document, World
from tests.lengths import at_length

_QUERIES_PER_WORLD = 4


@pytest.mark.parametrize(
    ("is_large", "depth"), [(False, 2), (True, 2), (False, 3)], ids=["of any size", "large", "deep"]
)
@pytest.mark.parametrize("role", ["admin", "user"])
@settings(max_examples=at_length(10, full=40), deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_answers_are_those_of_the_naive_evaluator(
    compiler: Compiler, role: str, seed: int, is_large: bool, depth: int
) -> None:
    world = World(seed, is_large=is_large)
    with compiler.temporary(world.ddl(), world.rows):
        naive = NaiveEvaluator(world.cache, world.rows, role, world.session)
        for _ in range(_QUERIES_PER_WORLD):
            field = world.field(world.random.choice(list(world.columns)), depth=depth)
            document = Document(field)

            outcome = compiler.run(
                document.text, variables=document.variables, role=role, session=world.session, cache=world.cache
            )

            assert outcome.body == {"data": {"root": naive.answer(field)}}, document.text


@settings(max_examples=at_length(5, full=15), deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32), others=st.lists(st.integers(0, 4), min_size=2, max_size=4))
def test_one_plan_serves_every_session_its_own_rows(compiler: Compiler, seed: int, others: list[int]) -> None:
    world = World(seed)
    field = world.field(world.random.choice(list(world.columns)), depth=1)
    document = Document(field)
    with compiler.temporary(world.ddl(), world.rows):
        plans = set()
        for number in others:
            session = {**world.session, "x-hasura-number": str(number)}

            outcome = compiler.run(
                document.text, variables=document.variables, role="user", session=session, cache=world.cache
            )

            plans.add(tuple(outcome.statements))
            naive = NaiveEvaluator(world.cache, world.rows, "user", session)
            assert outcome.body == {"data": {"root": naive.answer(field)}}, document.text
        assert len(plans) == 1


@pytest.mark.parametrize("role", ["admin", "user"])
@settings(max_examples=at_length(10, full=40), deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_mutations_touch_what_the_naive_evaluator_touches(compiler: Compiler, role: str, seed: int) -> None:
    world = World(seed)
    with compiler.temporary(world.ddl(), world.rows):
        naive = NaiveEvaluator(world.cache, world.rows, role, world.session)
        for _ in range(_QUERIES_PER_WORLD):
            mutation = world.mutation(world.random.choice(list(world.columns)))

            outcome = compiler.run(
                mutation.text,
                variables={"where": mutation.where},
                role=role,
                session=world.session,
                cache=world.cache,
            )

            expected = naive.changed(mutation)
            if expected is None:
                (error,) = outcome.body["errors"]
                assert error["extensions"]["code"] == "permission-error", mutation.text
                continue
            answer = outcome.body["data"]["root"]
            assert answer["affected_rows"] == len(expected), mutation.text
            assert sorted(answer["returning"], key=lambda row: int(row["id"])) == list(expected), mutation.text
