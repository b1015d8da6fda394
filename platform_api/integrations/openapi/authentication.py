"""Chooses how an integration authenticates, of the ways that a document declares."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from pydantic import TypeAdapter, ValidationError

from platform_api.core.http.validation import describe_validation_errors
from platform_api.integrations.definitions.api_description import ApiDescription, Flow, Scheme
from platform_api.integrations.definitions.definition import Auth, NoAuth
from platform_api.integrations.openapi.addresses import placeholder_name

_MAX_AUTH_URL, _MAX_FIELD, _MAX_SCOPES, _MAX_NAMED = 250, 50, 60, 5
_FLOWS = ("authorization_code", "client_credentials")
_AUTH: TypeAdapter[Any] = TypeAdapter(Auth)


@dataclass(slots=True)
class AuthChoice:
    """Holds the chosen authentication, and notes for a person."""

    auth: Mapping[str, Any] = field(default_factory=lambda: NoAuth().model_dump())
    notes: list[str] = field(default_factory=list)
    openid_url: str | None = None
    openid_scopes: list[str] = field(default_factory=list)


def choose_auth(api: ApiDescription, *, base_url: str) -> AuthChoice:
    """Returns the first alternative that a definition can express, or none with a note."""
    schemes = {scheme.name: scheme for scheme in api.schemes}
    choice = AuthChoice()
    required = [requirement for requirement in api.security if requirement]
    for requirement in required:
        if len(requirement) > 1 and (keys := _keys(requirement, schemes)) is not None and _is_valid(keys, choice):
            choice.auth = keys
            return choice
    alternatives = [(name, scopes) for each in required for name, scopes in each.items() if name in schemes]
    alternatives += [(name, []) for name in schemes if name not in {named for named, _ in alternatives}]
    if any(len(requirement) > 1 for requirement in required[:1]):
        choice.notes.append("the document requires several authentications at once; the first supported one is used")
    for name, scopes in alternatives:
        auth = _auth(schemes[name], scopes, base_url, choice)
        if auth is not None and _is_valid(auth, choice):
            choice.auth = auth
            return choice
    if schemes:
        listed = ", ".join(f"{scheme.name} ({scheme.type})" for scheme in list(schemes.values())[:_MAX_NAMED])
        choice.notes.append(f"none of these authentications is supported: {listed}; give `auth`")
    return choice


def discovered_auth(metadata: Mapping[str, Any], scopes: Sequence[str]) -> Mapping[str, Any] | None:
    """Returns the authentication that a discovery document of OpenID Connect describes; None where it does not."""
    auth: dict[str, Any] = {
        "type": "oauth2",
        "authorize_url": metadata.get("authorization_endpoint"),
        "token_url": metadata.get("token_endpoint"),
        "scopes": list(scopes),
        "pkce": "S256" in _texts(metadata.get("code_challenge_methods_supported")),
    }
    methods = _texts(metadata.get("token_endpoint_auth_methods_supported")) or ["client_secret_basic"]
    has_secret = any(method.startswith("client_secret_") for method in methods)
    if not has_secret and "private_key_jwt" in methods:
        auth["client_authentication"] = "private_key_jwt"
    else:
        auth["client_authentication"] = "post" if "client_secret_post" in methods else "basic"
    if isinstance(identity := metadata.get("userinfo_endpoint"), str) and identity:
        auth["identity"] = {"url": identity, "name": "email"}
    has_endpoints = bool(auth["authorize_url"]) and bool(auth["token_url"])
    return auth if has_endpoints and _is_valid(auth, AuthChoice()) else None


def _texts(values: Any) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _is_valid(auth: Mapping[str, Any], choice: AuthChoice) -> bool:
    try:
        _AUTH.validate_python(dict(auth))
    except ValidationError as error:
        told = describe_validation_errors(error.errors())
        choice.notes.append(f"an authentication of the document cannot be used ({told[:300]}); give `auth`")
        return False
    return True


def _keys(requirement: Mapping[str, Any], schemes: Mapping[str, Scheme]) -> Mapping[str, Any] | None:
    """Returns several keys that are sent at once; None where one of the schemes is no key."""
    keys: dict[str, dict[str, Any]] = {}
    for name in requirement:
        scheme = schemes.get(name)
        key_field = placeholder_name(name)[:_MAX_FIELD].rstrip("_")
        if scheme is None or key_field in keys or not re.match(r"[a-z]", key_field):
            return None
        match scheme.type, scheme.location, scheme.http_scheme:
            case "api_key", ("header" | "query") as location, _:
                keys[key_field] = {"field": key_field, "location": location, "name": scheme.key_name}
            case "http", _, "bearer":
                keys[key_field] = {"field": key_field, "name": "Authorization", "prefix": "Bearer "}
            case _:
                return None
    return {"type": "keys", "keys": list(keys.values())}


def _auth(scheme: Scheme, scopes: Sequence[str], base_url: str, choice: AuthChoice) -> Mapping[str, Any] | None:
    match scheme.type, scheme.http_scheme:
        case "http", ("basic" | "bearer") as kind:
            return {"type": kind}
        case "api_key", _ if scheme.location in ("header", "query"):
            return {"type": "api_key", "location": scheme.location, "name": scheme.key_name}
        case "oauth2", _:
            flow = next((flow for grant in _FLOWS for flow in scheme.flows if flow.grant == grant), None)
            return None if flow is None else _oauth2(flow, scopes, base_url, choice)
        case "openid", _ if scheme.openid_url is not None:
            choice.openid_url = scheme.openid_url
            choice.openid_scopes = list(dict.fromkeys(["openid", "email", *scopes]))[:_MAX_SCOPES]
            return NoAuth().model_dump()
    return None


def _oauth2(flow: Flow, scopes: Sequence[str], base_url: str, choice: AuthChoice) -> Mapping[str, Any] | None:
    chosen = list(scopes) or flow.scopes
    if len(chosen) > _MAX_SCOPES:
        choice.notes.append(
            f"only the first {_MAX_SCOPES} of {len(chosen)} scopes are requested; give `auth` for others"
        )
    auth: dict[str, Any] = {"type": "oauth2", "grant": flow.grant, "scopes": chosen[:_MAX_SCOPES]}
    # Relative URLs of endpoints are relative to the API's.
    base = base_url + "/"
    for name, url in (("authorize_url", flow.authorize_url), ("token_url", flow.token_url)):
        if url is not None:
            auth[name] = url if re.match(r"https?://", url) else urljoin(base, url)
    if len(auth.get("authorize_url", "")) > _MAX_AUTH_URL or len(auth.get("token_url", "")) > _MAX_AUTH_URL:
        choice.notes.append(f"an OAuth URL is longer than {_MAX_AUTH_URL} characters; give `auth`")
        return None
    return auth
