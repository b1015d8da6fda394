"""Adds a connection's credentials to a request, by the authentication that its definition declares."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from platform_api.integrations.definitions.definition import (
    ApiKeyAuth,
    BasicAuth,
    BearerAuth,
    IntegrationDefinition,
    OAuth2Auth,
)
from platform_api.integrations.definitions.keys_auth import Key, KeysAuth


@dataclass(frozen=True, slots=True)
class Proof:
    """Holds the credentials of a request, by where they are sent."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


def prove(definition: IntegrationDefinition, credentials: Mapping[str, Any]) -> Proof:
    """Returns the headers, query parameters and body fields that carry the credentials."""
    match definition.auth:
        case ApiKeyAuth(location="header", name=name, prefix=prefix):
            return Proof(headers={name: prefix + credentials["api_key"]})
        case ApiKeyAuth(location="query", name=name):
            return Proof(query={name: credentials["api_key"]})
        case ApiKeyAuth(location="body", name=name):
            return Proof(body={name: credentials["api_key"]})
        case BasicAuth():
            return Proof(headers={"Authorization": "Basic " + _basic_token(credentials)})
        case BearerAuth():
            return Proof(headers={"Authorization": f"Bearer {credentials['token']}"})
        case OAuth2Auth(location="query", name=name):
            return Proof(query={name: credentials["access_token"]})
        case OAuth2Auth(name=name, header_prefix=prefix):
            return Proof(headers={name: prefix + credentials["access_token"]})
        case KeysAuth(keys=keys):
            return Proof(
                headers=_keys_at(keys, "header", credentials),
                query=_keys_at(keys, "query", credentials),
                body=_keys_at(keys, "body", credentials),
            )
        case _:
            return Proof()


def secrets_of(definition: IntegrationDefinition, credentials: Mapping[str, Any]) -> list[str]:
    """Returns the texts that must never be shown, in each form in which requests carry them."""
    texts = [value for value in credentials.values() if isinstance(value, str)]
    return [*texts, *([_basic_token(credentials)] if isinstance(definition.auth, BasicAuth) else [])]


def _basic_token(credentials: Mapping[str, Any]) -> str:
    return base64.b64encode(f"{credentials['username']}:{credentials['password']}".encode()).decode()


def _keys_at(keys: tuple[Key, ...], location: str, credentials: Mapping[str, Any]) -> dict[str, str]:
    return {key.name: key.prefix + credentials[key.field] for key in keys if key.location == location}
