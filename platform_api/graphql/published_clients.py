"""Adapts GraphQL answers to the published clients (contract §7).

They accept only HTTP 200, require every item of an error's `path` to be text, and drop an error's `extensions`: the
parts of these that a person needs go into the message.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from platform_api.core.errors import Unavailable

_QUIET_CODES = ("unexpected",)


class _Answer(msgspec.Struct, omit_defaults=True):
    """Holds a GraphQL answer; the parts that do not change stay the bytes they are."""

    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    errors: list[dict[str, Any]] | None = None
    extensions: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def adapt_answer(status: int, body: bytes) -> bytes:
    """Returns an engine's answer for the published clients; one without errors keeps its bytes."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Unavailable("the GraphQL engine sent an invalid answer; try again") from error
    if status != 200 and answer.errors is None:
        raise Unavailable("the GraphQL engine sent an invalid answer; try again")
    if not answer.errors:
        return body
    answer.errors = [_adapt_error(error) for error in answer.errors]
    if answer.data is msgspec.UNSET:
        answer.data = msgspec.Raw(b"null")
    return msgspec.json.encode(answer)


def _adapt_error(error: Mapping[str, Any]) -> dict[str, Any]:
    adapted: dict[str, Any] = {**error, "message": _message(error)}
    if isinstance(path := error.get("path"), list):
        adapted["path"] = [str(item) for item in path]
    return adapted


def _message(error: Mapping[str, Any]) -> str:
    message = str(error.get("message", "the request failed"))
    extensions = error.get("extensions")
    if not isinstance(extensions, Mapping):
        return message
    code, path = extensions.get("code"), extensions.get("path")
    details = [str(code)] if code and code not in _QUIET_CODES else []
    if path and path != "$":
        details.append(f"at {path}")
    return f"{message} ({' '.join(details)})" if details else message
