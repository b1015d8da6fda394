"""Declares OAuth 2: where a service asks for consent, and how its token endpoint is called."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from platform_api.integrations.definitions.addresses import AddressOrPath, WebAddress
from platform_api.integrations.definitions.refusal import GrantEnd
from platform_api.integrations.definitions.token_requests import (
    TokenHeaders,
    TokenParams,
    TokenStep,
    TokenValues,
    check_token_request,
)
from platform_api.integrations.definitions.types import HeaderValue, Strict, check_header_name

_Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]


class Identity(Strict):
    """Declares how to look up the account of a connection; its name becomes the connection's name."""

    url: AddressOrPath
    """An absolute URL, or a path below the base URL."""
    name: Annotated[str, Field(max_length=200)]
    """Path of the name in the answer, as in `Pagination`, e.g. `data.0.email`."""
    method: Literal["GET", "POST"] = "GET"


class OAuth2Auth(Strict):
    """Declares OAuth 2 (RFC 6749): authorization code, with or without PKCE, or client credentials."""

    type: Literal["oauth2"]
    grant: Literal["authorization_code", "client_credentials"] = "authorization_code"
    authorize_url: WebAddress | None = None
    token_url: WebAddress
    scopes: tuple[str, ...] = ()
    scope_separator: str = " "
    pkce: bool = False
    client_authentication: Literal["basic", "post", "private_key_jwt"] = "post"
    """How the client authenticates at the token endpoint; with `private_key_jwt` its secret is a private key."""
    assertion_algorithm: _Algorithm | None = None
    """The algorithm it signs with, where that is not the default of its key (RS256, ES256 …)."""
    assertion_audience: Annotated[str, Field(min_length=1, max_length=250)] | None = None
    """The audience it signs for, where that is not the token endpoint's URL."""
    token_body: Literal["form", "json"] = "form"
    """The body that the token endpoint takes: a form, as the standard says, or JSON."""
    tokens_at: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Path of the tokens in its answer when they are not at the top level, e.g. `authed_user`."""
    authorize_params: dict[str, str] = Field(default_factory=dict)
    """Added to the authorize URL, e.g. to ask for a refresh token."""
    token_params: TokenParams = Field(default_factory=dict)
    """Added to every request to the token endpoint, e.g. `audience`; `{name}` is filled from the connection."""
    token_headers: TokenHeaders = Field(default_factory=dict)
    """Sent with every request to the token endpoint, filled in the same way."""
    token_values: TokenValues = Field(default_factory=dict)
    """Names and paths of further values in the token endpoint's answer, e.g. `instance_url: instance_url` or
    `cell: account.cell`; the base URL and headers refer to them as `{name}`."""
    grant_end: GrantEnd | None = None
    """Answers to a renewal that mean that the consent has ended, beside the standard's `invalid_grant`."""
    location: Literal["header", "query"] = "header"
    name: Annotated[str, Field(min_length=1, max_length=50)] = "Authorization"
    """Header or query parameter that carries the access token."""
    header_prefix: HeaderValue = "Bearer "
    """Precedes the access token in its header."""
    identity: Identity | None = None
    exchange: TokenStep | None = None
    """Exchanges the short-lived token that the code gave for a long-lived one."""
    renewal: TokenStep | None = None
    """Renews a token by means of itself where there is no refresh token, after half of its lifetime."""

    @model_validator(mode="after")
    def _check_steps(self) -> "OAuth2Auth":
        if self.grant != "authorization_code" and (self.exchange or self.renewal):
            raise ValueError(
                "`exchange` and `renewal` need the grant authorization_code: other grants always get new tokens"
            )
        if self.client_authentication == "private_key_jwt":
            if any(step is not None and step.sends_secret for step in (self.exchange, self.renewal)):
                raise ValueError(
                    "`exchange` and `renewal` must not send the secret: with `private_key_jwt` it is a private key"
                )
        elif self.assertion_algorithm is not None or self.assertion_audience is not None:
            raise ValueError("`assertion_algorithm` and `assertion_audience` need `private_key_jwt`")
        return self

    @model_validator(mode="after")
    def _require_authorize_url(self) -> "OAuth2Auth":
        if self.grant == "authorization_code" and self.authorize_url is None:
            raise ValueError("the grant authorization_code needs `authorize_url`")
        return self

    @model_validator(mode="after")
    def _check_token_request(self) -> "OAuth2Auth":
        if self.location == "header":
            check_header_name(self.name)
        check_token_request(
            self.token_params,
            self.token_headers,
            own_grant_type=self.grant == "client_credentials",
            is_basic=self.client_authentication == "basic",
        )
        return self
