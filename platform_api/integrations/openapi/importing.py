"""Imports an OpenAPI document as a definition of the organization, with its operations."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from yarl import URL

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.core.errors import BadRequest, NameTaken, Unprocessable
from platform_api.core.http.validation import describe_validation_errors
from platform_api.core.paging import paginate
from platform_api.integrations import service
from platform_api.integrations.access import get_definition
from platform_api.integrations.definitions.api_description import OperationDescription, Progress, ServerVariable
from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.models import Operation, OwnIntegration
from platform_api.integrations.openapi.authentication import discovered_auth
from platform_api.integrations.openapi.building import DefinitionDraft, build_fields
from platform_api.integrations.openapi.process import RawDocument, TellProgress, describe_documents
from platform_api.integrations.openapi.schemas import ImportWrite
from platform_api.integrations.openapi.sent_documents import SentJson
from platform_api.integrations.outgoing.caller import Caller, UpstreamAnswer, UpstreamRequest

_DEADLINE_SECONDS = 30.0
_ACCEPT = "application/json, application/yaml, text/yaml, */*;q=0.5"
# The fields that a new import of the document replaces; the owner keeps the others.
_FROM_DOCUMENT = ("version", "description", "base_url", "other_base_urls", "auth", "docs_url", "website_url")


@dataclass(frozen=True, slots=True)
class Imported:
    """Reports what an import did, or would do."""

    definition: IntegrationDefinition
    is_new: bool
    operations: Sequence[OperationDescription]
    placeholders: Mapping[str, ServerVariable]
    notes: list[str]


async def read_import(caller: Caller, actor: Actor, body: ImportWrite, tell: TellProgress) -> DefinitionDraft:
    """Fetches and reads a document, without the database.

    Raises Unprocessable, BadRequest, TooLarge, TooManyRequests.
    """
    documents = [await _main_document(caller, body, tell), *_further_documents(body)]
    api = await describe_documents(documents, organization_id=actor.organization_id, tell=tell)
    draft = build_fields(api, document_url=body.url, base_url=body.base_url, auth=body.auth)
    if draft.openid_url is not None:
        await _discover(caller, draft, draft.openid_url)
    overrides = {"id": body.id, "name": body.name, "description": body.description}
    draft.fields |= {name: value for name, value in overrides.items() if value is not None}
    return draft


async def store_import(session: AsyncSession, actor: Actor, body: ImportWrite, draft: DefinitionDraft) -> Imported:
    """Creates the definition, or updates the one of an earlier import. Raises Conflict, Unprocessable."""
    definition = _definition(draft.fields)
    existing = await session.scalar(
        select(OwnIntegration).where(
            OwnIntegration.integration_id == definition.id, visible_to(actor, OwnIntegration.organization_id)
        )
    )
    if existing is None:
        await service.create_integration(session, actor, definition)
    elif body.id is None:
        raise NameTaken(
            f'the integration {definition.id!r} exists already; give "id": "{definition.id}" to import into it again,'
            " or another id",
            field="id",
        )
    else:
        definition = _renewed(existing.definition, definition, body)
        await service.replace_integration(session, actor, definition.id, definition)
    await _store_operations(session, actor, definition.id, draft.operations)
    return Imported(definition, existing is None, draft.operations, draft.placeholders, draft.notes)


async def list_operations(
    session: AsyncSession, actor: Actor, integration_id: str, *, search: str | None, page: int, per_page: int
) -> tuple[int, Sequence[Operation]]:
    """Returns the number of operations that contain `search`, and a page of them in the document's order."""
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
    return await paginate(session, statement, Operation.position, page=page, per_page=per_page)


async def _main_document(caller: Caller, body: ImportWrite, tell: TellProgress) -> RawDocument:
    if (body.url is None) == (body.document is None):
        raise Unprocessable(
            "give either `url`, the document's address, or `document`, the document itself", field="url"
        )
    if body.url is None:
        assert body.document is not None
        location = "" if body.document_path is None else _location(body.document_path)
        return _raw(location, body.document)
    if body.document_path is not None:
        raise Unprocessable("document_path: a document that is fetched is at its `url`", field="document_path")
    tell(Progress(stage="fetching"))
    answer = await _fetch(caller, body.url, accept=_ACCEPT)
    return RawDocument(body.url, answer.content if answer.content is not None else answer.text.encode())


def _further_documents(body: ImportWrite) -> list[RawDocument]:
    documents: dict[str, RawDocument] = {}
    for path, sent in body.files.items():
        location = path if body.url is not None else _location(path)
        documents.setdefault(location, _raw(location, sent))
    return list(documents.values())


def _raw(location: str, sent: SentJson) -> RawDocument:
    return RawDocument(location, sent.content, is_json_text=sent.is_text)


def _location(path: str) -> str:
    """Returns a path as references lead to it: without `./`; a URL as it is."""
    return path if "://" in path else posixpath.normpath(path.replace("\\", "/"))


async def _fetch(caller: Caller, address: str, *, accept: str) -> UpstreamAnswer:
    try:
        url = URL(address)
    except ValueError as error:
        raise Unprocessable(f"{address[:200]!r} is not an address", field="url") from error
    if url.scheme not in ("http", "https") or not url.host or url.user:
        raise Unprocessable("the URL of a document must be http(s)://host/path, without a user", field="url")
    request = UpstreamRequest("GET", url.with_fragment(None), {"Accept": accept})
    answer = await caller.send(request, deadline_seconds=_DEADLINE_SECONDS)
    if answer.failure is not None:
        raise BadRequest(f"{url.host} gave no document: {answer.failure}")
    if answer.status != 200:
        raise BadRequest(f"{url.host} gave no document: it answered {answer.status}")
    return answer


async def _discover(caller: Caller, draft: DefinitionDraft, address: str) -> None:
    """Adds the endpoints of OpenID Connect Discovery to the draft; without them it stays without `auth`."""
    try:
        metadata = (await _fetch(caller, address, accept="application/json")).data
    except (BadRequest, Unprocessable) as error:
        metadata = error.message
    auth = discovered_auth(metadata, draft.openid_scopes) if isinstance(metadata, dict) else None
    if auth is None:
        reason = metadata if isinstance(metadata, str) else "its discovery document has no endpoints"
        draft.notes.append(f"OpenID Connect at {address[:200]} is not taken over ({reason}); give `auth`")
    else:
        draft.fields["auth"] = auth


def _definition(fields: Mapping[str, Any]) -> IntegrationDefinition:
    try:
        return IntegrationDefinition.model_validate(dict(fields))
    except ValidationError as error:
        described = describe_validation_errors(error.errors())
        raise Unprocessable(f"the definition that the document describes is not valid: {described}") from error


def _renewed(old: IntegrationDefinition, new: IntegrationDefinition, body: ImportWrite) -> IntegrationDefinition:
    changes = {name: getattr(new, name) for name in _FROM_DOCUMENT}
    changes["inputs"] = {**new.inputs, **old.inputs}
    if body.name is not None:
        changes["name"] = new.name
    return old.model_copy(update=changes)


async def _store_operations(
    session: AsyncSession, actor: Actor, integration_id: str, operations: Sequence[OperationDescription]
) -> None:
    own = await session.scalar(
        select(OwnIntegration.id)
        .where(OwnIntegration.integration_id == integration_id, visible_to(actor, OwnIntegration.organization_id))
        # One import at a time: two would give their operations the same positions.
        .with_for_update()
    )
    await session.execute(delete(Operation).where(Operation.integration == own))
    rows = [
        {"integration": own, "position": position, **operation.model_dump(mode="json")}
        for position, operation in enumerate(operations)
    ]
    if rows:
        await session.execute(insert(Operation), rows)
