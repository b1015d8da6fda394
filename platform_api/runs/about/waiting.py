"""Says why a run waits, from what the queue knows: who asked for work, what is ahead, which slots are busy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.core.types import RunId
from platform_api.runs.models import Run, RunState
from platform_api.runs.presence import PRESENT_SECONDS, present_runners
from platform_api.runs.queries import QUERIES

_MAX_COUNTED_AHEAD = 1000


@dataclass(frozen=True, slots=True)
class QueueView:
    """Holds what one organization sees of the queue. `slots` is None where a runner has not shown how many it has."""

    runners: int
    slots: int | None
    busy: int
    oldest_waiting: Sequence[RunId]
    """The organization's oldest waiting runs; one more than are counted."""

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
        if ahead > _MAX_COUNTED_AHEAD:
            return f"more than {_MAX_COUNTED_AHEAD:,} runs of your organization are ahead"
        if ahead > 1:
            return f"{ahead:,} runs of your organization are ahead"
        return "1 run of your organization is ahead" if ahead else "it is the next run of your organization"

    def _slots(self) -> str:
        if self.slots is None:
            return f"the runners are executing {_counted(self.busy, 'run')}"
        # Runs of a runner that is gone are held until their leases expire.
        busy = min(self.busy, self.slots)
        if busy < self.slots:
            return f"{self.slots - busy} of {_counted(self.slots, 'slot')} free, so a runner is about to take it"
        return f"{busy} of {_counted(self.slots, 'slot')} busy"


async def waiting_reasons(session: AsyncSession, actor: Actor, runs: Iterable[Run]) -> Mapping[RunId, str]:
    """Returns for those of `runs`, which `actor` may see, that have not started why; asks only if there are some."""
    waiting = [run for run in runs if run.state in (RunState.PENDING, RunState.CLAIMED)]
    if not waiting:
        return {}
    view = await _view(session, actor)
    reasons = {run.id: view.reason(run) for run in waiting}
    return {run_id: reason for run_id, reason in reasons.items() if reason is not None}


async def _view(session: AsyncSession, actor: Actor) -> QueueView:
    runners = await present_runners(session)
    slots = [runner.slots for runner in runners]
    held = (await session.execute(QUERIES["count_held"], {"runner_id": None})).one()
    oldest = await session.scalars(
        QUERIES["oldest_waiting"], {"organization_id": actor.organization_id, "runs": _MAX_COUNTED_AHEAD + 1}
    )
    return QueueView(
        runners=len(runners),
        slots=sum(count for count in slots if count is not None) if None not in slots else None,
        busy=held.by_all,
        oldest_waiting=oldest.all(),
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
