"""Checks the JSON Schema of what an action is started with, so that forms can be built from any that is stored."""

from collections.abc import Iterator, Mapping
from typing import Any

from platform_api.core.errors import Unprocessable

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MAX_VALUES = 2000
"""Objects, lists and plain values in a schema: checking takes time for each."""
MAX_DEPTH = 32


def check_input_schema(schema: Any) -> None:
    """Raises Unprocessable unless `schema` is null or an object that is a JSON Schema (draft 2020-12)."""
    if schema is None:
        return
    if not isinstance(schema, Mapping):
        raise Unprocessable(
            "input_schema: must be an object, a JSON Schema (draft 2020-12) of the input, or null",
            field="input_schema",
        )
    if schema.get("$schema", DIALECT) not in (DIALECT, f"{DIALECT}#"):
        raise Unprocessable(
            f"input_schema.$schema: must be {DIALECT}, or left out: other drafts are not supported",
            field="input_schema.$schema",
        )
    for count, depth in enumerate(depths(schema), start=1):
        if count > MAX_VALUES or depth > MAX_DEPTH:
            raise Unprocessable(
                f"input_schema: may hold at most {MAX_VALUES} values, nested {MAX_DEPTH} deep", field="input_schema"
            )
    _check(schema)


def _check(schema: Mapping[str, Any]) -> None:
    # Here, because importing it takes a tenth of a second, which only those who save a schema should wait for.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = ".".join(["input_schema", *(str(part)[:60] for part in error.absolute_path)])
        raise Unprocessable(f"{path}: {error.message[:300]}", field=path) from error


def depths(value: Any) -> Iterator[int]:
    """Yields the depth of every value, without recursion: the schema is anybody's."""
    open_values = [(value, 1)]
    while open_values:
        item, depth = open_values.pop()
        yield depth
        if isinstance(item, Mapping):
            open_values.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, list):
            open_values.extend((inner, depth + 1) for inner in item)
