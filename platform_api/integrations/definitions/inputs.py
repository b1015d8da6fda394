"""What a person may say of a placeholder's value: one of several hosts, say, of which one is the usual."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from platform_api.integrations.definitions.types import Strict

_Value = Annotated[str, Field(min_length=1, max_length=200)]


class ConnectionInput(Strict):
    """A placeholder's values."""

    default: _Value | None = None
    """Taken when a connection gives none."""
    choices: Annotated[tuple[_Value, ...], Field(max_length=50)] = ()
    """The only values; `*.` at the beginning stands for any subdomain. Empty: any."""
    told_by: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    """The parameter of the provider's way back after consent that tells the value: a host, or a URL of it."""

    @model_validator(mode="after")
    def _require_choices(self) -> "ConnectionInput":
        if self.told_by is not None and not self.choices:
            raise ValueError("what the way back tells decides where the client's secret goes: give its `choices`")
        if self.default is not None and not self.allows(self.default):
            raise ValueError(f"`default` is {self.default!r}, which is none of the `choices`")
        return self

    def allows(self, value: str) -> bool:
        """Whether a connection may have the value."""
        return not self.choices or any(_is_one_of(value, choice) for choice in self.choices)


def _is_one_of(value: str, choice: str) -> bool:
    return value.endswith(choice[1:]) and len(value) >= len(choice) if choice.startswith("*.") else value == choice


def completed(inputs: Mapping[str, ConnectionInput], values: Mapping[str, str]) -> dict[str, str]:
    """The values, and the usual ones of what is not given."""
    defaults = {name: one.default for name, one in inputs.items() if one.default is not None}
    return {**defaults, **{name: value for name, value in values.items() if value or name not in defaults}}


def told_on_the_way_back(inputs: Mapping[str, ConnectionInput], query: Mapping[str, str]) -> dict[str, str]:
    """What the provider tells after consent. Raises ValueError for a value that is none of the choices."""
    told = {}
    for name, one in inputs.items():
        if one.told_by is None or not (value := query.get(one.told_by, "").removeprefix("https://").rstrip("/")):
            continue
        if not one.allows(value):
            raise ValueError(f"{one.told_by!r} is {value[:100]!r}, which is none of {', '.join(one.choices)}")
        told[name] = value
    return told
