"""How a connection's credentials become part of a request, by the kind of authentication its definition declares."""

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
    """What is added to a request."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)


def prove(definition: IntegrationDefinition, credentials: Mapping[str, Any]) -> Proof:
    """The proof of one connection."""
    match definition.auth:
        case ApiKeyAuth(location="header", name=name, prefix=prefix):
            return Proof(headers={name: prefix + credentials["api_key"]})
        case ApiKeyAuth(location="query", name=name):
            return Proof(query={name: credentials["api_key"]})
        case ApiKeyAuth(location="body", name=name):
            return Proof(body={name: credentials["api_key"]})
        case BasicAuth():
            return Proof(headers={"Authorization": "Basic " + _basic(credentials)})
        case BearerAuth():
            return Proof(headers={"Authorization": f"Bearer {credentials['token']}"})
        case OAuth2Auth(location="query", name=name):
            return Proof(query={name: credentials["access_token"]})
        case OAuth2Auth(name=name, header_prefix=prefix):
            return Proof(headers={name: prefix + credentials["access_token"]})
        case KeysAuth(keys=keys):
            return Proof(
                headers=_placed(keys, "header", credentials),
                query=_placed(keys, "query", credentials),
                body=_placed(keys, "body", credentials),
            )
        case _:
            return Proof()


def secrets_of(definition: IntegrationDefinition, credentials: Mapping[str, Any]) -> list[str]:
    """What must not be shown of new credentials, in each way that requests carry them."""
    texts = [value for value in credentials.values() if isinstance(value, str)]
    return [*texts, *([_basic(credentials)] if isinstance(definition.auth, BasicAuth) else [])]


def _basic(credentials: Mapping[str, Any]) -> str:
    return base64.b64encode(f"{credentials['username']}:{credentials['password']}".encode()).decode()


def _placed(keys: tuple[Key, ...], location: str, credentials: Mapping[str, Any]) -> dict[str, str]:
    return {key.name: key.prefix + credentials[key.field] for key in keys if key.location == location}
