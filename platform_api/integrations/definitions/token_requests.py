"""Declares what a definition adds to requests for tokens, and what it takes from the answers."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from platform_api.integrations.definitions.addresses import WebAddress
from platform_api.integrations.definitions.types import HeaderName, HeaderValue, Strict

TokenParams = Annotated[dict[str, Annotated[str, Field(max_length=1000)]], Field(max_length=20)]
TokenHeaders = Annotated[dict[HeaderName, HeaderValue], Field(max_length=20)]
TokenValues = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")],
        Annotated[str, Field(min_length=1, max_length=200)],
    ],
    Field(max_length=20),
]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_KNOWN = ("access_token", "client_id", "client_secret")
_OWN_PARAMS = frozenset(
    {"client_id", "client_secret", "code", "code_verifier", "redirect_uri", "refresh_token", "scope", "grant_type"}
    | {"client_assertion", "client_assertion_type"}
)
_OWN_HEADERS = frozenset(
    {"host", "content-length", "content-type", "transfer-encoding", "connection", "cookie", "te"}
)


def check_token_request(
    params: Mapping[str, str], headers: Mapping[str, str], *, own_grant_type: bool, is_basic: bool
) -> None:
    """Raises ValueError for what the protocol itself sends; `own_grant_type` allows the provider's own grant type."""
    reserved = _OWN_PARAMS - ({"grant_type"} if own_grant_type else set())
    if wrong := sorted(reserved & set(params)):
        raise ValueError(f"token_params: {wrong[0]!r} is sent by the platform; leave it out")
    own_headers = _OWN_HEADERS | ({"authorization"} if is_basic else set())
    if wrong := [name for name in headers if name.lower() in own_headers]:
        raise ValueError(f"token_headers: {wrong[0]!r} is sent by the platform; leave it out")


class TokenStep(Strict):
    """Declares a request that exchanges an access token for a new one while it is still valid.

    Meta's services work this way: the token for a code lasts an hour and is exchanged for one that lasts two months,
    which some services renew by means of itself (`fb_exchange_token`, `ig_refresh_token`). The answer is read like
    that of the token endpoint, with the token at the top level.
    """

    url: Annotated[WebAddress, Field(pattern=r"^https?://[^/?#@\s{}]+(/[^?#\s{}]*)?$")]
    method: Literal["GET", "POST"] = "GET"
    params: Annotated[dict[str, Annotated[str, Field(max_length=1000)]], Field(min_length=1, max_length=20)]
    """Sent in the query, or as the form of a POST; `{access_token}`, `{client_id}`, `{client_secret}` are filled."""

    @field_validator("params")
    @classmethod
    def _require_token(cls, value: dict[str, str]) -> dict[str, str]:
        names = [name for text in value.values() for name in _PLACEHOLDER.findall(text)]
        if unknown := [name for name in names if name not in _KNOWN]:
            raise ValueError(f"{{{unknown[0]}}} must be one of {', '.join(f'{{{name}}}' for name in _KNOWN)}")
        if "access_token" not in names:
            raise ValueError("one parameter must hold {access_token}, the token that is exchanged")
        return value

    @property
    def sends_secret(self) -> bool:
        """Returns whether the parameters hold the OAuth client's secret."""
        return any("{client_secret}" in text for text in self.params.values())

    def filled(self, values: Mapping[str, str]) -> dict[str, str]:
        """Returns the parameters with the three names filled."""
        return {
            name: _PLACEHOLDER.sub(lambda match: values[match.group(1)], text) for name, text in self.params.items()
        }
