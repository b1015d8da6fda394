"""Integrations over HTTP (contract §6)."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.formparsers import MultiPartException

from platform_api.accounts.dependencies import CREDENTIALS, BuildActorDep
from platform_api.core.database import SessionDep
from platform_api.core.errors import BadRequest, Unprocessable
from platform_api.core.http.form_parser import FormParser
from platform_api.core.http.pagination import PageDep
from platform_api.core.types import ConnectionId, OrganizationId
from platform_api.integrations import service
from platform_api.integrations.access import choose_connection, get_definition, list_connections
from platform_api.integrations.calls.calling import AppHeader, CallActorDep
from platform_api.integrations.connections.form import form_schema, needs_oauth_client
from platform_api.integrations.connections.trying import test_call, tested, try_credentials
from platform_api.integrations.definitions.definition import ApiKeyAuth, IntegrationDefinition
from platform_api.integrations.lifespan import CallTargetsDep, GatewayDep, VaultDep
from platform_api.integrations.outgoing.json_text import decode_exactly, encode_ascii
from platform_api.integrations.requests.multipart import Attachments, read_multipart
from platform_api.integrations.schemas import (
    CallRead,
    CallWrite,
    CategoryRead,
    ChoiceRead,
    ConnectionMade,
    ConnectionName,
    ConnectionRead,
    ConnectionRename,
    ConnectionTest,
    ConnectionWrite,
    IntegrationPage,
    IntegrationRead,
)

router = APIRouter(prefix="/integrations", tags=["integrations"])

IntegrationReference = Annotated[str, Path(description="Id of the integration", max_length=100)]
ConnectionReference = Annotated[
    str | None, Query(max_length=320, description="Id or account name; the caller's own connection when absent")
]
TableReference = Annotated[
    str | None, Query(max_length=130, description="A table of the app, `app_{id}_{name}` or bare; others are refused")
]


@router.get("/", summary="Integrations: the organization's own and the built-in catalogue")
async def list_integrations(actor: CallActorDep, session: SessionDep, page: PageDep) -> IntegrationPage:
    listed = await service.list_integrations(session, actor)
    connected = await service.count_connections(session, actor)
    clients = await service.oauth_clients(session, actor)
    return IntegrationPage(
        count=len(listed),
        next=page.next_url(len(listed)),
        previous=page.previous_url(),
        results=[
            _integration(one.definition, connected.get(one.definition.id, []), clients, is_built_in=one.is_built_in)
            for one in listed[page.offset : page.offset + page.per_page]
        ],
    )


@router.post("/", status_code=201, summary="Define an integration of the organization's own")
async def create_integration(
    actor: BuildActorDep, session: SessionDep, body: IntegrationDefinition
) -> IntegrationDefinition:
    return await service.create_integration(session, actor, body)


@router.put("/connections/{connection_id}/", summary="Rename a connection")
async def rename_connection(
    actor: BuildActorDep, session: SessionDep, connection_id: ConnectionId, body: ConnectionRename
) -> ConnectionRead:
    return ConnectionRead.model_validate(await service.rename_connection(session, actor, connection_id, body.name))


@router.delete("/connections/{connection_id}/", status_code=204, summary="Disconnect: forget the credentials")
async def delete_connection(actor: BuildActorDep, session: SessionDep, connection_id: ConnectionId) -> None:
    await service.delete_connection(session, actor, connection_id)


@router.get("/{integration_id}/", summary="One integration with the connections that may be used")
async def get_integration(
    actor: CallActorDep,
    session: SessionDep,
    integration_id: IntegrationReference,
    connection_id: ConnectionReference = None,
) -> IntegrationRead:
    definition = await get_definition(session, actor, integration_id)
    clients = await service.oauth_clients(session, actor, integration_id)
    if connection_id is not None:
        chosen = await choose_connection(session, actor, integration_id, reference=connection_id)
        return _integration(definition, [chosen.id], clients, is_built_in=False)
    connections = await list_connections(session, actor, integration_id)
    return _integration(definition, [one.id for one in connections], clients, is_built_in=False)


@router.put("/{integration_id}/", summary="Change an integration of the organization's own")
async def replace_integration(
    actor: BuildActorDep, session: SessionDep, integration_id: IntegrationReference, body: IntegrationDefinition
) -> IntegrationDefinition:
    return await service.replace_integration(session, actor, integration_id, body)


@router.get("/{integration_id}/get_connections/", summary="The caller's connections")
async def get_connections(
    actor: CallActorDep, session: SessionDep, integration_id: IntegrationReference
) -> list[ConnectionName]:
    await get_definition(session, actor, integration_id)
    found = await list_connections(session, actor, integration_id)
    return [ConnectionName.model_validate(one) for one in found]


@router.get("/{integration_id}/connections/", summary="Connections with their state")
async def list_connection_states(
    actor: BuildActorDep, session: SessionDep, integration_id: IntegrationReference
) -> list[ConnectionRead]:
    await get_definition(session, actor, integration_id)
    found = await list_connections(session, actor, integration_id)
    return [ConnectionRead.model_validate(one) for one in found]


@router.post("/{integration_id}/connections/", status_code=201, summary="Connect an account by its credentials")
async def create_connection(
    actor: BuildActorDep,
    session: SessionDep,
    vault: VaultDep,
    gateway: GatewayDep,
    integration_id: IntegrationReference,
    body: ConnectionWrite,
) -> ConnectionMade:
    definition = await service.check_connection(session, actor, integration_id, body)
    await end_transaction(session)
    tried = await try_credentials(gateway, definition, body, actor)
    made = await service.create_connection(session, actor, vault, integration_id, body, tried)
    choices = [ChoiceRead.of(one, made.placeholders) for one in tried.choices]
    return ConnectionMade.model_validate(made).model_copy(update={"tested": tried.test, "choices": choices})


@router.post("/{integration_id}/connections/{connection_id}/test/", summary="Try a connection's credentials")
async def test_connection(
    actor: BuildActorDep,
    session: SessionDep,
    gateway: GatewayDep,
    integration_id: IntegrationReference,
    connection_id: ConnectionId,
) -> ConnectionTest:
    definition = await get_definition(session, actor, integration_id)
    connection = await choose_connection(session, actor, integration_id, reference=str(connection_id))
    await end_transaction(session)
    answer = await gateway.send(gateway.open(definition, connection, actor=actor), test_call(definition))
    return tested(definition, answer)


@router.post(
    "/{integration_id}/call/",
    summary="Call the integration with a connection's credentials",
    response_model=CallRead,
    dependencies=CREDENTIALS,
)
async def call(
    request: Request,
    targets: CallTargetsDep,
    gateway: GatewayDep,
    integration_id: IntegrationReference,
    connection_id: ConnectionReference = None,
    organization_id: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    table: TableReference = None,
    app: AppHeader = None,
) -> Response:
    opened = await targets.resolve(
        request,
        integration_id,
        app=app,
        table=table,
        reference=connection_id,
        organization_id=OrganizationId(organization_id) if organization_id is not None else None,
    )
    body, attachments = await _read_call(request)
    answer = await gateway.send(opened, body, attachments)
    reply = {
        "api_data": answer.api_data(),
        "api_response": answer.api_response(),
        "connection_id": opened.id,
        "organization_id": opened.organization_id,
    }
    # Written as it is: of the upstream's JSON there is nothing to validate.
    return Response(encode_ascii(reply), media_type="application/json")


async def end_transaction(session: AsyncSession) -> None:
    """Gives the request's connection to the database back.

    A slow upstream must not hold one, and whoever waits for a second one while holding the first blocks all.
    """
    await session.commit()


async def _read_call(request: Request) -> tuple[CallWrite, Attachments | None]:
    """The call, sent as JSON or, with files, as a multipart form."""
    try:
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            return await _read_form(request)
        body = await request.body()
        return CallWrite.model_validate(_parsed(body) if body else {}), None
    except ValidationError as exc:
        first = exc.errors()[0]
        raise Unprocessable(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from exc


async def _read_form(request: Request) -> tuple[CallWrite, Attachments]:
    try:
        form = await FormParser(request.headers, request.stream(), max_files=100).parse()
    except MultiPartException as error:
        raise BadRequest(f"the body is not a multipart form: {error.message}") from error
    try:
        return await read_multipart(form)
    finally:
        await form.close()


def _parsed(body: bytes) -> Any:
    try:
        return decode_exactly(body)
    except ValueError as exc:
        raise BadRequest(f"the body is not JSON: {exc}") from exc


def _integration(
    definition: IntegrationDefinition, connected: list[int], oauth_clients: set[str], *, is_built_in: bool
) -> IntegrationRead:
    auth = definition.auth
    return IntegrationRead(
        integration_id=definition.id,
        name=definition.name,
        version=definition.version,
        description=definition.description,
        icon=definition.icon,
        api_base_url=definition.base_url,
        api_docs_url=definition.docs_url,
        website_url=definition.website_url,
        status_check_url=definition.status_check_url,
        categories=[CategoryRead(name=one.name, slug=one.slug) for one in definition.categories],
        is_global=is_built_in,
        is_official=is_built_in,
        is_sandbox=definition.is_sandbox,
        activated=bool(connected),
        api_key_distribution=auth.location if isinstance(auth, ApiKeyAuth) and auth.location != "path" else None,
        account_fields=[*definition.placeholders, *definition.credential_fields],
        asked_fields=list(definition.asked_values),
        configuration_form=form_schema(definition),
        auth_type=auth.type,
        body=definition.body,
        refusal=definition.refusal,
        oauth_client=definition.id in oauth_clients if needs_oauth_client(definition) else None,
        pagination=definition.pagination,
        connected_accounts=connected,
    )
