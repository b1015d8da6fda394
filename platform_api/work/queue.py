"""Keeps the lease protocol: claim, renew, complete, retry, release. A worker names the fence of its claim."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Interval,
    ScalarSelect,
    Update,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from platform_api.core.database import Database
from platform_api.work.errors import LeaseLost
from platform_api.work.models import Dated, Leased

LEASE = timedelta(seconds=15)
CANCEL = "cancel:"
"""Begins the payload of a notification that names a cancelled job."""

J = TypeVar("J", bound=Leased)


@dataclass(frozen=True, slots=True)
class Claimed(Generic[J]):
    """Names a job that this process works on until its lease runs out."""

    job: J
    id: int
    fence: int
    lease: timedelta = LEASE


@dataclass(frozen=True, slots=True)
class Share:
    """Lets at most `jobs` of one `owner` be worked on at once, so that nobody keeps others waiting."""

    owner: InstrumentedAttribute[Any]
    jobs: int


@dataclass(frozen=True, slots=True)
class Order:
    """Describes an order: jobs with the same `key` begin one after the other, except those that are `exempt`."""

    key: Sequence[InstrumentedAttribute[Any]]
    exempt: ColumnElement[bool] | InstrumentedAttribute[bool]


class Queue(Generic[J]):
    """Hands out the jobs of one table, or those of them that `where` chooses."""

    def __init__(
        self,
        model: type[J],
        *,
        name: str,
        channel: str,
        state: str = "state",
        pending: str = "pending",
        running: str = "running",
        where: ColumnElement[bool] | None = None,
        order_by: Sequence[InstrumentedAttribute[Any]] = (),
        share: Share | None = None,
        order: Order | None = None,
        batch: int = 1,
        max_attempts: int | None = 5,
        max_backoff_seconds: float = 60.0,
        reason: str | None = None,
    ) -> None:
        """Takes the names of columns: `state` says where a job stands, `reason` why the last attempt failed.

        `channel` is notified when a job is committed. A `share` or an `order` needs a `batch` of one. After more than
        `max_attempts` claims without progress a job is given up; None: never.
        """
        assert batch == 1 or (share is None and order is None)
        self.model = model
        self.name = name
        self.channel = channel
        self.max_attempts = max_attempts
        self.max_backoff_seconds = max_backoff_seconds
        self._state: InstrumentedAttribute[Any] = getattr(model, state)
        self._pending, self._running = pending, running
        self._where = true() if where is None else where
        self._takes_turns = share is not None or order is not None
        self._reason = reason
        self._is_dated = issubclass(model, Dated)
        self._claim = self._claiming(order_by or [model.id], share, order, batch)

    async def announce(self, session: AsyncSession, payload: str = "") -> None:
        """Wakes the workers of every process when `session` commits."""
        await session.execute(select(func.pg_notify(self.channel, payload)))

    async def claim(
        self, database: Database, *, horizon: datetime | None = None, lease: timedelta = LEASE
    ) -> list[Claimed[J]]:
        """Claims the first jobs that nobody works on, also those whose lease expired up to `horizon`."""
        async with database.transaction() as session:
            if self._takes_turns:
                # Claims are rare; in turn they see what the others took.
                await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(self.channel))))
            jobs = (await session.scalars(self._claim, {"horizon": horizon, "lease": lease})).all()
        return [Claimed(job, job.id, job.fence, lease) for job in sorted(jobs, key=lambda job: job.id)]

    async def renew(self, session: AsyncSession, claimed: Claimed[J], **values: Any) -> None:
        """Extends the lease, and stores how far the job is: with `values` its count of attempts begins anew.

        Raises LeaseLost, also when the job was cancelled.
        """
        if values:
            values = {"attempts": 0, **values}
        renewed = {"lease_expires_at": func.clock_timestamp() + claimed.lease, **values}
        await self._change(session, claimed, self.model.cancel_requested_at.is_(None), renewed)

    async def renew_all(self, database: Database, claimed: Collection[Claimed[J]]) -> set[int]:
        """Extends leases while nothing can be stored yet; returns the ids of jobs that are held and not cancelled."""
        lease = next(iter(claimed)).lease
        statement = self._update_all(claimed, lease_expires_at=func.clock_timestamp() + lease).returning(
            self.model.id, self.model.cancel_requested_at.is_(None)
        )
        async with database.transaction() as session:
            return {job_id for job_id, is_kept in await session.execute(statement) if is_kept}

    async def complete(
        self,
        session: AsyncSession,
        claimed: Claimed[J],
        state: str,
        *,
        only: ColumnElement[bool] | None = None,
        **values: Any,
    ) -> None:
        """Ends the job as `state`. Raises LeaseLost when it is not ours any more, or `only` does not hold."""
        ended = {self._state.key: state, "lease_expires_at": None, **values}
        if self._is_dated:
            ended["finished_at"] = func.now()
        await self._change(session, claimed, true() if only is None else only, ended)

    async def complete_cancelled(self, session: AsyncSession, claimed: Claimed[J], state: str, **values: Any) -> None:
        """Ends a job whose cancellation was requested. Raises LeaseLost when it was not, or is not ours."""
        requested = self.model.cancel_requested_at.is_not(None)
        await self.complete(session, claimed, state, only=requested, **values)

    async def retry(
        self, database: Database, claimed: Collection[Claimed[J]], *, delay: timedelta, reason: str
    ) -> None:
        """Leaves jobs to the next claim, after `delay`."""
        values: dict[str, Any] = {"lease_expires_at": None, "available_at": func.clock_timestamp() + delay}
        if self._reason is not None:
            values[self._reason] = reason[:2000]
        async with database.transaction() as session:
            await session.execute(self._update_all(claimed, **values))

    async def release(self, database: Database, claimed: Collection[Claimed[J]]) -> None:
        """Leaves jobs to whoever listens, at once and as if they had not been claimed."""
        attempts = func.greatest(self.model.attempts - 1, 0)
        values = {"lease_expires_at": None, "available_at": func.now(), "attempts": attempts}
        async with database.transaction() as session:
            released = await session.scalars(self._update_all(claimed, **values).returning(self.model.id))
            if released.all():
                await self.announce(session)

    async def cancel(self, session: AsyncSession, job: J) -> None:
        """Requests the end of an open job that `session` has locked: whoever works on it is told, or the next."""
        if job.cancel_requested_at is None:
            job.cancel_requested_at = job.available_at = (await session.scalars(select(func.now()))).one()
            await session.flush()
        await self.announce(session, f"{CANCEL}{job.id}")

    def stalled(self, horizon: ColumnElement[datetime]) -> ColumnElement[bool]:
        """Returns the condition of jobs whose lease expired up to `horizon`; null: of none."""
        expires_at = self.model.lease_expires_at
        # Both: after its clock was set back, what the database said before is in the future.
        return and_(self._where, expires_at <= horizon, expires_at <= func.now())

    def next_due(self) -> ScalarSelect[Any]:
        """Returns the subquery for the time when the next waiting job is available."""
        return select(func.min(self.model.available_at)).where(self._waits()).scalar_subquery()

    def next_expiry(self) -> ScalarSelect[Any]:
        """Returns the subquery for the time when the next lease expires."""
        expires_at = self.model.lease_expires_at
        return select(func.min(expires_at)).where(self._where, expires_at.is_not(None)).scalar_subquery()

    def held(self, claimed: Claimed[J]) -> ColumnElement[bool]:
        """Returns the condition under which a claimed job is still ours."""
        model = self.model
        return and_(model.id == claimed.id, model.fence == claimed.fence, model.lease_expires_at.is_not(None))

    def _waits(self) -> ColumnElement[bool]:
        is_open = self._state.in_([self._pending, self._running])
        return and_(self._where, self.model.lease_expires_at.is_(None), is_open)

    def _claiming(
        self,
        order_by: Sequence[InstrumentedAttribute[Any]],
        share: Share | None,
        order: Order | None,
        batch: int,
    ) -> Update:
        model = self.model
        is_due = and_(self._waits(), model.available_at <= func.now())
        if order is not None:
            is_due = and_(is_due, or_(self._state != self._pending, order.exempt, self._is_first(order)))
        statement = select(model.id).where(
            or_(is_due, self.stalled(bindparam("horizon", type_=TIMESTAMP(timezone=True))))
        )
        if share is not None:
            # What was cancelled is only to be ended.
            statement = statement.where(or_(model.cancel_requested_at.is_not(None), self._has_room(share)))
        # Materialized, as it locks rows: a subquery might be run more than once, and take more than the batch.
        due = statement.order_by(*order_by).limit(batch).with_for_update(skip_locked=True).cte("due")
        values: dict[str, Any] = {
            self._state.key: self._running,
            "fence": model.fence + 1,
            "attempts": model.attempts + 1,
            "lease_expires_at": func.now() + bindparam("lease", type_=Interval),
        }
        if self._is_dated:
            # Read by name: not every model has it.
            values["started_at"] = func.coalesce(getattr(model, "started_at"), func.now())  # noqa: B009
        return (
            update(model)
            .where(model.id.in_(select(due.c.id)))
            .values(values)
            .returning(model)
            .execution_options(synchronize_session=False, populate_existing=True)
        )

    def _has_room(self, share: Share) -> ColumnElement[bool]:
        other = aliased(self.model)
        busy = (
            select(func.count())
            .select_from(other)
            .where(
                # tenancy: counts the jobs of the same owner, whoever it is
                getattr(other, share.owner.key) == share.owner,
                other.id != self.model.id,
                other.lease_expires_at.is_not(None),
            )
            .correlate(self.model)
            .scalar_subquery()
        )
        return busy < share.jobs

    def _is_first(self, order: Order) -> ColumnElement[bool]:
        other = aliased(self.model)
        same = [getattr(other, column.key) == column for column in order.key]
        return ~exists().where(*same, getattr(other, self._state.key) == self._running)

    def _update_all(self, claimed: Collection[Claimed[J]], **values: Any) -> Update:
        model = self.model
        pairs = [(claimed_job.id, claimed_job.fence) for claimed_job in claimed]
        return (
            update(model)
            .where(tuple_(model.id, model.fence).in_(pairs), model.lease_expires_at.is_not(None))
            .values(**values)
            .execution_options(synchronize_session=False)
        )

    async def _change(
        self, session: AsyncSession, claimed: Claimed[J], condition: ColumnElement[bool], values: dict[str, Any]
    ) -> None:
        changed = await session.scalar(
            update(self.model)
            .where(self.held(claimed), condition)
            .values(**values)
            .returning(self.model.id)
            .execution_options(synchronize_session=False)
        )
        if changed is None:
            raise LeaseLost
