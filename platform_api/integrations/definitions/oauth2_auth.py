"""OAuth 2 as a definition declares it: where a service asks for consent, and how its token endpoint is spoken to."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from platform_api.integrations.definitions.client_keys import Algorithm
from platform_api.integrations.definitions.refusal import GrantEnd
from platform_api.integrations.definitions.token_requests import (
    TokenHeaders,
    TokenParams,
    TokenValues,
    check_token_request,
)
from platform_api.integrations.definitions.token_steps import TokenStep
from platform_api.integrations.definitions.types import HeaderValue, Strict, check_header_name


class Identity(Strict):
    """How the account behind a connection is found out, shown as the connection's name."""

    url: Annotated[str, Field(max_length=250)]
    """Absolute, or a path below the base URL."""
    name: Annotated[str, Field(max_length=200)]
    """Where the name stands in the answer: a path as in `Pagination`, e.g. `data.0.email`."""
    method: Literal["GET", "POST"] = "GET"


class OAuth2Auth(Strict):
    """OAuth 2 (RFC 6749): authorization code, with or without PKCE, or client credentials."""

    type: Literal["oauth2"]
    grant: Literal["authorization_code", "client_credentials"] = "authorization_code"
    authorize_url: Annotated[str, Field(max_length=250)] | None = None
    token_url: Annotated[str, Field(max_length=250)]
    scopes: tuple[str, ...] = ()
    scope_separator: str = " "
    pkce: bool = False
    client_authentication: Literal["basic", "post", "private_key_jwt"] = "post"
    """How the client proves itself at the token endpoint; with a signature, its secret is a private key."""
    assertion_algorithm: Algorithm | None = None
    """What it signs with, where that is not the usual one of its key (RS256, ES256 …)."""
    assertion_audience: Annotated[str, Field(min_length=1, max_length=250)] | None = None
    """For whom it signs, where that is not the token endpoint's URL."""
    token_body: Literal["form", "json"] = "form"
    """What the token endpoint reads: a form, as the standard says, or JSON."""
    tokens_at: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """Where the tokens stand in its answer, as in `Identity.name`, when not at the top, e.g. `authed_user`."""
    authorize_params: dict[str, str] = Field(default_factory=dict)
    """Added to the authorize URL, e.g. what asks for a refresh token."""
    token_params: TokenParams = Field(default_factory=dict)
    """Added to every request to the token endpoint, e.g. `audience`; `{name}` is filled from the connection."""
    token_headers: TokenHeaders = Field(default_factory=dict)
    """Sent with it, filled in the same way."""
    token_values: TokenValues = Field(default_factory=dict)
    """Names for what the token endpoint tells beside the token, and where, e.g. `instance_url: instance_url` or
    `cell: account.cell`; `{name}` in the base URL and in headers stands for it."""
    grant_end: GrantEnd | None = None
    """How a refused renewal says that the consent has ended, beside the standard's `invalid_grant`."""
    location: Literal["header", "query"] = "header"
    name: Annotated[str, Field(min_length=1, max_length=50)] = "Authorization"
    """Header or query parameter that carries the access token."""
    header_prefix: HeaderValue = "Bearer "
    """Stands before the access token in its header."""
    identity: Identity | None = None
    exchange: TokenStep | None = None
    """How the token that the code gave is exchanged for one that lasts."""
    renewal: TokenStep | None = None
    """How a token is renewed by itself, where there is no refresh token: from half of its life on."""

    @model_validator(mode="after")
    def _check_steps(self) -> "OAuth2Auth":
        if self.grant != "authorization_code" and (self.exchange or self.renewal):
            raise ValueError("`exchange` and `renewal` are for tokens that somebody consented to, others are new")
        if self.client_authentication == "private_key_jwt":
            if any(step is not None and step.sends_secret for step in (self.exchange, self.renewal)):
                raise ValueError(
                    "the client's secret is its private key, which `exchange` and `renewal` must not send"
                )
        elif self.assertion_algorithm is not None or self.assertion_audience is not None:
            raise ValueError("`assertion_algorithm` and `assertion_audience` are for `private_key_jwt`")
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
