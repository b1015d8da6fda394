"""From the description of an API to an integration's definition."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from platform_api.core.errors import Unprocessable
from platform_api.integrations.definitions.definition import Auth, NoAuth
from platform_api.integrations.openapi.description import ApiDescription, Flow, Scheme, Server, ServerVariable

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_FILLABLE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_MOST_ID, _MOST_NAME, _MOST_URL, _MOST_AUTH_URL, _MOST_VERSION = 100, 150, 200, 250, 10
_MOST_SCOPES = 60
_FLOWS = ("authorization_code", "client_credentials")


@dataclass(slots=True)
class Built:
    """A definition's fields, what the placeholders may be, and what a person should know."""

    fields: dict[str, Any]
    placeholders: dict[str, ServerVariable] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    openid_url: str | None = None
    """Where OpenID Connect's endpoints are told; `auth` is of this provider, without its URLs."""
    openid_scopes: list[str] = field(default_factory=list)


def build_fields(api: ApiDescription, *, document_url: str | None, base_url: str | None, auth: Auth | None) -> Built:
    """What the document says, in a definition's terms; `base_url` and `auth` win over it. Raises Unprocessable."""
    built = Built({})
    built.fields["id"] = re.sub(r"[^a-z0-9]+", "-", api.title.lower()).strip("-")[:_MOST_ID].rstrip("-") or "api"
    built.fields["name"] = api.title[:_MOST_NAME] or "API"
    built.fields["version"] = api.version[:_MOST_VERSION] or "1"
    built.fields["description"] = api.description
    for name, value in (("docs_url", api.docs_url), ("website_url", api.website_url)):
        if value is not None and len(value) <= _MOST_URL:
            built.fields[name] = value
    built.fields["base_url"] = base_url or _base_url(api.servers, built, document_url)
    if auth is not None:
        built.fields["auth"] = auth.model_dump(mode="json")
    else:
        _choose_auth(api, built)
    return built


def _base_url(servers: Sequence[Server], built: Built, document_url: str | None) -> str:
    server = servers[0]
    if len(servers) > 1:
        others = ", ".join(one.url for one in servers[1:4])
        built.notes.append(f"the first of {len(servers)} servers is used; others are: {others}")
    url = _VARIABLE.sub(lambda match: _placeholder(match, server, built), server.url)
    if not re.match(r"https?://", url):
        if document_url is None:
            raise Unprocessable(
                f"the document names no absolute server address (it says {server.url!r}): give `base_url`"
            )
        url = urljoin(document_url, url)
    return url.partition("?")[0].partition("#")[0].rstrip("/")


def _placeholder(match: re.Match[str], server: Server, built: Built) -> str:
    """A variable as a placeholder, or its default where a connection's value could not stand."""
    told = server.variables.get(match[1], ServerVariable())
    name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", match[1]).lower()).strip("_")
    values = [one for one in (told.default, *told.choices) if one]
    is_scheme = match.start() == 0
    if is_scheme or not re.match(r"[a-z]", name) or any(not _FILLABLE.fullmatch(one) for one in values):
        if not told.default and not is_scheme:
            raise Unprocessable(f"the server variable {match[1]!r} has no default: give `base_url`")
        built.notes.append(f"the server variable {match[1]!r} stands at its default {told.default or 'https'!r}")
        return told.default or "https"
    built.placeholders[name] = told
    return "{" + name + "}"


def _choose_auth(api: ApiDescription, built: Built) -> None:
    schemes = {one.name: one for one in api.schemes}
    wanted = [(name, scopes) for one in api.security for name, scopes in one.items() if name in schemes]
    wanted += [(name, []) for name in schemes if name not in {named for named, _ in wanted}]
    if any(len(one) > 1 for one in api.security[:1]):
        built.notes.append("the document asks for several proofs at once; the first that is known is used")
    built.fields["auth"] = NoAuth().model_dump()
    for name, scopes in wanted:
        auth = _auth(schemes[name], scopes, built)
        if auth is not None:
            built.fields["auth"] = auth
            return
    if schemes:
        named = ", ".join(f"{one.name} ({one.type})" for one in list(schemes.values())[:5])
        built.notes.append(f"no way to authenticate is taken over from: {named}; give `auth`")


def _auth(scheme: Scheme, scopes: Sequence[str], built: Built) -> Mapping[str, Any] | None:
    match scheme.type, scheme.http_scheme:
        case "http", ("basic" | "bearer") as kind:
            return {"type": kind}
        case "api_key", _ if scheme.location in ("header", "query"):
            return {"type": "api_key", "location": scheme.location, "name": scheme.key_name}
        case "oauth2", _:
            flow = next((one for kind in _FLOWS for one in scheme.flows if one.grant == kind), None)
            return None if flow is None else _oauth2(flow, scopes, built)
        case "openid", _:
            built.openid_url = scheme.openid_url
            built.openid_scopes = list(dict.fromkeys(["openid", "email", *scopes]))[:_MOST_SCOPES]
            return NoAuth().model_dump()
    return None


def _oauth2(flow: Flow, scopes: Sequence[str], built: Built) -> Mapping[str, Any] | None:
    chosen = list(scopes) or flow.scopes
    if len(chosen) > _MOST_SCOPES:
        built.notes.append(f"the first {_MOST_SCOPES} of {len(chosen)} scopes are asked for; give `auth` for others")
    auth: dict[str, Any] = {"type": "oauth2", "grant": flow.grant, "scopes": chosen[:_MOST_SCOPES]}
    # Relative addresses of endpoints are relative to the API's.
    base = built.fields["base_url"] + "/"
    for name, url in (("authorize_url", flow.authorize_url), ("token_url", flow.token_url)):
        if url is not None:
            auth[name] = url if re.match(r"https?://", url) else urljoin(base, url)
    if len(auth.get("authorize_url", "")) > _MOST_AUTH_URL or len(auth.get("token_url", "")) > _MOST_AUTH_URL:
        built.notes.append(f"an OAuth address is longer than {_MOST_AUTH_URL} characters; give `auth`")
        return None
    return auth
