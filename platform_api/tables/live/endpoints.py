"""Serves the stream of changes of tables over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette import EventSourceResponse

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import DataStreamActorDep, still_allowed
from platform_api.accounts.models import Scope
from platform_api.apps.access import get_usable_app
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep
from platform_api.core.errors import TooManyRequests
from platform_api.core.http.dependencies import DatabaseDep
from platform_api.core.http.openapi import event_stream_schema
from platform_api.core.services import provided
from platform_api.core.types import AppId
from platform_api.tables.live.stream import TablesEvent, TableSignals, stream_tables

router = APIRouter(prefix="/apps/{app}", tags=["tables"])

MAX_STREAMS = 20
"""Of one user, from one process."""

TableSignalsDep = Annotated[TableSignals, Depends(provided(TableSignals))]


@router.get(
    "/tables/stream/",
    summary="Stream the revision of the app's tables: now, and whenever a definition changes",
    response_class=EventSourceResponse,
    responses={200: {"content": event_stream_schema(TablesEvent)}},
)
async def stream_changes(
    request: Request,
    actor: DataStreamActorDep,
    session: SessionDep,
    database: DatabaseDep,
    signals: TableSignalsDep,
    app: AppReference,
    last_event_id: Annotated[str | None, Header(description="Only revisions other than this", max_length=50)] = None,
) -> EventSourceResponse:
    found = await get_usable_app(session, actor, app)
    if signals.count_of(actor.user_id) >= MAX_STREAMS:
        raise TooManyRequests(f"you have {MAX_STREAMS} streams of tables open; close some", retry_after=30)

    async def check(later: AsyncSession, caller: Actor) -> object:
        return await get_usable_app(later, caller, app)

    reader = still_allowed(request, actor, Scope.DATA, check=check)
    return stream_tables(database, signals, actor.user_id, AppId(found.id), after=last_event_id or "", reader=reader)
