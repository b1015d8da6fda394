"""Claims keys, keeps what their requests did, and forgets both after a day."""

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.authentication import no_longer_member
from platform_api.accounts.tenancy import visible_to
from platform_api.core.errors import Conflict, Unavailable, Unprocessable
from platform_api.idempotency.models import IdempotencyKey

KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=20)
MAX_KEY_LENGTH = 255
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_BATCH = 1000
_MAX_ATTEMPTS = 10
# Of the statement: to a long transaction, a lease that has expired since it began must not seem to be held.
_NOW = func.clock_timestamp()


class IdempotencyKeyReused(Conflict):
    """Reports that a key was sent before, with another request."""

    code = "idempotency_key_reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """Names a request that must have one effect."""

    app_id: int | None
    subject: str
    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """Says that the caller is the one to do what the key stands for."""

    id: UUID
    fence: int = 0


def check_key(key: str, *, field: str = "Idempotency-Key") -> str:
    """Returns the key. Raises Unprocessable unless it is 1 to 255 visible ASCII characters."""
    if not _KEY.fullmatch(key):
        raise Unprocessable(
            f"{field}: must be 1 to {MAX_KEY_LENGTH} visible ASCII characters, such as a UUID", field=field
        )
    return key


def digest_of(*parts: Any) -> bytes:
    """Returns the digest of a request's parts: JSON values, and bytes."""
    digest = hashlib.sha256()
    for part in parts:
        plain = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True, default=str).encode()
        digest.update(len(plain).to_bytes(8, "big") + plain)
    return digest.digest()


async def claim(
    session: AsyncSession, actor: Actor, guarded: Guarded, *, is_leased: bool = False
) -> Claimed | IdempotencyKey:
    """Claims a key for `actor`, or returns what is known of its first request.

    Waits for another transaction that claims the same key. Raises IdempotencyKeyReused, and Unauthenticated when the
    caller's membership has ended meanwhile. `is_leased` is for what is done outside the transaction.
    """
    values = {
        "digest": guarded.digest,
        "lease_expires_at": _NOW + LEASE if is_leased else None,
    }
    inserted = insert(IdempotencyKey).values(
        organization_id=actor.organization_id,
        app_id=guarded.app_id or 0,
        user_id=actor.user_id,
        subject=guarded.subject,
        key=guarded.key,
        **values,
    )
    fresh = {"id": func.gen_random_uuid(), "fence": 0, "outcome": None, "ended_at": None, "created_at": func.now()}
    statement = inserted.on_conflict_do_update(
        index_elements=["organization_id", "app_id", "user_id", "subject", "key"],
        set_={**values, **fresh},
        where=IdempotencyKey.created_at < func.now() - KEPT,
    ).returning(IdempotencyKey.id)
    for _ in range(_MAX_ATTEMPTS):
        claimed = await session.scalar(statement)
        if claimed is not None:
            return Claimed(claimed)
        known = await _known(session, actor, guarded)
        # It may have been forgotten between the two statements.
        if known is not None:
            if known.digest != guarded.digest:
                raise IdempotencyKeyReused(
                    f"the key {guarded.key!r} was used for another request; send a new key with a new request"
                )
            return known
    raise Unavailable(
        f"the key {guarded.key!r} changes too often at the moment; send the same request again",
        headers={"Retry-After": "1"},
    )


async def _known(session: AsyncSession, actor: Actor, guarded: Guarded) -> IdempotencyKey | None:
    """Returns the row that keeps a key from being claimed. Raises Unauthenticated when the caller may not see it.

    It is found by the columns that the INSERT compares: a condition more, and neither of the two would see the row.
    """
    statement = (
        select(IdempotencyKey, visible_to(actor, IdempotencyKey.organization_id))
        .where(
            # tenancy: the INSERT's own columns; whether the row is visible is selected beside it
            IdempotencyKey.organization_id == actor.organization_id,
            IdempotencyKey.app_id == (guarded.app_id or 0),
            IdempotencyKey.user_id == actor.user_id,
            IdempotencyKey.subject == guarded.subject,
            IdempotencyKey.key == guarded.key,
        )
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    known: IdempotencyKey = row[0]
    if not row[1]:
        # The membership ended after the request was let in.
        raise no_longer_member()
    return known


async def find(session: AsyncSession, actor: Actor, guarded: Guarded) -> IdempotencyKey | None:
    """Returns what is known of a key of `actor`'s, whatever its request was."""
    return await find_key(
        session, actor, app_id=guarded.app_id, subject=guarded.subject, condition=IdempotencyKey.key == guarded.key
    )


async def find_key(
    session: AsyncSession, actor: Actor, *, app_id: int | None, subject: str, condition: ColumnElement[bool]
) -> IdempotencyKey | None:
    """Returns the one key of `actor`'s about `subject` that fits `condition`."""
    statement = (
        select(IdempotencyKey)
        .where(
            visible_to(actor, IdempotencyKey.organization_id),
            IdempotencyKey.app_id == (app_id or 0),
            IdempotencyKey.user_id == actor.user_id,
            IdempotencyKey.subject == subject,
            IdempotencyKey.created_at >= func.now() - KEPT,
            condition,
        )
        .execution_options(populate_existing=True)
    )
    known: IdempotencyKey | None = await session.scalar(statement)
    return known


async def has_lease(session: AsyncSession, known: IdempotencyKey) -> bool:
    """Returns whether somebody still works on what the key stands for."""
    held = select(IdempotencyKey.lease_expires_at > _NOW).where(IdempotencyKey.id == known.id)
    return bool(await session.scalar(held))


async def take_over(session: AsyncSession, known: IdempotencyKey) -> Claimed | None:
    """Claims again what somebody left without an outcome; returns None when another caller was first."""
    statement = (
        update(IdempotencyKey)
        .where(
            IdempotencyKey.id == known.id,
            IdempotencyKey.fence == known.fence,
            IdempotencyKey.outcome.is_(None),
            or_(IdempotencyKey.lease_expires_at <= _NOW, IdempotencyKey.lease_expires_at.is_(None)),
        )
        .values(fence=IdempotencyKey.fence + 1, lease_expires_at=_NOW + LEASE)
        .returning(IdempotencyKey.fence)
        .execution_options(synchronize_session=False)
    )
    fence = await session.scalar(statement)
    return None if fence is None else Claimed(known.id, fence)


async def record(session: AsyncSession, claimed: Claimed, outcome: str) -> None:
    """Keeps what a request did."""
    await session.execute(
        update(IdempotencyKey)
        .where(_is_held(claimed))
        .values(outcome=outcome, lease_expires_at=None, ended_at=_NOW)
        .execution_options(synchronize_session=False)
    )


async def renounce(session: AsyncSession, claimed: Claimed) -> None:
    """Gives a key back whose request had no effect, so that it may be sent again."""
    await session.execute(delete(IdempotencyKey).where(_is_held(claimed), IdempotencyKey.outcome.is_(None)))


async def abandon(session: AsyncSession, claimed: Claimed) -> None:
    """Ends the lease of a request of which nobody knows how far it came."""
    await session.execute(
        update(IdempotencyKey)
        .where(_is_held(claimed), IdempotencyKey.outcome.is_(None))
        .values(lease_expires_at=_NOW)
        .execution_options(synchronize_session=False)
    )


async def renew(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Renews the leases of requests under way."""
    # tenancy: the keys that this process holds, whoever they are of
    await session.execute(
        update(IdempotencyKey)
        .where(IdempotencyKey.id.in_(ids), IdempotencyKey.lease_expires_at.is_not(None))
        .values(lease_expires_at=_NOW + LEASE)
        .execution_options(synchronize_session=False)
    )


async def forget_expired(session: AsyncSession) -> bool:
    """Deletes a batch of keys older than `KEPT`; returns whether there may be more."""
    expired = (
        select(IdempotencyKey.id)
        .where(IdempotencyKey.created_at < func.now() - KEPT)
        .order_by(IdempotencyKey.created_at)
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    deleted = await session.scalars(
        delete(IdempotencyKey).where(IdempotencyKey.id.in_(expired)).returning(IdempotencyKey.id)
    )
    return len(deleted.all()) == _BATCH


def _is_held(claimed: Claimed) -> ColumnElement[bool]:
    # tenancy: a key that the caller has claimed
    return (IdempotencyKey.id == claimed.id) & (IdempotencyKey.fence == claimed.fence)
