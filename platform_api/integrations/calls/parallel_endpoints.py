"""Serves parallel calls over HTTP (contract §6.3-6.5)."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import StreamingResponse

from platform_api.accounts.actor import Actor
from platform_api.core.database import Database, SessionDep, release_connection
from platform_api.core.errors import BadRequest, PlatformError, Unprocessable
from platform_api.core.http.dependencies import DatabaseDep
from platform_api.core.http.event_stream import event_stream
from platform_api.core.http.openapi import event_stream_schema
from platform_api.core.remembered import SECONDS_REMEMBERED
from platform_api.core.types import OrganizationId
from platform_api.idempotency.parameters import IdempotencyKeyHeader
from platform_api.idempotency.service import check_key
from platform_api.integrations.access import (
    choose_target,
    get_definition,
    is_switched_off,
    list_callable_connections,
    narrowed_to_app,
    require_table,
)
from platform_api.integrations.calls.exact_requests import ExactJsonRoute
from platform_api.integrations.calls.gateway import Gateway, OpenConnection
from platform_api.integrations.calls.parallel import as_completed, in_order
from platform_api.integrations.calls.schemas import (
    ParallelEndEvent,
    ParallelEvent,
    ParallelForConnectionRead,
    ParallelRead,
)
from platform_api.integrations.calls.targets import CallTargets
from platform_api.integrations.invocations.sending import CallWithoutAnswer, Invocations
from platform_api.integrations.invocations.stored_answers import Outcome
from platform_api.integrations.lifespan import CallTargetsDep, GatewayDep, InvocationsDep
from platform_api.integrations.outgoing.json_text import encode_ascii
from platform_api.integrations.parameters import (
    CallActorDep,
    ConnectionReference,
    IntegrationReference,
    TableReference,
)
from platform_api.integrations.schemas import CallWrite, ConnectionName, Method

router = APIRouter(prefix="/integrations", tags=["integrations"], route_class=ExactJsonRoute)

_MAX_ITEMS = 200_000
_MAX_ORGANIZATION_ID = 2**31 - 1
# The size of the pieces of a collected reply, which is read as a whole anyway.
_PIECE_BYTES = 64 * 1024


class ParallelItem(BaseModel):
    """Describes one of many calls; the request gives what it leaves out."""

    connection_id: int | str | None = None
    organization_id: int | str | None = None
    params: dict[str, Any] | None = None
    data: Any = None
    data_base64: str | None = None
    url_params: dict[str, Any] | None = None
    headers: dict[str, Any] | None = None


class ParallelWrite(BaseModel):
    """Describes the same call for each item of `data_list` (contract §6.3)."""

    model_config = ConfigDict(extra="ignore")

    method: Method = "GET"
    endpoint: str | None = None
    data_list: Annotated[list[ParallelItem], Field(max_length=_MAX_ITEMS)]
    request_headers: dict[str, Any] = {}
    request_params: dict[str, Any] | None = None
    streaming: bool = False


_NOT_SENT: Mapping[str, Any] = {
    "invocation_id": None,
    "outcome": str(Outcome.FAILED),
    "business_ok": False,
    "may_have_executed": False,
}


class _Answer(NamedTuple):
    api_data: Any
    api_response: Mapping[str, Any]
    connection_id: int | str | None
    organization_id: int | str | None
    """For an item that was rejected, both ids are those that it gave."""
    is_called: bool = True
    facts: Mapping[str, Any] = _NOT_SENT

    def entry(self) -> dict[str, Any]:
        """Returns what the reply says of the item."""
        return {"api_data": self.api_data, "api_response": self.api_response, **self.ids(), **self.facts}

    def ids(self) -> dict[str, Any]:
        """Returns the ids of the connection that was called and of its organization."""
        return {"connection_id": self.connection_id, "organization_id": self.organization_id}


@dataclass(frozen=True, slots=True)
class _LookUp:
    """Holds the look-up of a connection: when it began, and after how many changes."""

    task: asyncio.Task[OpenConnection | PlatformError]
    at: float
    changes: int


class _Calls:
    """Makes the calls of one request, and looks a connection up once for all calls of a moment.

    A connection is looked up again after a change, so that calls end when it is closed to the caller.
    """

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        invocations: Invocations,
        targets: CallTargets,
        actor: Actor,
        integration_id: str,
        body: ParallelWrite,
        *,
        connection: str | None = None,
        organization: str | None = None,
        key: str | None = None,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._invocations = invocations
        self._key = None if key is None else check_key(key)
        self._targets = targets
        self._actor = actor
        self._integration_id = integration_id
        self._body = body
        self._connection = connection
        self._organization = organization
        self._chosen: dict[tuple[str | None, str | None], _LookUp] = {}

    async def call(self, item: ParallelItem, index: int) -> _Answer:
        """Returns the answer to the item at `index`; a failure is an answer with `ok` false."""
        reference = str(item.connection_id) if item.connection_id is not None else self._connection
        organization = str(item.organization_id) if item.organization_id is not None else self._organization
        chosen = await self._choose(reference, organization)
        if isinstance(chosen, PlatformError):
            return _refused(chosen, _as_id(reference), _as_id(organization), is_called=False)
        body = self._body
        # Its parts were validated with the body of the request.
        call = CallWrite.model_construct(
            method=body.method,
            endpoint=body.endpoint,
            request_headers={**body.request_headers, **(item.headers or {})},
            request_params={**(body.request_params or {}), **(item.params or {})},
            data=item.data,
            data_base64=item.data_base64,
            url_params=item.url_params or {},
        )
        try:
            invocation = await self._invocations.send(chosen, call, key=self._key, item=index)
        except CallWithoutAnswer as error:
            # It was made, or is being made: whoever took it for one that failed would make it a second time.
            return _refused(error, chosen.id, chosen.organization_id, facts=error.facts())
        except PlatformError as error:
            return _refused(error, chosen.id, chosen.organization_id)
        answer = invocation.answer
        return _Answer(
            *(answer.api_data(), answer.api_response(), chosen.id, chosen.organization_id), facts=invocation.facts()
        )

    async def _choose(self, reference: str | None, organization: str | None) -> OpenConnection | PlatformError:
        key = (reference, organization)
        look_up = self._chosen.get(key)
        if look_up is None or not self._is_fresh(look_up):
            # The first calls all ask at the same moment: one look-up serves them all.
            task = asyncio.create_task(self._look_up(reference, organization))
            look_up = self._chosen[key] = _LookUp(task, time.monotonic(), self._targets.changes)
        # A cancelled call must not cancel the look-up for the others.
        return look_up.task.result() if look_up.task.done() else await asyncio.shield(look_up.task)

    def _is_fresh(self, look_up: _LookUp) -> bool:
        return look_up.changes == self._targets.changes and look_up.at + SECONDS_REMEMBERED > time.monotonic()

    async def _look_up(self, reference: str | None, organization: str | None) -> OpenConnection | PlatformError:
        try:
            async with self._database.transaction() as session:
                definition, connection = await choose_target(
                    session,
                    self._actor,
                    self._integration_id,
                    reference=reference,
                    organization_id=_organization_id(organization),
                )
            return self._gateway.open(definition, connection, actor=self._actor)
        except PlatformError as error:
            return error


def _organization_id(text: str | None) -> OrganizationId | None:
    """Returns the id of an organization. Raises Unprocessable for a text that is not one."""
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or not 0 < int(text[:20]) <= _MAX_ORGANIZATION_ID:
        raise Unprocessable(
            f"organization_id: {text[:40]!r} is not an organization's id, a number from 1 up", field="organization_id"
        )
    return OrganizationId(int(text))


def _as_id(text: str | None) -> int | str | None:
    is_number = text is not None and text.isascii() and text.isdecimal() and len(text) < 20
    return int(text) if text is not None and is_number else text


def _refused(
    error: PlatformError,
    connection: int | str | None,
    organization: int | str | None,
    *,
    is_called: bool = True,
    facts: Mapping[str, Any] = _NOT_SENT,
) -> _Answer:
    response = {"status_code": error.status_code, "text": error.message, "headers": {}, "url": "", "ok": False}
    return _Answer(None, response, connection, organization, is_called, facts)


@router.post(
    "/{integration_id}/parallel_call/",
    summary="Make many calls at once, collected or streamed",
    response_model=ParallelRead,
    responses={200: {"content": event_stream_schema(ParallelEvent, ParallelEndEvent)}},
)
async def parallel_call(
    actor: CallActorDep,
    session: SessionDep,
    database: DatabaseDep,
    gateway: GatewayDep,
    invocations: InvocationsDep,
    targets: CallTargetsDep,
    integration_id: IntegrationReference,
    body: ParallelWrite,
    connection_id: ConnectionReference = None,
    table: TableReference = None,
    idempotency_key: IdempotencyKeyHeader = None,
) -> EventSourceResponse | StreamingResponse:
    await require_table(session, actor, table)
    await _require_integration(session, actor, integration_id)
    await release_connection(session)
    if not actor.reaches_installs:
        # Each organization pays for the calls through its own connections: an owner's script sees it item by item.
        await gateway.require_credits(actor.organization_id)
    calls = _Calls(
        *(database, gateway, invocations, targets, actor, integration_id, body),
        connection=connection_id,
        key=idempotency_key,
    )
    if body.streaming:
        return event_stream(_events(body.data_list, calls.call))
    return StreamingResponse(_collected(body.data_list, calls.call), media_type="application/json")


@router.post(
    "/{integration_id}/parallel_call_for_connection/",
    summary="Make many calls at once through one connection",
    response_model=ParallelForConnectionRead,
)
async def parallel_call_for_connection(
    actor: CallActorDep,
    session: SessionDep,
    database: DatabaseDep,
    gateway: GatewayDep,
    invocations: InvocationsDep,
    targets: CallTargetsDep,
    integration_id: IntegrationReference,
    body: ParallelWrite,
    connection_id: Annotated[str, Query(max_length=320, description="Id or account name")],
    organization_id: Annotated[str | None, Query(max_length=20)] = None,
    table: TableReference = None,
    idempotency_key: IdempotencyKeyHeader = None,
) -> StreamingResponse:
    await require_table(session, actor, table)
    _, chosen = await choose_target(
        session,
        actor,
        integration_id,
        reference=connection_id,
        organization_id=_organization_id(organization_id),
    )
    await release_connection(session)
    await gateway.require_credits(chosen.organization_id)
    items = [item.model_copy(update={"connection_id": chosen.id, "organization_id": None}) for item in body.data_list]
    calls = _Calls(database, gateway, invocations, targets, actor, integration_id, body, key=idempotency_key)
    tail = {"connection_id": str(chosen.id)}
    return StreamingResponse(_collected(items, calls.call, tail=tail), media_type="application/json")


@router.get(
    "/{integration_id}/table_connections/",
    summary="List the connections that a table may use, by organization",
)
async def table_connections(
    actor: CallActorDep,
    session: SessionDep,
    integration_id: IntegrationReference,
    app_id: Annotated[str | None, Query(max_length=130)] = None,
    table: TableReference = None,
) -> dict[str, list[ConnectionName]]:
    await _require_integration(session, actor, integration_id)
    actor = await narrowed_to_app(session, actor, app_id)
    await require_table(session, actor, table)
    if await is_switched_off(session, actor, integration_id):
        raise BadRequest(f"the integration {integration_id} is not enabled for the tables of app {actor.app_id}")
    by_organization: dict[str, list[ConnectionName]] = {}
    for connection in await list_callable_connections(session, actor, integration_id):
        listed = by_organization.setdefault(str(connection.organization_id), [])
        listed.append(ConnectionName.model_validate(connection))
    return by_organization


async def _require_integration(session: AsyncSession, actor: Actor, integration_id: str) -> None:
    """Raises NotFound. Owners' scripts also know integrations that only organizations with an install define."""
    if actor.reaches_installs and await list_callable_connections(session, actor, integration_id):
        return
    await get_definition(session, actor, integration_id)


Call = Callable[[ParallelItem, int], Awaitable[_Answer]]


async def _collected(
    items: list[ParallelItem], call: Call, *, tail: Mapping[str, Any] | None = None
) -> AsyncIterator[bytes]:
    """Yields the reply as one JSON object while the calls go on, holding only a window of answers."""
    used: dict[str, int] = {}
    separator = b'{"responses":['
    piece = bytearray()
    async with aclosing(in_order(range(len(items)), _by_index(items, call))) as answers:  # type: ignore[type-var]  # an async generator, which has aclose
        async for answer in answers:
            if answer.is_called:
                used[str(answer.connection_id)] = used.get(str(answer.connection_id), 0) + 1
            piece += separator + encode_ascii(answer.entry())
            separator = b","
            if len(piece) >= _PIECE_BYTES:
                yield bytes(piece)
                piece.clear()
    opening = separator if separator != b"," else b""
    closing = {"connections_used": used} if tail is None else tail
    yield bytes(piece) + opening + b"]," + encode_ascii(closing)[1:]


async def _events(items: list[ParallelItem], call: Call) -> AsyncIterator[ServerSentEvent]:
    completed = 0
    async with aclosing(as_completed(range(len(items)), _by_index(items, call))) as answers:  # type: ignore[type-var]  # an async generator, which has aclose
        async for finished in answers:
            completed += 1
            answer = finished.answer
            event = {
                "index": finished.index,
                "total": len(items),
                "completed": completed,
                **answer.ids(),
                "response": {"api_data": answer.api_data, "api_response": answer.api_response, **answer.facts},
            }
            yield ServerSentEvent(encode_ascii(event).decode(), sep="\n")
    final = {"completed": True, "total_processed": completed}
    yield ServerSentEvent(encode_ascii(final).decode(), sep="\n")


def _by_index(items: list[ParallelItem], call: Call) -> Callable[[int], Awaitable[_Answer]]:
    return lambda index: call(items[index], index)
