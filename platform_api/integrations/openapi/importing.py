"""Importing an integration from an OpenAPI document: a definition of the organization's own, with its operations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError
from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from yarl import URL

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.core.errors import BadRequest, Conflict, Unprocessable, describe_validation_errors
from platform_api.integrations import service
from platform_api.integrations.access import get_definition
from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.models import Operation, OwnIntegration
from platform_api.integrations.openapi.building import Built, build_fields
from platform_api.integrations.openapi.description import ApiDescription, ServerVariable
from platform_api.integrations.openapi.process import describe_document
from platform_api.integrations.outgoing.caller import Caller, UpstreamAnswer, UpstreamRequest
from platform_api.integrations.schemas import ImportWrite

_DEADLINE_SECONDS = 30.0
_ACCEPT = "application/json, application/yaml, text/yaml, */*;q=0.5"
# What a new reading of the document changes; the rest of a definition is its owner's.
_FROM_DOCUMENT = ("version", "description", "base_url", "auth", "docs_url", "website_url")


@dataclass(frozen=True, slots=True)
class ReadImport:
    """A document that was read, not stored yet."""

    api: ApiDescription
    built: Built


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do."""

    definition: IntegrationDefinition
    is_new: bool
    api: ApiDescription
    placeholders: Mapping[str, ServerVariable]
    notes: list[str]


async def read_import(caller: Caller, wanted: ImportWrite) -> ReadImport:
    """Fetches and reads a document; touches no database. Raises Unprocessable, BadRequest, TooLarge."""
    api = await describe_document(await _raw_document(caller, wanted))
    built = build_fields(api, document_url=wanted.url, base_url=wanted.base_url, auth=wanted.auth)
    if built.openid_url is not None:
        await _discover(caller, built, built.openid_url)
    given = {"id": wanted.id, "name": wanted.name, "description": wanted.description}
    built.fields |= {name: value for name, value in given.items() if value is not None}
    return ReadImport(api, built)


async def store_import(session: AsyncSession, actor: Actor, wanted: ImportWrite, read: ReadImport) -> Imported:
    """Creates the definition, or changes the one that was imported before. Raises Conflict, Unprocessable."""
    built = read.built
    definition = _definition(built.fields)
    existing = await session.scalar(
        select(OwnIntegration).where(
            OwnIntegration.integration_id == definition.id, visible_to(actor, OwnIntegration.organization_id)
        )
    )
    if existing is None:
        await service.create_integration(session, actor, definition)
    elif wanted.id is None:
        raise Conflict(
            f'the integration {definition.id!r} exists already; give "id": "{definition.id}" to import into it again,'
            " or another id"
        )
    else:
        definition = _renewed(existing.definition, definition, wanted)
        await service.replace_integration(session, actor, definition.id, definition)
    await _store_operations(session, actor, definition.id, read.api)
    return Imported(definition, existing is None, read.api, built.placeholders, built.notes)


async def list_operations(
    session: AsyncSession, actor: Actor, integration_id: str, *, search: str | None, offset: int, limit: int
) -> tuple[int, list[Operation]]:
    """How many operations an integration has that contain `search`, and some of them, in the document's order."""
    await get_definition(session, actor, integration_id)
    statement = (
        select(Operation)
        .join(OwnIntegration, Operation.integration == OwnIntegration.id)
        .where(OwnIntegration.integration_id == integration_id, visible_to(actor, OwnIntegration.organization_id))
    )
    for word in (search or "").split():
        statement = statement.where(
            or_(
                *(
                    column.icontains(word, autoescape=True)
                    for column in (Operation.path, Operation.operation_id, Operation.summary, Operation.method)
                )
            )
        )
    count = await session.scalar(select(func.count()).select_from(statement.subquery())) or 0
    some = await session.scalars(statement.order_by(Operation.position).offset(offset).limit(limit))
    return count, list(some)


async def _raw_document(caller: Caller, wanted: ImportWrite) -> bytes:
    if (wanted.url is None) == (wanted.document is None):
        raise Unprocessable("give either `url`, the document's address, or `document`, the document itself")
    if wanted.url is None:
        return wanted.document.encode() if isinstance(wanted.document, str) else orjson.dumps(wanted.document)
    answer = await _fetch(caller, wanted.url, accept=_ACCEPT)
    return answer.content if answer.content is not None else answer.text.encode()


async def _fetch(caller: Caller, address: str, *, accept: str) -> UpstreamAnswer:
    try:
        url = URL(address)
    except ValueError as error:
        raise Unprocessable(f"{address[:200]!r} is not an address") from error
    if url.scheme not in ("http", "https") or not url.host or url.user:
        raise Unprocessable("a document is fetched from http(s)://host/path, without a user in it")
    request = UpstreamRequest("GET", url.with_fragment(None), {"Accept": accept})
    answer = await caller.send(request, deadline_seconds=_DEADLINE_SECONDS)
    if answer.failure is not None:
        raise BadRequest(f"{url.host} gave no document: {answer.failure}")
    if answer.status != 200:
        raise BadRequest(f"{url.host} gave no document: it answered {answer.status}")
    return answer


async def _discover(caller: Caller, built: Built, address: str) -> None:
    """OpenID Connect Discovery: the endpoints of the provider; without them the definition stays without auth."""
    try:
        told = (await _fetch(caller, address, accept="application/json")).data
    except (BadRequest, Unprocessable) as error:
        told = error.message
    if not isinstance(told, dict) or not told.get("authorization_endpoint") or not told.get("token_endpoint"):
        reason = told if isinstance(told, str) else "it tells no endpoints"
        built.notes.append(f"OpenID Connect at {address[:200]} is not taken over ({reason}); give `auth`")
        return
    auth: dict[str, Any] = {
        "type": "oauth2",
        "authorize_url": told["authorization_endpoint"],
        "token_url": told["token_endpoint"],
        "scopes": built.openid_scopes,
        "pkce": "S256" in (told.get("code_challenge_methods_supported") or []),
    }
    methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    has_secret = any(method.startswith("client_secret_") for method in methods)
    if not has_secret and "private_key_jwt" in methods:
        auth["client_authentication"] = "private_key_jwt"
    else:
        auth["client_authentication"] = "post" if "client_secret_post" in methods else "basic"
    if told.get("userinfo_endpoint"):
        auth["identity"] = {"url": told["userinfo_endpoint"], "name": "email"}
    built.fields["auth"] = auth


def _definition(fields: Mapping[str, Any]) -> IntegrationDefinition:
    try:
        return IntegrationDefinition.model_validate(dict(fields))
    except ValidationError as error:
        described = describe_validation_errors(error.errors())
        raise Unprocessable(f"the definition out of the document is not acceptable: {described}") from error


def _renewed(old: IntegrationDefinition, new: IntegrationDefinition, wanted: ImportWrite) -> IntegrationDefinition:
    changes = {name: getattr(new, name) for name in _FROM_DOCUMENT}
    if wanted.name is not None:
        changes["name"] = new.name
    return old.model_copy(update=changes)


async def _store_operations(session: AsyncSession, actor: Actor, integration_id: str, api: ApiDescription) -> None:
    own = await session.scalar(
        select(OwnIntegration.id)
        .where(OwnIntegration.integration_id == integration_id, visible_to(actor, OwnIntegration.organization_id))
        # One import at a time: two would number their operations alike.
        .with_for_update()
    )
    await session.execute(delete(Operation).where(Operation.integration == own))
    rows = [
        {"integration": own, "position": position, **operation.model_dump(mode="json")}
        for position, operation in enumerate(api.operations)
    ]
    if rows:
        await session.execute(insert(Operation), rows)
