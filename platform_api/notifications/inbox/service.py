"""Sends, reads and deletes in-app notifications.

An inbox belongs to a user in one organization. A token bound to an app sees that app's notifications only.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, ScalarSelect, delete, func, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Role
from platform_api.accounts.tenancy import lock_member, visible_to
from platform_api.core.errors import Forbidden, NotFound
from platform_api.core.paging import Orders, Part, Window, read_items
from platform_api.core.types import AppId, UserId
from platform_api.notifications.inbox.models import Notification
from platform_api.notifications.inbox.schemas import NotificationWrite
from platform_api.notifications.inbox.signals import announce

_ORDERS = Orders("notifications", Notification.id, created_at=Notification.id)

MAX_KEPT = 500
"""Maximum notifications of one inbox: beyond it the oldest read ones are deleted, then the oldest."""


async def send(
    session: AsyncSession, actor: Actor, notification: NotificationWrite, *, app_id: AppId | None = None
) -> Notification:
    """Sends a notification to the caller's user, or to the named member; of the token's app, or of `app_id`.

    Raises Forbidden, NotFound.
    """
    recipient = actor.user_id if notification.user_id is None else UserId(notification.user_id)
    if recipient != actor.user_id:
        actor.require_role(Role.BUILDER)
    # Others who write to this inbox wait: its ids grow in the order of commits, which resuming a stream needs.
    await lock_member(session, actor, recipient)
    stored = Notification(
        organization_id=actor.organization_id,
        user_id=recipient,
        app_id=actor.app_id if app_id is None else app_id,
        run_id=actor.run_id,
        kind=notification.kind,
        title=notification.title,
        description=notification.description,
        data=notification.data,
        actions=[action.model_dump() for action in notification.actions],
    )
    session.add(stored)
    await session.flush()
    await _delete_beyond(session, actor, recipient)
    await announce(session, recipient)
    return stored


async def list_inbox(session: AsyncSession, actor: Actor, *, only_unread: bool, window: Window) -> Part[Notification]:
    """Returns a part of the caller's notifications, newest first."""
    mine = select(Notification).where(_is_mine(actor))
    if only_unread:
        mine = mine.where(Notification.read_at.is_(None))
    # A cursor among unread ones means nothing among all.
    within = "unread" if only_unread else "all"
    return await read_items(session, mine, _ORDERS.of("-created_at", within=within), window)


async def count_unread(session: AsyncSession, actor: Actor) -> int:
    """Counts the notifications that the caller has not read."""
    unread = select(func.count()).where(_is_mine(actor), Notification.read_at.is_(None))
    return await session.scalar(unread) or 0


def unread_up_to(actor: Actor, limit: int) -> ScalarSelect[int]:
    """Returns the part of a statement that counts the caller's unread notifications, and stops at `limit`."""
    unread = select(Notification.id).where(_is_mine(actor), Notification.read_at.is_(None)).limit(limit)
    return select(func.count()).select_from(unread.subquery()).scalar_subquery()


async def mark_read(session: AsyncSession, actor: Actor, notification_id: int) -> Notification:
    """Marks a notification as read; one that was read keeps its time. Raises NotFound, Forbidden."""
    notification = await _lock_mine(session, actor, notification_id)
    if notification.read_at is None:
        notification.read_at = await session.scalar(select(func.now()))
    return notification


async def mark_unread(session: AsyncSession, actor: Actor, notification_id: int) -> Notification:
    """Marks a notification as not read, to come back to it. Raises NotFound, Forbidden."""
    notification = await _lock_mine(session, actor, notification_id)
    notification.read_at = None
    return notification


async def mark_all_read(session: AsyncSession, actor: Actor) -> int:
    """Marks all of the caller's notifications as read; returns how many were unread. Raises Forbidden."""
    _require_person(actor)
    marked = await session.scalars(
        update(Notification)
        .where(_is_mine(actor), Notification.read_at.is_(None))
        .values(read_at=func.now())
        .returning(Notification.id)
    )
    return len(marked.all())


async def delete_notification(session: AsyncSession, actor: Actor, notification_id: int) -> None:
    """Deletes one of the caller's notifications. Raises NotFound, Forbidden."""
    _require_person(actor)
    deleted = await session.scalar(
        delete(Notification).where(Notification.id == notification_id, _is_mine(actor)).returning(Notification.id)
    )
    if deleted is None:
        raise _not_found(notification_id)


async def last_id(session: AsyncSession, actor: Actor) -> int:
    """Returns the id of the newest notification there is now; 0 when there is none."""
    return await session.scalar(select(func.max(Notification.id)).where(_is_mine(actor))) or 0


async def read_after(
    session: AsyncSession, actor: Actor, notification_id: int, *, limit: int
) -> Sequence[Notification]:
    """Returns the caller's notifications with greater ids than `notification_id`, oldest first."""
    following = select(Notification).where(_is_mine(actor), Notification.id > notification_id)
    return (await session.scalars(following.order_by(Notification.id).limit(limit))).all()


async def _delete_beyond(session: AsyncSession, actor: Actor, user_id: UserId) -> None:
    inbox = (visible_to(actor, Notification.organization_id), Notification.user_id == user_id)
    surplus = (
        # tenancy: `inbox` holds the actor's condition
        select(Notification.id)
        .where(*inbox)
        .order_by(Notification.read_at.is_(None).desc(), Notification.id.desc())
        .offset(MAX_KEPT)
    )
    await session.execute(
        # tenancy: `inbox` holds the actor's condition
        delete(Notification).where(*inbox, Notification.id.in_(surplus)).execution_options(synchronize_session=False)
    )


async def _lock_mine(session: AsyncSession, actor: Actor, notification_id: int) -> Notification:
    _require_person(actor)
    statement = select(Notification).where(Notification.id == notification_id, _is_mine(actor)).with_for_update()
    notification: Notification | None = await session.scalar(statement)
    if notification is None:
        raise _not_found(notification_id)
    return notification


def _is_mine(actor: Actor) -> ColumnElement[bool]:
    mine = visible_to(actor, Notification.organization_id) & (Notification.user_id == actor.user_id)
    return mine & (true() if actor.app_id is None else Notification.app_id == actor.app_id)


def _require_person(actor: Actor) -> None:
    if actor.is_run:
        raise Forbidden("a script can send notifications; only their recipient can read and delete them")


def _not_found(notification_id: int) -> NotFound:
    return NotFound(f"there is no notification {notification_id}")
