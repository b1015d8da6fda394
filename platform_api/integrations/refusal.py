"""How a service says that it does not accept the credentials: a key that is wrong, a token that has ended."""

from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from platform_api.integrations.definition_types import Strict


class Refusal(Strict):
    """The answers that refuse a connection's credentials; a rate limit's are not among them."""

    statuses: Annotated[tuple[Annotated[int, Field(ge=400, le=599)], ...], Field(max_length=20)] = (401,)
    at: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Where the answer's JSON says it, whatever its status: a path, e.g. `errcode`, or `errors.*.code` for any."""
    values: Annotated[tuple[StrictBool | StrictInt | StrictStr, ...], Field(max_length=50)] = ()
    """What stands there then, e.g. 40001."""

    @model_validator(mode="after")
    def _require_both(self) -> "Refusal":
        if (self.at is None) != (not self.values):
            raise ValueError("`at` says where the answer refuses and `values` what it says there: give both or none")
        return self

    def says(self, found: Any) -> bool:
        """Whether the value found at `at` is one of `values`, as a number or as its digits."""
        if found is None or isinstance(found, dict | list):
            return False
        return any(isinstance(found, bool) == isinstance(one, bool) and str(found) == str(one) for one in self.values)
