"""Requests that give a new access token for one that is still good, as a definition declares them.

Meta's services do so: the token that a code is exchanged for lasts an hour, the one that this is exchanged for two
months, and where there is a renewal, that one is renewed by itself (`fb_exchange_token`, `ig_refresh_token`).
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from platform_api.integrations.definitions.types import Strict

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_KNOWN = ("access_token", "client_id", "client_secret")


class TokenStep(Strict):
    """One such request. Its answer is read as the token endpoint's is, the token at its top."""

    url: Annotated[str, Field(max_length=250, pattern=r"^https?://[^/?#@\s{}]+(/[^?#\s{}]*)?$")]
    method: Literal["GET", "POST"] = "GET"
    params: Annotated[dict[str, Annotated[str, Field(max_length=1000)]], Field(min_length=1, max_length=20)]
    """In the query, of a POST in a form. `{access_token}`, `{client_id}` and `{client_secret}` stand for those."""

    @field_validator("params")
    @classmethod
    def _require_token(cls, value: dict[str, str]) -> dict[str, str]:
        names = [name for text in value.values() for name in _PLACEHOLDER.findall(text)]
        if unknown := [name for name in names if name not in _KNOWN]:
            raise ValueError(f"{{{unknown[0]}}} is none of {', '.join(f'{{{name}}}' for name in _KNOWN)}")
        if "access_token" not in names:
            raise ValueError("a parameter must hold {access_token}, the token that is still good")
        return value

    @property
    def sends_secret(self) -> bool:
        """Whether the OAuth client's secret is among the parameters."""
        return any("{client_secret}" in text for text in self.params.values())

    def filled(self, values: Mapping[str, str]) -> dict[str, str]:
        """Returns the parameters with the values of the three names in them."""
        return {
            name: _PLACEHOLDER.sub(lambda match: values[match.group(1)], text) for name, text in self.params.items()
        }
