"""Implements the shop's OAuth 2 provider with authlib: authorization code (with PKCE), refresh, client credentials.

Access tokens are short-lived. A refresh token is used up by its use: the answer carries a new one and the old one
is refused from then on, which is what catches a client that loses a rotated token. State is in memory.
"""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import AuthorizationServer, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge

from platform_api.mock_shop.data import Seller

Answer = tuple[int, Any, list[tuple[str, str]]]


@dataclass(slots=True)
class Client:
    """Represents a registered application. Has the shape of authlib's ClientMixin."""

    client_id: str
    client_secret: str
    redirect_uris: tuple[str, ...] = ()

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        return self.redirect_uris[0] if self.redirect_uris else None

    def get_allowed_scope(self, scope: str) -> str:
        return scope or "orders offers"

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return not self.redirect_uris or redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(self.client_secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token", "client_credentials")


@dataclass(slots=True)
class AuthorizationCode:
    """Represents a code that was handed to the browser and may be exchanged once."""

    code: str
    client_id: str
    seller: Seller
    redirect_uri: str | None
    scope: str
    code_challenge: str | None = None
    code_challenge_method: str | None = None

    def get_redirect_uri(self) -> str | None:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope


@dataclass(slots=True)
class Token:
    """Holds an access token and, unless it is from client credentials, the refresh token that came with it."""

    access_token: str
    refresh_token: str | None
    client_id: str
    seller: Seller
    scope: str
    expires_at: float
    refresh_revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        return self.scope


@dataclass(slots=True)
class TokenStore:
    """Stores clients, codes and tokens, and counts the tokens issued by each grant (tests count refreshes)."""

    clients: dict[str, Client] = field(default_factory=dict)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    by_access_token: dict[str, Token] = field(default_factory=dict)
    by_refresh_token: dict[str, Token] = field(default_factory=dict)
    issued: dict[str, int] = field(default_factory=dict)

    def seller_of(self, access_token: str) -> Seller | None:
        """Returns the account of a valid access token."""
        token = self.by_access_token.get(access_token)
        return token.seller if token is not None and token.expires_at > time.time() else None

    def expire_access_tokens(self) -> None:
        for token in self.by_access_token.values():
            token.expires_at = 0

    def revoke(self, seller: Seller) -> None:
        """Ends all tokens of a seller, as if they withdrew their consent."""
        for token in self.by_access_token.values():
            if token.seller is seller:
                token.expires_at = 0
                token.refresh_revoked = True


class _CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]  # authlib ships no types
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012 - authlib's own shape

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        self.server.store.codes[code] = AuthorizationCode(
            code=code,
            client_id=request.client.client_id,
            seller=request.user,
            redirect_uri=request.payload.redirect_uri,
            scope=request.payload.scope or "",
            code_challenge=request.payload.data.get("code_challenge"),
            code_challenge_method=request.payload.data.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: Client) -> AuthorizationCode | None:
        authorization: AuthorizationCode | None = self.server.store.codes.get(code)
        return authorization if authorization is not None and authorization.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code: AuthorizationCode) -> None:
        self.server.store.codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: AuthorizationCode) -> Seller:
        return authorization_code.seller


class _RefreshGrant(grants.RefreshTokenGrant):  # type: ignore[misc]  # authlib ships no types
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012 - authlib's own shape
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        token: Token | None = self.server.store.by_refresh_token.get(refresh_token)
        return token if token is not None and not token.refresh_revoked else None

    def authenticate_user(self, credential: Token) -> Seller:
        return credential.seller

    def revoke_old_credential(self, credential: Token) -> None:
        credential.refresh_revoked = True
        credential.expires_at = 0


class _ClientCredentialsGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]  # authlib ships no types
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]  # noqa: RUF012 - authlib's own shape


class Provider(AuthorizationServer):  # type: ignore[misc]  # authlib ships no types
    """Runs authlib's server on plain values; answers are (status, body, headers)."""

    def __init__(self, store: TokenStore, *, default_seller: Seller, access_token_seconds: int) -> None:
        super().__init__()
        self.store = store
        self._default_seller = default_seller
        self.access_token_seconds = access_token_seconds
        self.register_grant(_CodeGrant, [CodeChallenge(required=False)])
        self.register_grant(_RefreshGrant)
        self.register_grant(_ClientCredentialsGrant)
        self.register_token_generator(
            "default",
            BearerTokenGenerator(
                access_token_generator=lambda **_: secrets.token_urlsafe(24),
                refresh_token_generator=lambda **_: secrets.token_urlsafe(24),
                expires_generator=lambda client, grant_type: self.access_token_seconds,
            ),
        )

    def query_client(self, client_id: str) -> Client | None:
        return self.store.clients.get(client_id)

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        saved = Token(
            access_token=token["access_token"],
            refresh_token=token.get("refresh_token"),
            client_id=request.client.client_id,
            seller=request.user or self._default_seller,
            scope=token.get("scope", ""),
            expires_at=time.time() + token["expires_in"],
        )
        self.store.by_access_token[saved.access_token] = saved
        if saved.refresh_token:
            self.store.by_refresh_token[saved.refresh_token] = saved
        grant_type = request.payload.grant_type
        self.store.issued[grant_type] = self.store.issued.get(grant_type, 0) + 1

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Answer:
        return status, body, headers

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Ignores authlib's events."""


class _FormRequest(OAuth2Request):  # type: ignore[misc]  # authlib ships no types
    def __init__(self, method: str, uri: str, parameters: dict[str, str], headers: dict[str, str]) -> None:
        super().__init__(method, uri, headers=headers)
        self._parameters = parameters
        self.payload = BasicOAuth2Payload(parameters)

    @property
    def args(self) -> dict[str, str]:
        return self._parameters

    @property
    def form(self) -> dict[str, str]:
        return self._parameters


def oauth_request(method: str, uri: str, encoded: str, headers: dict[str, str]) -> OAuth2Request:
    """Makes the request that authlib expects, from a form or a query string."""
    named = {name.title(): value for name, value in headers.items()}
    return _FormRequest(method, uri, dict(parse_qsl(encoded, keep_blank_values=True)), named)
