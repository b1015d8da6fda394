"""Tells other processes, with the commit, that there is work or that a run changed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.listener import Listener
from platform_api.core.types import RunId
from platform_api.runs.queries import QUERIES

_QUEUE_CHANNEL = "automio_run_queue"
_RUN_CHANNEL = "automio_run"


async def announce_work(session: AsyncSession) -> None:
    """Wakes waiting claims, in every process, when `session` commits."""
    await session.execute(QUERIES["notify"], {"channel": _QUEUE_CHANNEL, "payload": ""})


async def announce_change(session: AsyncSession, run_id: RunId) -> None:
    """Wakes the watchers of a run, in every process, when `session` commits."""
    await session.execute(QUERIES["notify"], {"channel": _RUN_CHANNEL, "payload": str(run_id)})


class RunSignals:
    """Wakes what waits in this process for work or for changes of a run."""

    def __init__(self, listener: Listener) -> None:
        self._waiting: set[asyncio.Event] = set()
        self._watching: dict[int, set[asyncio.Event]] = {}
        listener.subscribe(_QUEUE_CHANNEL, self._on_work)
        listener.subscribe(_RUN_CHANNEL, self._on_change)

    @contextmanager
    def waiting_for_work(self) -> Iterator[asyncio.Event]:
        """Yields an event that is set whenever runs may be waiting."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

    @contextmanager
    def watching(self, run_id: RunId) -> Iterator[asyncio.Event]:
        """Yields an event that is set whenever the run may have changed."""
        event = asyncio.Event()
        watchers = self._watching.setdefault(run_id, set())
        watchers.add(event)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers and self._watching.get(run_id) is watchers:
                del self._watching[run_id]

    def _on_work(self, payload: str | None) -> None:
        for event in self._waiting:
            event.set()

    def _on_change(self, payload: str | None) -> None:
        affected = self._watching.values() if payload is None else [self._watching.get(int(payload), set())]
        for watchers in affected:
            for event in watchers:
                event.set()
