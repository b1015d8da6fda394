"""An object as the fields of a form: one name and one text for each value, nested as a service wants it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from platform_api.core.errors import BadRequest
from platform_api.integrations.definitions.body_format import BodyFormat
from platform_api.integrations.outgoing import json_text

# Nested names repeat their parents': a small document could become a large form.
_MAX_CHARACTERS = 16 * 1024 * 1024
_PLAIN_EXPONENT = 40

Pair = tuple[str, str]


def urlencoded(data: Any, body_format: BodyFormat, *, codec: str = "utf-8") -> bytes:
    """`application/x-www-form-urlencoded` of an object, or of a list of `[name, value]` pairs. Raises BadRequest."""
    try:
        return urlencode(form_pairs(data, body_format), encoding=codec, errors="strict").encode("ascii")
    except UnicodeEncodeError as error:
        raise BadRequest(f"data: {error.object[error.start : error.end]!r} cannot be written in {codec}") from error


def form_pairs(data: Any, body_format: BodyFormat) -> list[Pair]:
    """The fields of a form. Raises BadRequest for what no form can hold."""
    named: list[tuple[str, Any]]
    if isinstance(data, dict):
        named = list(data.items())
    elif isinstance(data, list) and all(_is_pair(one) for one in data):
        named = [(name, value) for name, value in data]
    else:
        raise BadRequest("data: a form is an object, a list of [name, value] pairs, or text that is encoded already")
    pairs: list[Pair] = []
    size = 0
    try:
        for name, value in named:
            for pair in _flattened(name, value, body_format):
                size += len(pair[0]) + len(pair[1])
                if size > _MAX_CHARACTERS:
                    raise BadRequest(f"data: the form is larger than {_MAX_CHARACTERS} characters")
                pairs.append(pair)
    except RecursionError as error:
        raise BadRequest("data: it is nested too deeply for a form") from error
    return pairs


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _flattened(name: str, value: Any, body_format: BodyFormat) -> Iterator[Pair]:
    if _is_nothing(value):
        if body_format.nulls == "empty":
            yield name, ""
    elif isinstance(value, dict):
        yield from _of_object(name, value, body_format)
    elif isinstance(value, list):
        yield from _of_list(name, value, body_format)
    else:
        yield name, scalar_text(value)


def _is_nothing(value: Any) -> bool:
    return value is None or value in ({}, [])


def _of_object(name: str, value: dict[str, Any], body_format: BodyFormat) -> Iterator[Pair]:
    if body_format.objects == "json":
        yield name, _json(value)
        return
    for key, inner in value.items():
        nested = f"{name}.{key}" if body_format.objects == "dots" else f"{name}[{key}]"
        yield from _flattened(nested, inner, body_format)


def _of_list(name: str, value: list[Any], body_format: BodyFormat) -> Iterator[Pair]:
    if body_format.lists == "json":
        yield name, _json(value)
        return
    if body_format.nulls == "omit":
        # Left out before they are counted: a hole makes an object of a list for many a service.
        value = [one for one in value if not _is_nothing(one)]
    if not value:
        return
    if body_format.lists == "comma":
        yield name, ",".join(_joinable(name, one) for one in value)
    else:
        for index, inner in enumerate(value):
            yield from _flattened(name + _place(index, inner, body_format), inner, body_format)


def _place(index: int, inner: Any, body_format: BodyFormat) -> str:
    # Only an index tells which fields are of the same object.
    is_nested = isinstance(inner, list) or (isinstance(inner, dict) and body_format.objects != "json")
    if body_format.lists == "indexed" or is_nested:
        return f"[{index}]"
    return "[]" if body_format.lists == "brackets" else ""


def _joinable(name: str, value: Any) -> str:
    text = "" if value is None else scalar_text(value) if not isinstance(value, dict | list) else None
    if text is None or "," in text:
        raise BadRequest(f"data: the list {name!r} is joined by commas, so it holds plain values without commas")
    return text


def scalar_text(value: Any) -> str:
    """A value as a form or a query writes it: true and false, a number with the digits it came with."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f") if abs(int(value.as_tuple().exponent)) < _PLAIN_EXPONENT else str(value)
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json_text.encode(value).decode()
