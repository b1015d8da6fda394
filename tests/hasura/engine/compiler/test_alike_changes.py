"""Updates and deletes of one operation have the statements of each alone; only the first alike is translated."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hasura.engine.plan import NO_VARIABLES, PreviousResult, SqlStep, bind
from hasura.engine.prepare import prepare_operation
from hasura.engine.sql.composition import render
from hasura.engine.translate.mutations.translator import MutationTranslator
from tests.hasura.engine.compiler.shop import shop

# Few values, written in few ways: equal ones are one parameter of a statement.
_numbers = st.integers(1, 3)
_words = st.sampled_from(["1", "2", "{town}"])
_wheres = st.one_of(
    st.builds("{{id: {{_eq: {}}}}}".format, _numbers),
    st.builds("{{id: {{_in: [{}, {}]}}}}".format, _numbers, _numbers),
    st.builds('{{_or: [{{age: {{_gt: {}}}}}, {{name: {{_eq: "{}"}}}}]}}'.format, _numbers, _words),
    st.builds('{{articles: {{likes: {{_lt: {}}}, title: {{_ilike: "{}"}}}}}}'.format, _numbers, _words),
    st.builds("{{articles_aggregate: {{count: {{predicate: {{_gt: {}}}}}}}}}".format, _numbers),
    st.builds('{{profile: {{_has_key: "{}"}}, tags: {{_eq: ["{}"]}}}}'.format, _words, _words),
    st.builds("{{age: {{_is_null: {}}}}}".format, st.sampled_from(["true", "false"])),
    st.just("{}"),
)
_operators = st.one_of(
    st.builds('_set: {{age: {}, name: "{}"}}'.format, _numbers, _words),
    st.builds("_set: {{age: {}}}".format, st.sampled_from(["1", "2", "null"])),
    st.builds("_inc: {{age: {}}}".format, _numbers),
    st.builds('_delete_at_path: {{profile: ["{}"]}}'.format, st.sampled_from(["town", "home"])),
    st.builds('_append: {{profile: {{town: "{}"}}}}, _inc: {{age: {}}}'.format, _words, _numbers),
    st.just("_set: {}"),
)
_responses = st.sampled_from(
    [
        "{ affected_rows }",
        "{ affected_rows returning { id name age __typename } }",
        '{ returning { profile(path: "town") } }',
        "{ returning { id label articles(where: {likes: {_gt: 1}}, limit: 2) { title } } }",
    ]
)
_updates = st.lists(st.builds("{{where: {}, {}}}".format, _wheres, _operators), max_size=6)


def _steps(document: str, results: list[str]) -> list[list[tuple[str, list[object]]]]:
    """The text of each statement of each root field, and what is sent with it."""
    session = {"x-hasura-role": "admin"}
    found = []
    for step in prepare_operation(shop(), role="admin", document=document).compile(NO_VARIABLES).steps:
        assert isinstance(step, SqlStep)
        for statement in step.statements:
            assert render(statement.fragment) == (statement.sql, statement.parameters)
        found.append(
            [(statement.sql, bind(statement, NO_VARIABLES, session, results)) for statement in step.statements]
        )
    return found


@given(updates=_updates, response=_responses)
@pytest.mark.slow
def test_statements_of_many_are_those_of_each_alone(updates: list[str], response: str) -> None:
    alone = [
        _steps(f"mutation {{ update_author({update[1:-1]}) {response} }}", ["result 0"])[0] for update in updates
    ]
    results = [f"result {number}" for statements in alone for number in range(len(statements))]

    together = _steps(f"mutation {{ update_author_many(updates: [{', '.join(updates)}]) {response} }}", results)

    assert together == [[statement for statements in alone for statement in statements]]


_fields = st.one_of(
    st.builds("update_author(where: {}, {}) {}".format, _wheres, _operators, _responses),
    st.builds("delete_author(where: {}) {}".format, _wheres, _responses),
    st.builds("update_author_by_pk(pk_columns: {{id: {}}}, {}) {{ id label }}".format, _numbers, _operators),
    st.builds("delete_author_by_pk(id: {}) {{ id age }}".format, _numbers),
    st.builds("update_author_many(updates: [{{where: {}, {}}}]) {}".format, _wheres, _operators, _responses),
)


@given(fields=st.lists(_fields, min_size=1, max_size=6))
@pytest.mark.slow
def test_statements_of_root_fields_are_those_of_each_alone(fields: list[str]) -> None:
    alone = [_steps(f"mutation {{ {field} }}", ["result 0"])[0] for field in fields]

    together = _steps(
        f"mutation {{ {' '.join(f'f{number}: {field}' for number, field in enumerate(fields))} }}", ["result 0"]
    )

    assert together == alone


def test_only_the_first_of_alike_updates_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    translated: list[PreviousResult] = []
    answered = MutationTranslator.answered

    def noted(self: MutationTranslator, *arguments: Any) -> PreviousResult:
        translated.append(answered(self, *arguments))
        return translated[-1]

    monkeypatch.setattr(MutationTranslator, "answered", noted)
    operation = prepare_operation(
        shop(),
        role="admin",
        document="mutation ($u: [author_updates!]!) { update_author_many(updates: $u) { affected_rows } }",
    )
    updates: list[dict[str, Any]] = [{"where": {"id": {"_eq": number}}, "_set": {"age": 1}} for number in range(50)]
    updates += [{"where": {"id": {"_eq": number}}, "_inc": {"age": 1}} for number in range(50)]

    operation.compile(operation.complete({"u": updates}))

    assert len(translated) == 2
