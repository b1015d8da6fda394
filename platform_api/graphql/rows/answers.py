"""Reads the answers of GraphQL to documents of our own, and turns their errors into the platform's."""

from typing import Any

from hasura.engine import exact_json
from platform_api.core.errors import Conflict, Unavailable, Unprocessable


def data_of(body: bytes, *, doing: str) -> dict[str, Any]:
    """Returns the data of an answer. `doing` completes the message `the rows cannot be …`. Raises PlatformError."""
    answer: Any = exact_json.loads(body)
    if errors := answer.get("errors"):
        code = errors[0].get("extensions", {}).get("code", "unexpected")
        message = str(errors[0].get("message", f"the rows cannot be {doing}"))
        if code == "constraint-violation":
            raise Conflict(f"the rows cannot be {doing}: {message}")
        if code in ("unexpected", "postgres-error"):
            raise Unavailable(f"the rows cannot be {doing} at the moment; try again")
        raise Unprocessable(message)
    data: dict[str, Any] = answer["data"]
    return data
