"""Derives an integration's definition from the description of an API."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from platform_api.core.errors import Unprocessable
from platform_api.integrations.definitions.api_description import ApiDescription, Flow, Scheme, Server, ServerVariable
from platform_api.integrations.definitions.definition import Auth, NoAuth

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_FILLABLE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_MAX_ID, _MAX_NAME, _MAX_URL, _MAX_AUTH_URL, _MAX_VERSION = 100, 150, 200, 250, 10
_MAX_SCOPES = 60
_FLOWS = ("authorization_code", "client_credentials")


@dataclass(slots=True)
class DefinitionDraft:
    """Holds the fields of a definition, the values of its placeholders, and notes for a person."""

    fields: dict[str, Any]
    placeholders: dict[str, ServerVariable] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    openid_url: str | None = None
    """URL of the provider's OpenID Connect discovery document, which gives the endpoints of `auth`."""
    openid_scopes: list[str] = field(default_factory=list)


def build_fields(
    api: ApiDescription, *, document_url: str | None, base_url: str | None, auth: Auth | None
) -> DefinitionDraft:
    """Returns the definition that a document describes; `base_url` and `auth` override it. Raises Unprocessable."""
    draft = DefinitionDraft({})
    draft.fields["id"] = re.sub(r"[^a-z0-9]+", "-", api.title.lower()).strip("-")[:_MAX_ID].rstrip("-") or "api"
    draft.fields["name"] = api.title[:_MAX_NAME] or "API"
    draft.fields["version"] = api.version[:_MAX_VERSION] or "1"
    draft.fields["description"] = api.description
    for name, value in (("docs_url", api.docs_url), ("website_url", api.website_url)):
        if value is not None and len(value) <= _MAX_URL:
            draft.fields[name] = value
    draft.fields["base_url"] = base_url or _base_url(api.servers, draft, document_url)
    if auth is not None:
        draft.fields["auth"] = auth.model_dump(mode="json")
    else:
        _choose_auth(api, draft)
    return draft


def _base_url(servers: Sequence[Server], draft: DefinitionDraft, document_url: str | None) -> str:
    server = servers[0]
    if len(servers) > 1:
        others = ", ".join(other.url for other in servers[1:4])
        draft.notes.append(f"the first of {len(servers)} servers is used; others are: {others}")
    url = _VARIABLE.sub(lambda match: _placeholder(match, server, draft), server.url)
    if not re.match(r"https?://", url):
        if document_url is None:
            raise Unprocessable(
                f"the document has no absolute server URL (it says {server.url!r}); give `base_url`", field="base_url"
            )
        url = urljoin(document_url, url)
    return url.partition("?")[0].partition("#")[0].rstrip("/")


def _placeholder(match: re.Match[str], server: Server, draft: DefinitionDraft) -> str:
    """Returns a server variable as a placeholder, or its default where no placeholder is possible."""
    variable = server.variables.get(match[1], ServerVariable())
    name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", match[1]).lower()).strip("_")
    values = [value for value in (variable.default, *variable.choices) if value]
    is_scheme = match.start() == 0
    if is_scheme or not re.match(r"[a-z]", name) or any(not _FILLABLE.fullmatch(value) for value in values):
        if not variable.default and not is_scheme:
            raise Unprocessable(f"the server variable {match[1]!r} has no default; give `base_url`", field="base_url")
        draft.notes.append(f"the server variable {match[1]!r} has its default value {variable.default or 'https'!r}")
        return variable.default or "https"
    draft.placeholders[name] = variable
    return "{" + name + "}"


def _choose_auth(api: ApiDescription, draft: DefinitionDraft) -> None:
    schemes = {scheme.name: scheme for scheme in api.schemes}
    alternatives = [
        (name, scopes) for required in api.security for name, scopes in required.items() if name in schemes
    ]
    alternatives += [(name, []) for name in schemes if name not in {named for named, _ in alternatives}]
    if any(len(required) > 1 for required in api.security[:1]):
        draft.notes.append("the document requires several authentications at once; the first supported one is used")
    draft.fields["auth"] = NoAuth().model_dump()
    for name, scopes in alternatives:
        auth = _auth(schemes[name], scopes, draft)
        if auth is not None:
            draft.fields["auth"] = auth
            return
    if schemes:
        listed = ", ".join(f"{scheme.name} ({scheme.type})" for scheme in list(schemes.values())[:5])
        draft.notes.append(f"none of these authentications is supported: {listed}; give `auth`")


def _auth(scheme: Scheme, scopes: Sequence[str], draft: DefinitionDraft) -> Mapping[str, Any] | None:
    match scheme.type, scheme.http_scheme:
        case "http", ("basic" | "bearer") as kind:
            return {"type": kind}
        case "api_key", _ if scheme.location in ("header", "query"):
            return {"type": "api_key", "location": scheme.location, "name": scheme.key_name}
        case "oauth2", _:
            flow = next((flow for grant in _FLOWS for flow in scheme.flows if flow.grant == grant), None)
            return None if flow is None else _oauth2(flow, scopes, draft)
        case "openid", _:
            draft.openid_url = scheme.openid_url
            draft.openid_scopes = list(dict.fromkeys(["openid", "email", *scopes]))[:_MAX_SCOPES]
            return NoAuth().model_dump()
    return None


def _oauth2(flow: Flow, scopes: Sequence[str], draft: DefinitionDraft) -> Mapping[str, Any] | None:
    chosen = list(scopes) or flow.scopes
    if len(chosen) > _MAX_SCOPES:
        draft.notes.append(
            f"only the first {_MAX_SCOPES} of {len(chosen)} scopes are requested; give `auth` for others"
        )
    auth: dict[str, Any] = {"type": "oauth2", "grant": flow.grant, "scopes": chosen[:_MAX_SCOPES]}
    # Relative URLs of endpoints are relative to the API's.
    base = draft.fields["base_url"] + "/"
    for name, url in (("authorize_url", flow.authorize_url), ("token_url", flow.token_url)):
        if url is not None:
            auth[name] = url if re.match(r"https?://", url) else urljoin(base, url)
    if len(auth.get("authorize_url", "")) > _MAX_AUTH_URL or len(auth.get("token_url", "")) > _MAX_AUTH_URL:
        draft.notes.append(f"an OAuth URL is longer than {_MAX_AUTH_URL} characters; give `auth`")
        return None
    return auth
