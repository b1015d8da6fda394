"""Tells other processes, with the commit, that there is work or that a run changed."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.listener import Listener
from platform_api.core.types import RunId
from platform_api.core.watchers import Waiters, Watchers
from platform_api.runs.queries import QUERIES

_QUEUE_CHANNEL = "automio_run_queue"
_RUN_CHANNEL = "automio_run"
LIST_CHANNEL = "automio_runs_of"
"""Carries the id of an organization of which a list of runs has changed."""


async def announce_work(session: AsyncSession) -> None:
    """Wakes waiting claims, in every process, when `session` commits."""
    await session.execute(QUERIES["notify"], {"channel": _QUEUE_CHANNEL, "payload": ""})


async def announce_change(session: AsyncSession, run_id: RunId) -> None:
    """Wakes the watchers of a run, in every process, when `session` commits: its log has grown."""
    await session.execute(QUERIES["notify"], {"channel": _RUN_CHANNEL, "payload": str(run_id)})


async def announce_listed_changes(session: AsyncSession, run_ids: Sequence[RunId]) -> None:
    """Wakes the watchers of runs, and of lists with them, when `session` commits: what a list shows has changed."""
    channels = {"run_channel": _RUN_CHANNEL, "list_channel": LIST_CHANNEL}
    await session.execute(QUERIES["notify_listed"], {**channels, "run_ids": list(run_ids)})


class RunSignals(Watchers):
    """Wakes what waits in this process for work or for changes of a run."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener, _RUN_CHANNEL)
        self.work = Waiters(listener, _QUEUE_CHANNEL)
