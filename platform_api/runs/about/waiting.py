"""Says why runs wait, from what the queue knows: who asked for work, what is ahead, which slots are busy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.core.types import RunId
from platform_api.runs.models import Run, RunState
from platform_api.runs.presence import PRESENT_SECONDS, last_seen_runner, present_runners
from platform_api.runs.queries import QUERIES

MAX_COUNTED_AHEAD = 1000
"""Waiting runs of an organization that are counted."""


class Standstill(StrEnum):
    """Lists why no waiting run is taken."""

    NO_RUNNER = "no_runner"
    """No runner has asked for work lately."""
    ALL_BUSY = "all_busy"
    """Every slot of every runner has a run."""


@dataclass(frozen=True, slots=True)
class QueueView:
    """Holds what one organization sees of the queue. `slots` is None where a runner has not shown how many it has."""

    runners: int
    slots: int | None
    busy: int
    oldest_waiting: Sequence[RunId]
    """The organization's oldest waiting runs; one more than are counted."""
    busy_with_own: int = 0
    """How many of the busy slots have runs of the organization."""
    has_neighbours: bool = False
    """Whether there are other organizations, for which slots are kept."""

    @property
    def standstill(self) -> Standstill | None:
        """Returns why the organization's waiting runs are not taken; None when none waits, or one is about to be."""
        if not self.oldest_waiting:
            return None
        if not self.runners:
            return Standstill.NO_RUNNER
        return Standstill.ALL_BUSY if self.slots is not None and self.busy >= self.slots - self._kept else None

    @property
    def _kept(self) -> int:
        """Returns how many slots are kept for organizations that hold none: the claim's rule (`queries.sql`)."""
        is_kept = self.has_neighbours and self.busy_with_own and self.slots is not None
        return max(1, (self.slots or 0) // 4) if is_kept else 0

    def reason(self, run: Run) -> str | None:
        """Returns in one sentence why `run` has not started; None when it has, or has ended."""
        if run.state is RunState.CLAIMED:
            return "a runner has taken it and is preparing its sandbox"
        if run.state is not RunState.PENDING:
            return None
        if not self.runners:
            return f"no runner has asked for work in the last {PRESENT_SECONDS} s"
        return f"{self._place(run)}; {self._slots()}"

    def _place(self, run: Run) -> str:
        ahead = sum(1 for waiting in self.oldest_waiting if waiting < run.id)
        if ahead > MAX_COUNTED_AHEAD:
            return f"more than {MAX_COUNTED_AHEAD:,} runs of your organization are ahead"
        if ahead > 1:
            return f"{ahead:,} runs of your organization are ahead"
        return "1 run of your organization is ahead" if ahead else "it is the next run of your organization"

    def _slots(self) -> str:
        if self.slots is None:
            return f"the runners are executing {_counted(self.busy, 'run')}"
        # Runs of a runner that is gone are held until their leases expire.
        busy = min(self.busy, self.slots)
        if busy < self.slots and self.slots - busy <= self._kept:
            return (
                f"{busy} of {_counted(self.slots, 'slot')} busy, {self.busy_with_own} of them with runs of your"
                " organization; the rest is kept for organizations that have none running"
            )
        if busy < self.slots:
            return f"{self.slots - busy} of {_counted(self.slots, 'slot')} free, so a runner is about to take it"
        return f"{busy} of {_counted(self.slots, 'slot')} busy"


@dataclass(frozen=True, slots=True)
class QueueReport:
    """Holds what is told of the queue: the view, how long the oldest run waits, when a runner was active last."""

    view: QueueView
    oldest_waiting_seconds: float | None
    last_runner_at: datetime | None


async def report_queue(session: AsyncSession, actor: Actor) -> QueueReport:
    """Returns what is told of the queue to the actor's organization."""
    view = await _view(session, actor)
    oldest = view.oldest_waiting[:1]
    # tenancy: a run that the view has found in the actor's organization
    age = select(func.extract("epoch", func.now() - Run.created_at)).where(Run.id.in_(oldest))
    seconds = await session.scalar(age) if oldest else None
    return QueueReport(view, None if seconds is None else float(seconds), await last_seen_runner(session))


async def waiting_reasons(session: AsyncSession, actor: Actor, runs: Iterable[Run]) -> Mapping[RunId, str]:
    """Returns for those of `runs`, which `actor` may see, that have not started why; asks only if there are some."""
    waiting = [run for run in runs if run.state in (RunState.PENDING, RunState.CLAIMED)]
    if not waiting:
        return {}
    view = await _view(session, actor)
    reasons = {run.id: view.reason(run) for run in waiting}
    return {run_id: reason for run_id, reason in reasons.items() if reason is not None}


async def _view(session: AsyncSession, actor: Actor) -> QueueView:
    organization = {"organization_id": actor.organization_id}
    runners = await present_runners(session)
    slots = [runner.slots for runner in runners]
    held = (await session.execute(QUERIES["count_held"], {"runner_id": None, **organization})).one()
    oldest = await session.scalars(QUERIES["oldest_waiting"], {**organization, "runs": MAX_COUNTED_AHEAD + 1})
    return QueueView(
        runners=len(runners),
        slots=sum(count for count in slots if count is not None) if None not in slots else None,
        busy=held.by_all,
        oldest_waiting=oldest.all(),
        busy_with_own=held.of_organization,
        has_neighbours=held.has_neighbours,
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
