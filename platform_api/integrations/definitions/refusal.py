"""How a service says that it does not accept the credentials: a key that is wrong, a token that has ended."""

from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from automio._paths import all_at, has_wildcards
from platform_api.integrations.definitions.types import Strict


class Said(Strict):
    """What stands in an answer's JSON when it says a certain thing."""

    at: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Where: a path, e.g. `errcode`, or `errors.*.code` for any."""
    values: Annotated[tuple[StrictBool | StrictInt | StrictStr, ...], Field(max_length=50)] = ()
    """What stands there then, e.g. 40001."""

    @model_validator(mode="after")
    def _require_both(self) -> "Said":
        if (self.at is None) != (not self.values):
            raise ValueError("`at` says where the answer refuses and `values` what it says there: give both or none")
        return self

    def is_said_in(self, data: Any) -> bool:
        """Whether one of `values` stands at `at`, as a number or as its digits."""
        return self.at is not None and any(self.says(found) for found in _found(data, self.at))

    def says(self, found: Any) -> bool:
        """Whether the value found at `at` is one of `values`."""
        if found is None or isinstance(found, dict | list):
            return False
        return any(isinstance(found, bool) == isinstance(one, bool) and str(found) == str(one) for one in self.values)


class Refusal(Said):
    """The answers that refuse a connection's credentials; a rate limit's are not among them."""

    statuses: Annotated[tuple[Annotated[int, Field(ge=400, le=599)], ...], Field(max_length=20)] = (401,)


class GrantEnd(Said):
    """The answers of a token endpoint to a renewal that can never succeed again."""


def _found(data: Any, path: str) -> list[Any]:
    """What stands at a path; with `*` in it, at all places that it leads to."""
    try:
        found = all_at(data, path)
        return found if has_wildcards(path) and isinstance(found, list) else [found]
    except ValueError:
        return []
