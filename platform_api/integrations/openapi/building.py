"""Derives an integration's definition from the description of an API."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from platform_api.core.errors import Unprocessable
from platform_api.integrations.definitions.api_description import (
    ApiDescription,
    OperationDescription,
    Server,
    ServerVariable,
)
from platform_api.integrations.definitions.definition import RESERVED_IDS, Auth
from platform_api.integrations.openapi.addresses import UnusableServer, server_address
from platform_api.integrations.openapi.authentication import choose_auth

_MAX_ID, _MAX_NAME, _MAX_URL, _MAX_VERSION = 100, 150, 200, 10
_MAX_NAMED_SERVERS = 3
_MAX_OTHERS = 50
_MAX_CHOICES = 50


@dataclass(slots=True)
class DefinitionDraft:
    """Holds the fields of a definition, the operations, the values of its placeholders, and notes for a person."""

    fields: dict[str, Any]
    operations: list[OperationDescription] = field(default_factory=list)
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
    integration_id = re.sub(r"[^a-z0-9]+", "-", api.title.lower()).strip("-")[:_MAX_ID].rstrip("-") or "api"
    draft.fields["id"] = f"{integration_id}-api" if integration_id in RESERVED_IDS else integration_id
    draft.fields["name"] = api.title[:_MAX_NAME] or "API"
    draft.fields["version"] = api.version[:_MAX_VERSION] or "1"
    draft.fields["description"] = api.description
    for name, value in (("docs_url", api.docs_url), ("website_url", api.website_url)):
        if value is not None and len(value) <= _MAX_URL:
            draft.fields[name] = value
    draft.fields["base_url"] = base_url or _base_url(api, draft, document_url)
    _place_operations(api, draft, document_url)
    if auth is not None:
        draft.fields["auth"] = auth.model_dump(mode="json")
    else:
        choice = choose_auth(api, base_url=draft.fields["base_url"])
        draft.fields["auth"] = choice.auth
        draft.openid_url, draft.openid_scopes = choice.openid_url, choice.openid_scopes
        draft.notes += choice.notes
    draft.notes += api.notes
    return draft


def _base_url(api: ApiDescription, draft: DefinitionDraft, document_url: str | None) -> str:
    """Returns the address of the first usable server: the document's, else that of most operations."""
    counts = Counter(operation.server for operation in api.operations)
    frequent = sorted(counts, key=lambda url: -counts[url])
    others = {server.url: server for server in api.other_servers}
    reasons: list[str] = []
    for server in (*api.servers, *(others[url] for url in frequent if url is not None)):
        try:
            address = server_address(server, relative_to=document_url, may_have=None)
        except UnusableServer as error:
            reasons.append(str(error))
            continue
        draft.placeholders |= address.placeholders
        draft.fields["inputs"] = {name: _input(variable) for name, variable in address.placeholders.items()}
        draft.notes += [*reasons, *address.notes]
        _note_others(api.servers, server, draft)
        return address.url
    raise Unprocessable(f"{reasons[0]}; give `base_url`", field="base_url")


def _input(variable: ServerVariable) -> dict[str, Any]:
    """Returns the values of a placeholder as a definition declares them."""
    choices = [choice for choice in variable.choices if choice][:_MAX_CHOICES]
    if variable.default and choices and variable.default not in choices:
        choices = []
    return {"choices": choices, **({"default": variable.default} if variable.default else {})}


def _note_others(servers: list[Server], used: Server, draft: DefinitionDraft) -> None:
    others = [server.url for server in servers if server is not used]
    if others and used in servers:
        which = "the first" if used is servers[0] else "one"
        draft.notes.append(
            f"{which} of {len(servers)} servers is used; others are: {', '.join(others[:_MAX_NAMED_SERVERS])}"
        )


def _place_operations(api: ApiDescription, draft: DefinitionDraft, document_url: str | None) -> None:
    """Gives operations the addresses of their own servers."""
    base_url: str = draft.fields["base_url"]
    addresses: dict[str, str | None] = {}
    for server in api.other_servers:
        try:
            address = server_address(
                server, relative_to=document_url or urljoin(base_url, "/"), may_have=frozenset(draft.placeholders)
            )
        except UnusableServer as error:
            draft.notes.append(f"{error}; its operations are listed below the base URL")
            addresses[server.url] = None
            continue
        draft.notes += address.notes
        addresses[server.url] = None if address.url == base_url else address.url
    outside = [url for url in dict.fromkeys(addresses.values()) if url and not f"{url}/".startswith(f"{base_url}/")]
    if len(outside) > _MAX_OTHERS:
        draft.notes.append(f"only the first {_MAX_OTHERS} of {len(outside)} further servers can be called")
    draft.fields["other_base_urls"] = outside[:_MAX_OTHERS]
    draft.operations = [
        operation.model_copy(update={"server": addresses.get(operation.server)}) if operation.server else operation
        for operation in api.operations
    ]
