"""Serves in-app notifications over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from sse_starlette import EventSourceResponse

from platform_api.accounts.dependencies import DataActorDep, DataStreamActorDep, still_allowed
from platform_api.accounts.models import Scope
from platform_api.core.database import SessionDep
from platform_api.core.errors import TooManyRequests
from platform_api.core.http.dependencies import DatabaseDep
from platform_api.core.http.openapi import event_stream_schema
from platform_api.core.http.pagination import ListingDep
from platform_api.core.services import provided
from platform_api.notifications.inbox import service as inbox
from platform_api.notifications.inbox.schemas import (
    JobsEvent,
    MarkedRead,
    NotificationEvent,
    NotificationPage,
    NotificationRead,
    NotificationWrite,
    UnreadCount,
)
from platform_api.notifications.inbox.signals import InboxSignals
from platform_api.notifications.inbox.stream import stream_inbox

router = APIRouter(prefix="/notifications", tags=["notifications"])
"""After the router of mail, whose word `mail` would be taken for an id."""

MAX_STREAMS = 20
"""Of one user, from one process."""

InboxSignalsDep = Annotated[InboxSignals, Depends(provided(InboxSignals))]
NotificationReference = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.post(
    "/", status_code=201, summary="Send a notification to the token's user, or to a member of the organization"
)
async def send_notification(actor: DataActorDep, session: SessionDep, body: NotificationWrite) -> NotificationRead:
    return NotificationRead.model_validate(await inbox.send(session, actor, body))


@router.get("/", summary="List the caller's notifications, newest first")
async def list_notifications(
    actor: DataActorDep,
    session: SessionDep,
    listing: ListingDep,
    unread: Annotated[bool, Query(description="Only those not read yet")] = False,
) -> NotificationPage:
    part = await inbox.list_inbox(session, actor, only_unread=unread, window=listing.window)
    results = [NotificationRead.model_validate(notification) for notification in part.items]
    return NotificationPage(**listing.links(part), results=results)


@router.get("/unread-count/", summary="Count the notifications that the caller has not read")
async def count_unread(actor: DataActorDep, session: SessionDep) -> UnreadCount:
    return UnreadCount(unread=await inbox.count_unread(session, actor))


@router.get(
    "/stream/",
    summary="Stream the caller's notifications as they arrive, and that their jobs have changed",
    response_class=EventSourceResponse,
    responses={200: {"content": event_stream_schema(NotificationEvent, JobsEvent)}},
)
async def stream_notifications(
    request: Request,
    actor: DataStreamActorDep,
    session: SessionDep,
    database: DatabaseDep,
    signals: InboxSignalsDep,
    last_event_id: Annotated[
        str | None, Header(description="Go on after this event; absent: from now on", max_length=50)
    ] = None,
) -> EventSourceResponse:
    # What is no id of ours stands for none.
    is_id = last_event_id is not None and last_event_id.isascii() and last_event_id.isdecimal()
    after = min(int(last_event_id), 2**63 - 1) if is_id and last_event_id else await inbox.last_id(session, actor)
    if signals.count(actor.user_id) >= MAX_STREAMS:
        raise TooManyRequests(f"you have {MAX_STREAMS} streams of notifications open; close some", retry_after=30)
    reader = still_allowed(request, actor, Scope.DATA)
    return stream_inbox(database, signals, actor, after=after, reader=reader)


@router.post("/read-all/", summary="Mark all of the caller's notifications as read")
async def mark_all_read(actor: DataActorDep, session: SessionDep) -> MarkedRead:
    return MarkedRead(marked=await inbox.mark_all_read(session, actor))


@router.post("/{notification_id}/read/", summary="Mark a notification as read")
async def mark_read(
    actor: DataActorDep, session: SessionDep, notification_id: NotificationReference
) -> NotificationRead:
    return NotificationRead.model_validate(await inbox.mark_read(session, actor, notification_id))


@router.post("/{notification_id}/unread/", summary="Mark a notification as not read")
async def mark_unread(
    actor: DataActorDep, session: SessionDep, notification_id: NotificationReference
) -> NotificationRead:
    return NotificationRead.model_validate(await inbox.mark_unread(session, actor, notification_id))


@router.delete("/{notification_id}/", status_code=204, summary="Delete a notification")
async def delete_notification(
    actor: DataActorDep, session: SessionDep, notification_id: NotificationReference
) -> None:
    await inbox.delete_notification(session, actor, notification_id)
