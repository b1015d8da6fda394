"""Puts pydantic's lists of errors into words: one sentence for people, a list by field for forms."""

from collections.abc import Mapping, Sequence
from typing import Any

from platform_api.core.errors import FieldError

MAX_FIELD_ERRORS = 20
_MAX_NAMED = 5
_MAX_PATH_CHARACTERS = 200
_PLACES = (("body",), ("query",), ("path",), ("header",))
_NOTHING: Any = object()


def describe_validation_errors(errors: Sequence[Mapping[str, Any]]) -> str:
    """Makes one readable sentence of pydantic's list of errors; names five at most."""
    parts = []
    for error in errors[:_MAX_NAMED]:
        place = ".".join(str(item) for item in _location(error))
        parts.append(f"{place}: {_message(error)}" if place else _message(error))
    if len(errors) > _MAX_NAMED:
        parts.append(f"and {len(errors) - _MAX_NAMED} more")
    return "; ".join(parts)


def field_errors(errors: Sequence[Mapping[str, Any]], value: Any = None, *, within: str = "") -> list[FieldError]:
    """Returns pydantic's list of errors by field, twenty at most, with paths as a form has them.

    `value` is what was validated. Pydantic's locations also name the variant of a union that was tried, which is no
    part of a path in `value` and is left out. `within` is the path of `value` itself.
    """
    listed = []
    for error in errors[:MAX_FIELD_ERRORS]:
        location = _location(error)
        if error["loc"][:1] not in _PLACES[1:] and value is not None:
            location = _path_in(value, location, is_missing=error["type"] == "missing")
        path = ".".join(str(item) for item in ((within,) if within else ()) + tuple(location))
        listed.append(FieldError(path[:_MAX_PATH_CHARACTERS], _message(error)))
    return listed


def _location(error: Mapping[str, Any]) -> Sequence[Any]:
    if error["type"] == "json_invalid":
        # An offset in characters, which the message contains.
        return ()
    # The first item says where: body, query, path or header.
    location: Sequence[Any] = error["loc"][1:] if error["loc"][:1] in _PLACES else error["loc"]
    return location


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "json_invalid":
        return f"the body is not valid JSON ({error.get('ctx', {}).get('error', 'syntax error')})"
    if error["type"] == "missing" and error["loc"] == ("body",):
        return "a JSON body is required"
    if error["loc"] == ("body",) and isinstance(error.get("input"), bytes):
        # FastAPI parses a body only when its type says that it is JSON; `curl -d` says that it is a form.
        return "the body must be JSON, sent with the header `Content-Type: application/json`"
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _path_in(value: Any, location: Sequence[Any], *, is_missing: bool) -> list[Any]:
    """Returns the parts of `location` that lead into `value`, and the last one where a value is missing."""
    path: list[Any] = []
    for position, part in enumerate(location):
        inner = _item(value, part)
        if inner is not _NOTHING:
            path.append(part)
            value = inner
        elif is_missing and position == len(location) - 1:
            path.append(part)
    return path


def _item(value: Any, part: Any) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _NOTHING)
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
        return value[part]
    return _NOTHING
