"""GraphQL in the shape that the published clients can read (contract §7).

They accept HTTP 200 only, require every item of an error's `path` to be text, and drop an error's `extensions`:
what a person needs of these goes into the message.
"""

from collections.abc import Mapping
from typing import Any

from hasura.engine import exact_json
from hasura.engine.errors import EngineError
from platform_api.core.errors import Unavailable

_QUIET_CODES = ("unexpected",)


def adapt_answer(status: int, body: bytes) -> bytes:
    """An engine's answer for the published clients; one without errors keeps its bytes."""
    try:
        answer = exact_json.loads(body)
    except EngineError as error:
        raise Unavailable("the GraphQL engine gave no GraphQL answer; try again") from error
    if not isinstance(answer, dict) or (status != 200 and "errors" not in answer):
        raise Unavailable("the GraphQL engine gave no GraphQL answer; try again")
    errors = answer.get("errors")
    if not isinstance(errors, list) or not errors:
        return body
    adapted = {**answer, "errors": [_adapt_error(error) for error in errors if isinstance(error, dict)]}
    return exact_json.dumps({"data": None, **adapted})


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
