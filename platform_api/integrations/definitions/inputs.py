"""Declares the values of a placeholder: one of several hosts, say, with a default."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from platform_api.integrations.definitions.types import Strict

_Value = Annotated[str, Field(min_length=1, max_length=200)]


class ConnectionInput(Strict):
    """Declares the values of a placeholder."""

    default: _Value | None = None
    """Used when a connection gives no value."""
    choices: Annotated[tuple[_Value, ...], Field(max_length=50)] = ()
    """The allowed values; a leading `*.` stands for any subdomain. Empty: any value."""
    told_by: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    """The query parameter of the OAuth callback that holds the value: a host, or a URL of it."""

    @model_validator(mode="after")
    def _require_choices(self) -> "ConnectionInput":
        if self.told_by is not None and not self.choices:
            raise ValueError(
                "`told_by` needs `choices`: the value from the OAuth callback decides where the secret is sent"
            )
        if self.default is not None and not self.allows(self.default):
            raise ValueError(f"`default` must be one of the `choices`, not {self.default!r}")
        return self

    def allows(self, value: str) -> bool:
        """Returns whether a connection may have the value."""
        return not self.choices or any(_matches(value, choice) for choice in self.choices)


def _matches(value: str, choice: str) -> bool:
    return value.endswith(choice[1:]) and len(value) >= len(choice) if choice.startswith("*.") else value == choice


def completed(inputs: Mapping[str, ConnectionInput], values: Mapping[str, str]) -> dict[str, str]:
    """Returns the values, with defaults for those that are not given."""
    defaults = {name: declared.default for name, declared in inputs.items() if declared.default is not None}
    return {**defaults, **{name: value for name, value in values.items() if value or name not in defaults}}


def read_callback_inputs(inputs: Mapping[str, ConnectionInput], query: Mapping[str, str]) -> dict[str, str]:
    """Returns the inputs that an OAuth callback holds. Raises ValueError for a value that is none of the choices."""
    values = {}
    for name, declared in inputs.items():
        parameter = declared.told_by
        if parameter is None or not (value := query.get(parameter, "").removeprefix("https://").rstrip("/")):
            continue
        if not declared.allows(value):
            raise ValueError(f"{parameter!r} must be one of {', '.join(declared.choices)}, not {value[:100]!r}")
        values[name] = value
    return values
