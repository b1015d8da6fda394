"""Notes when a sign-in was last used, and when a member was last seen: seldom, and without waiting for anybody."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Membership, SignIn
from platform_api.accounts.tokens import digest_of

PRECISION = timedelta(minutes=5)


async def note_use(session: AsyncSession, actor: Actor, cookie: str) -> None:
    """Notes that `actor` acts by the sign-in of `cookie`, unless that was noted less than five minutes ago.

    A row that another request changes at the moment stays as it is: parallel requests of one browser must not wait
    for each other, and they say the same.
    """
    sign_in = (SignIn.digest == digest_of(cookie)) & _is_long_ago(SignIn.last_used_at)
    # tenancy: the caller's own membership of the organization acted in
    membership = (Membership.user_id == actor.user_id) & (Membership.organization_id == actor.organization_id)
    membership &= _is_long_ago(Membership.last_seen_at)
    # One look for both: nearly always there is nothing to do.
    is_used, is_seen = (await session.execute(select(exists().where(sign_in), exists().where(membership)))).one()
    if is_used:
        free = select(SignIn.digest).where(sign_in).with_for_update(skip_locked=True).scalar_subquery()
        await session.execute(
            update(SignIn)
            .where(SignIn.digest == free)
            .values(last_used_at=func.now())
            .execution_options(synchronize_session=False)
        )
    if is_seen:
        # tenancy: the caller's own membership of the organization acted in
        lock = select(Membership.user_id).where(membership).with_for_update(skip_locked=True, key_share=True)
        await session.execute(
            update(Membership)
            # tenancy: the caller's own membership of the organization acted in
            .where(Membership.user_id == lock.scalar_subquery(), Membership.organization_id == actor.organization_id)
            # A membership that is seen is not a changed one.
            .values(last_seen_at=func.now(), updated_at=Membership.updated_at)
            .execution_options(synchronize_session=False)
        )


def _is_long_ago(column: InstrumentedAttribute[datetime | None]) -> ColumnElement[bool]:
    return or_(column.is_(None), column < func.now() - PRECISION)
