"""Declares how a service says that it rejects the credentials: a wrong key, an expired token."""

from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from automio._paths import all_at, has_wildcards
from platform_api.integrations.definitions.types import Strict


class Said(Strict):
    """Declares a value in the JSON of an answer that has a certain meaning."""

    at: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Its path, e.g. `errcode`, or `errors.*.code` for any of several."""
    values: Annotated[tuple[StrictBool | StrictInt | StrictStr, ...], Field(max_length=50)] = ()
    """The values with that meaning, e.g. 40001."""

    @model_validator(mode="after")
    def _require_both(self) -> "Said":
        if (self.at is None) != (not self.values):
            raise ValueError(
                "give both `at` (where the answer holds the value) and `values` (which values it means), or neither"
            )
        return self

    def is_said_in(self, data: Any) -> bool:
        """Returns whether one of `values` stands at `at`, as a number or as its digits."""
        return self.at is not None and any(self.says(value) for value in _values_at(data, self.at))

    def says(self, value: Any) -> bool:
        """Returns whether the value at `at` is one of `values`."""
        if value is None or isinstance(value, dict | list):
            return False
        return any(
            isinstance(value, bool) == isinstance(known, bool) and str(value) == str(known) for known in self.values
        )


class Refusal(Said):
    """Declares the answers that reject a connection's credentials; those of a rate limit do not."""

    statuses: Annotated[tuple[Annotated[int, Field(ge=400, le=599)], ...], Field(max_length=20)] = (401,)


class GrantEnd(Said):
    """Declares the answers of a token endpoint that mean that a renewal can never succeed again."""


def _values_at(data: Any, path: str) -> list[Any]:
    """Returns the value at a path, or all values when the path has a `*`."""
    try:
        value = all_at(data, path)
        return value if has_wildcards(path) and isinstance(value, list) else [value]
    except ValueError:
        return []
