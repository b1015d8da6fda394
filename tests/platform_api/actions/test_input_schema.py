"""The schema of an action's input: any JSON Schema of one draft, and nothing that a form cannot be built from."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from platform_api.actions.input_schema import DIALECT, MAX_DEPTH, MAX_VALUES, check_input_schema
from platform_api.core.errors import Unprocessable
from tests.platform_api.conftest import Platform
from tests.platform_api.runs.working import create_workshop

NAMES = st.sampled_from(
    ["type", "properties", "items", "enum", "required", "minimum", "pattern", "title", "$ref", "x"]
)
DRAFT = Draft202012Validator(Draft202012Validator.META_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["object", "string", "(", "#/$defs/a", "nothing"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(schema=VALUES | st.dictionaries(NAMES, VALUES, max_size=4))
def test_what_is_accepted_is_an_object_that_the_draft_allows(schema: Any) -> None:
    try:
        check_input_schema(schema)
    except Unprocessable as error:
        [field] = error.fields
        assert field.path.split(".")[0] == "input_schema" and field.message
        assert not isinstance(schema, dict) or not DRAFT.is_valid(schema)
    else:
        assert schema is None or isinstance(schema, dict)
        assert schema is None or DRAFT.is_valid(schema)


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ([], "input_schema"),
        (True, "input_schema"),
        ({"type": "strin"}, "input_schema.type"),
        ({"properties": {"age": {"minimum": "x"}}}, "input_schema.properties.age.minimum"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "input_schema.$schema"),
        ({"enum": [0] * MAX_VALUES}, "input_schema"),
    ],
)
def test_a_refusal_names_the_place(schema: Any, path: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        check_input_schema(schema)
    assert [field.path for field in refused.value.fields] == [path]


def test_a_schema_as_large_as_may_be_is_accepted_and_a_deeper_one_refused() -> None:
    check_input_schema({"$schema": DIALECT, "allOf": [{}] * (MAX_VALUES - 3)})
    deep: dict[str, Any] = {}
    for _ in range(MAX_DEPTH // 2 - 1):
        deep = {"properties": {"a": deep}}
    check_input_schema(deep)
    for _ in range(100_000):
        deep = {"not": deep}
    with pytest.raises(Unprocessable, match="deep"):
        check_input_schema(deep)
    while deep:
        # Piece by piece: to free a structure this deep at once takes more stack than there is.
        deep = deep.popitem()[1]


@pytest.mark.anyio
async def test_a_schema_is_checked_when_it_is_stored_and_when_it_is_changed(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    wrong = {"properties": {"age": {"type": "numbr"}}}
    async with shared_platform.client(workshop.caller) as client:
        created = await client.post(
            "/api/actions/", json={"name": "x", "code": "", "app": workshop.app.id, "input_schema": wrong}
        )
        changed = await client.patch(f"/api/actions/{workshop.action['id']}/", json={"input_schema": wrong})
    for reply in (created, changed):
        assert (reply.status_code, reply.json()["fields"][0]["path"]) == (422, "input_schema.properties.age.type")
