"""Checks an input against the schema of an action, in bounded time: both are anybody's."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from platform_api.actions.input_schema import depths
from platform_api.core.errors import Unprocessable

MAX_INPUT_VALUES = 2000
MAX_DEPTH = 32
_MAX_COMPARISONS = 200_000
"""Of values of the input with values of the schema, at most: so many take a part of a second."""
_UNCHECKED = frozenset(
    {
        # What refers to other parts may do so without an end, and regular expressions may take years.
        *("$ref", "$dynamicRef", "pattern", "patternProperties", "propertyNames"),
        *("unevaluatedItems", "unevaluatedProperties"),
    }
)
"""Keywords that a form shows and the script itself must judge."""


def check_input(schema: Mapping[str, Any] | None, value: Mapping[str, Any], *, field: str) -> None:
    """Raises Unprocessable, naming the part of `field`, where `value` does not fit the schema of an action's input.

    What the schema says by reference or by regular expression is not checked.
    """
    count = 0
    for count, depth in enumerate(depths(value), start=1):
        if count > MAX_INPUT_VALUES or depth > MAX_DEPTH:
            raise Unprocessable(
                f"{field}: may hold at most {MAX_INPUT_VALUES} values, nested {MAX_DEPTH} deep", field=field
            )
    if schema is None:
        return
    if count * sum(1 for _ in depths(schema)) > _MAX_COMPARISONS:
        raise Unprocessable(f"{field}: is too large to be compared with the action's input schema", field=field)
    error = next(_validator()(_without_dialects(schema)).iter_errors(value), None)
    if error is not None:
        path = ".".join([field, *(str(part)[:60] for part in error.absolute_path)])
        raise Unprocessable(f"{path}: {error.message[:300]}", field=path)


def _without_dialects(schema: Any) -> Any:
    """Returns a schema without `$schema` in its parts: it would have them checked with all keywords."""
    if isinstance(schema, Mapping):
        return {name: _without_dialects(part) for name, part in schema.items() if name != "$schema"}
    return [_without_dialects(part) for part in schema] if isinstance(schema, list) else schema


@cache
def _validator() -> Any:
    # Here, because importing it takes a tenth of a second, which only those who check an input should wait for.
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    def ignore(*_: Any) -> Iterator[Any]:
        return iter(())

    def additional(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[Any]:
        if "patternProperties" in schema:
            return iter(())
        inherited: Iterator[Any] = Draft202012Validator.VALIDATORS["additionalProperties"](
            validator, allowed, instance, schema
        )
        return inherited

    replaced = {**dict.fromkeys(_UNCHECKED, ignore), "additionalProperties": additional}
    return extend(Draft202012Validator, validators=replaced)
