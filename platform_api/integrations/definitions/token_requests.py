"""What a definition may add to the requests of its token endpoint, and take from the answers."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from platform_api.integrations.definitions.types import HeaderName, HeaderValue

TokenParams = Annotated[dict[str, Annotated[str, Field(max_length=1000)]], Field(max_length=20)]
TokenHeaders = Annotated[dict[HeaderName, HeaderValue], Field(max_length=20)]
TokenValues = Annotated[
    dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")],
        Annotated[str, Field(min_length=1, max_length=200)],
    ],
    Field(max_length=20),
]

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
    """Raises ValueError for what the protocol itself sends; without a user, the grant may be the provider's own."""
    taken = _OWN_PARAMS - ({"grant_type"} if own_grant_type else set())
    if wrong := sorted(taken & set(params)):
        raise ValueError(f"token_params: {wrong[0]!r} is sent by the platform")
    own_headers = _OWN_HEADERS | ({"authorization"} if is_basic else set())
    if wrong := [name for name in headers if name.lower() in own_headers]:
        raise ValueError(f"token_headers: {wrong[0]!r} is sent by the platform")
