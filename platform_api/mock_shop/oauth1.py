"""Implements the shop's OAuth 1.0a provider on authlib's server side (RFC 5849). State is in memory.

A temporary credential ends when it is used (also in vain) or expires; a nonce is accepted once.
"""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from authlib.oauth1.rfc5849 import AuthorizationServer, OAuth1Request, ResourceProtector
from authlib.oauth1.rfc5849.errors import OAuth1Error

from platform_api.mock_shop.data import Seller

Answer = tuple[int, Any, list[tuple[str, str]]]
_TEMPORARY_SECONDS = 300


@dataclass(slots=True)
class Consumer:
    """Represents a registered application. Has the shape of authlib's ClientMixin."""

    client_id: str
    client_secret: str

    def get_client_secret(self) -> str:
        return self.client_secret

    def get_default_redirect_uri(self) -> str:
        return "http://127.0.0.1/"


@dataclass(slots=True)
class Credential:
    """Represents a temporary credential, or the token it was exchanged for. Has the shape of authlib's mixins."""

    oauth_token: str
    oauth_token_secret: str
    client_id: str
    redirect_uri: str | None = None
    seller: Seller | None = None
    verifier: str | None = None
    ends_at: float = field(default_factory=lambda: time.time() + _TEMPORARY_SECONDS)

    def get_oauth_token(self) -> str:
        return self.oauth_token

    def get_oauth_token_secret(self) -> str:
        return self.oauth_token_secret

    def get_client_id(self) -> str:
        return self.client_id

    def get_redirect_uri(self) -> str | None:
        return self.redirect_uri

    def check_verifier(self, verifier: str) -> bool:
        return self.verifier is not None and secrets.compare_digest(self.verifier, verifier)


@dataclass(slots=True)
class CredentialStore:
    """Stores consumers and credentials of the shop's OAuth 1.0a side."""

    consumers: dict[str, Consumer] = field(default_factory=dict)
    temporary: dict[str, Credential] = field(default_factory=dict)
    tokens: dict[str, Credential] = field(default_factory=dict)
    nonces: set[tuple[str, ...]] = field(default_factory=set)

    def is_used(self, nonce: str, request: OAuth1Request) -> bool:
        """Tells whether a nonce was seen before, and remembers it."""
        seen = (nonce, str(request.timestamp), str(request.client_id), str(request.token or ""))
        is_used = seen in self.nonces
        self.nonces.add(seen)
        return is_used


class Provider1(AuthorizationServer):  # type: ignore[misc]  # authlib ships no types
    """Runs authlib's server on `OAuth1Request`; answers are (status, body, headers)."""

    def __init__(self, store: CredentialStore) -> None:
        self.store = store

    def create_oauth1_request(self, request: OAuth1Request) -> OAuth1Request:
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Answer:
        return status, body, headers

    def get_client_by_id(self, client_id: str) -> Consumer | None:
        return self.store.consumers.get(client_id)

    def exists_nonce(self, nonce: str, request: OAuth1Request) -> bool:
        return self.store.is_used(nonce, request)

    def create_temporary_credential(self, request: OAuth1Request) -> Credential:
        credential = Credential(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), request.client_id, redirect_uri=request.redirect_uri
        )
        self.store.temporary[credential.oauth_token] = credential
        return credential

    def get_temporary_credential(self, request: OAuth1Request) -> Credential | None:
        credential = self.store.temporary.get(request.token)
        return credential if credential is not None and credential.ends_at > time.time() else None

    def delete_temporary_credential(self, request: OAuth1Request) -> None:
        self.store.temporary.pop(request.token, None)

    def create_authorization_verifier(self, request: OAuth1Request) -> str:
        credential: Credential = request.credential
        credential.seller, credential.verifier = request.user, secrets.token_urlsafe(12)
        return credential.verifier

    def create_token_credential(self, request: OAuth1Request) -> Credential:
        credential = Credential(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), request.client_id, seller=request.credential.seller
        )
        self.store.tokens[credential.oauth_token] = credential
        return credential


class Protector(ResourceProtector):  # type: ignore[misc]  # authlib ships no types
    """Finds the seller whose signature a request carries."""

    def __init__(self, store: CredentialStore) -> None:
        self.store = store

    def get_client_by_id(self, client_id: str) -> Consumer | None:
        return self.store.consumers.get(client_id)

    def get_token_credential(self, request: OAuth1Request) -> Credential | None:
        return self.store.tokens.get(request.token)

    def exists_nonce(self, nonce: str, request: OAuth1Request) -> bool:
        return self.store.is_used(nonce, request)

    def seller_of(self, method: str, url: str, authorization: str) -> Seller | None:
        """Returns the account of a signed request; None when its signature is wrong."""
        try:
            signed = self.validate_request(method, url, b"", {"Authorization": authorization})
        except (OAuth1Error, ValueError):
            return None
        seller: Seller | None = signed.credential.seller
        return seller
