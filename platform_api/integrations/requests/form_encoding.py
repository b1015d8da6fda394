"""Encodes an object as the fields of a form, with nested values named as the service expects."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from platform_api.core.errors import BadRequest
from platform_api.integrations.definitions.body_format import BodyFormat
from platform_api.integrations.outgoing import json_text

# Nested names repeat those of their parents, so a small document could become a large form.
_MAX_CHARACTERS = 16 * 1024 * 1024
_PLAIN_EXPONENT = 40

Pair = tuple[str, str]


def urlencoded(data: Any, body_format: BodyFormat, *, codec: str = "utf-8") -> bytes:
    """Returns an object, or a list of `[name, value]` pairs, urlencoded. Raises BadRequest."""
    try:
        return urlencode(form_pairs(data, body_format), encoding=codec, errors="strict").encode("ascii")
    except UnicodeEncodeError as error:
        raise BadRequest(
            f"data: {error.object[error.start : error.end]!r} cannot be written in {codec}", field="data"
        ) from error


def form_pairs(data: Any, body_format: BodyFormat) -> list[Pair]:
    """Returns the fields of a form. Raises BadRequest for a value that a form cannot hold."""
    named: list[tuple[str, Any]]
    if isinstance(data, dict):
        named = list(data.items())
    elif isinstance(data, list) and all(_is_pair(element) for element in data):
        named = [(name, value) for name, value in data]
    else:
        raise BadRequest(
            "data: a form must be an object, a list of [name, value] pairs, or encoded text", field="data"
        )
    pairs: list[Pair] = []
    size = 0
    try:
        for name, value in named:
            for pair in _fields_of(name, value, body_format):
                size += len(pair[0]) + len(pair[1])
                if size > _MAX_CHARACTERS:
                    raise BadRequest(f"data: the form is larger than {_MAX_CHARACTERS} characters", field="data")
                pairs.append(pair)
    except RecursionError as error:
        raise BadRequest("data: it is too deeply nested for a form", field="data") from error
    return pairs


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _fields_of(name: str, value: Any, body_format: BodyFormat) -> Iterator[Pair]:
    if _is_empty(value):
        if body_format.nulls == "empty":
            yield name, ""
    elif isinstance(value, dict):
        yield from _object_fields(name, value, body_format)
    elif isinstance(value, list):
        yield from _list_fields(name, value, body_format)
    else:
        yield name, scalar_text(value)


def _is_empty(value: Any) -> bool:
    return value is None or value in ({}, [])


def _object_fields(name: str, value: dict[str, Any], body_format: BodyFormat) -> Iterator[Pair]:
    if body_format.objects == "json":
        yield name, _json(value)
        return
    for key, inner in value.items():
        nested = f"{name}.{key}" if body_format.objects == "dots" else f"{name}[{key}]"
        yield from _fields_of(nested, inner, body_format)


def _list_fields(name: str, value: list[Any], body_format: BodyFormat) -> Iterator[Pair]:
    if body_format.lists == "json":
        yield name, _json(value)
        return
    if body_format.nulls == "omit":
        # Removed before items are numbered: many services read a list with a gap as an object.
        value = [element for element in value if not _is_empty(element)]
    if not value:
        return
    if body_format.lists == "comma":
        yield name, ",".join(_comma_item(name, element) for element in value)
    else:
        for index, inner in enumerate(value):
            yield from _fields_of(name + _list_suffix(index, inner, body_format), inner, body_format)


def _list_suffix(index: int, inner: Any, body_format: BodyFormat) -> str:
    # Only an index says which fields belong to the same object.
    is_nested = isinstance(inner, list) or (isinstance(inner, dict) and body_format.objects != "json")
    if body_format.lists == "indexed" or is_nested:
        return f"[{index}]"
    return "[]" if body_format.lists == "brackets" else ""


def _comma_item(name: str, value: Any) -> str:
    text = "" if value is None else scalar_text(value) if not isinstance(value, dict | list) else None
    if text is None or "," in text:
        raise BadRequest(
            f"data: the list {name!r} is joined by commas, so its items must be plain values without commas",
            field="data",
        )
    return text


def scalar_text(value: Any) -> str:
    """Returns a value as a form or a query holds it: true and false, numbers with all their digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f") if abs(int(value.as_tuple().exponent)) < _PLAIN_EXPONENT else str(value)
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json_text.encode(value).decode()
