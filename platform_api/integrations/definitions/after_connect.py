"""Declares what a service is asked once an account is connected: its tenants, sites or hosts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, field_validator

from platform_api.integrations.definitions.addresses import AddressOrPath
from platform_api.integrations.definitions.token_requests import TokenValues
from platform_api.integrations.definitions.types import HeaderValue, Strict

_Path = Annotated[str, Field(max_length=200)]


class AfterConnect(Strict):
    """Declares a GET with the new credentials, whose answer fills inputs of the connection.

    An account with several tenants, say, has one choice for each: the connection uses one of them and can be changed.
    """

    url: AddressOrPath
    """An absolute URL, or a path below the base URL."""
    values: Annotated[TokenValues, Field(min_length=1)]
    """Names of the inputs and the paths of their values in the answer, e.g. `tenant_id: tenantId`; the base URL and
    headers refer to them as `{name}`. A base URL that begins with one takes a whole URL from the service."""
    items: _Path | None = None
    """Path of the list of choices, empty when the answer itself is the list; null: the answer is the only choice."""
    name: _Path | None = None
    """Path of the name of a choice, shown to people and used as the connection's name."""
    preferred: _Path | None = None
    """Path of a flag that marks the default choice; null: the first in the list is the default."""
    header_prefix: HeaderValue | None = None
    """Prefix of the access token in this request, where it differs from that of calls."""

    @field_validator("url")
    @classmethod
    def _require_url(cls, value: str) -> str:
        if not re.match(r"^(https?://[^/?#@\s]+)?(/[^#\s]*)?$", value) or not value:
            raise ValueError("must be an absolute URL (https://host/path) or a path below the base URL (/path)")
        return value


@dataclass(frozen=True, slots=True)
class Choice:
    """Names something that an account can be used with, such as a tenant, and the inputs that select it."""

    name: str
    values: Mapping[str, str]
    is_preferred: bool = False

    def is_in(self, placeholders: Mapping[str, str]) -> bool:
        """Returns whether a connection with these placeholders uses it."""
        return all(placeholders.get(name) == value for name, value in self.values.items())
