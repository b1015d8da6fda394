"""What a service is asked once an account is connected, as declared: the tenant, the site, the host."""

import re
from typing import Annotated

from pydantic import Field, field_validator

from platform_api.integrations.definitions.token_requests import TokenValues
from platform_api.integrations.definitions.types import HeaderValue, Strict

_Path = Annotated[str, Field(max_length=200)]


class AfterConnect(Strict):
    """A GET with the new credentials, whose answer fills inputs of the connection.

    Where the account has several tenants, say, each is a choice: one is taken, and the others can be.
    """

    url: Annotated[str, Field(max_length=250)]
    """Absolute, or a path below the base URL."""
    values: Annotated[TokenValues, Field(min_length=1)]
    """Names of the inputs and where their values stand, e.g. `tenant_id: tenantId`; `{name}` in the base URL and in
    headers stands for them. A base URL that begins with one takes a whole address from the service."""
    items: _Path | None = None
    """Where the list of choices stands, empty when the answer is the list; without it, the answer is the only one."""
    name: _Path | None = None
    """What a choice is called, for people and as the connection's name."""
    preferred: _Path | None = None
    """A flag of the choice that is taken first; without it, the first in the list is."""
    header_prefix: HeaderValue | None = None
    """Stands before the access token here, where it is not what calls have."""

    @field_validator("url")
    @classmethod
    def _require_url(cls, value: str) -> str:
        if not re.match(r"^(https?://[^/?#@\s]+)?(/[^#\s]*)?$", value) or not value:
            raise ValueError("a URL is http(s)://host/path, or /path below the base URL")
        return value
