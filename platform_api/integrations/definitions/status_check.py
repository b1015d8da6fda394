"""The call that tries a connection, for services that have no URL to be asked by GET."""

from typing import Annotated, Any, Literal

from pydantic import Field

from platform_api.integrations.definitions.types import Strict


class StatusCheck(Strict):
    """How a definition's `status_check_url` is asked."""

    method: Literal["GET", "POST"] = "GET"
    data: dict[str, Any] | None = None
    """The body, written as the definition's `body` says."""
    accepted: Annotated[tuple[Annotated[int, Field(ge=400, le=499)], ...], Field(max_length=10)] = ()
    """Statuses beside 2xx that only somebody with the right credentials is answered, e.g. 422 for missing fields."""
