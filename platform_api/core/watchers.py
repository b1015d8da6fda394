"""Wakes what waits in this process when another process tells that a row changed, or that there is work."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from platform_api.core.listener import Listener


class Waiters:
    """Knows who waits for work of one kind. Every notification on `channel` wakes all of them."""

    def __init__(self, listener: Listener, channel: str) -> None:
        self._waiting: set[asyncio.Event] = set()
        listener.subscribe(channel, self._on_work)

    @contextmanager
    def waiting(self) -> Iterator[asyncio.Event]:
        """Yields an event that is set whenever there may be work."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            yield event
        finally:
            self._waiting.discard(event)

    def _on_work(self, payload: str | None) -> None:
        for event in self._waiting:
            event.set()


class Watchers:
    """Knows who watches which id. Notifications on `channel` carry the id as text."""

    def __init__(self, listener: Listener, channel: str) -> None:
        self._watching: dict[int, set[asyncio.Event]] = {}
        listener.subscribe(channel, self._on_change)

    @contextmanager
    def watching(self, row_id: int, event: asyncio.Event | None = None) -> Iterator[asyncio.Event]:
        """Yields an event, the given one or its own, that is set whenever the row may have changed."""
        event = asyncio.Event() if event is None else event
        watchers = self._watching.setdefault(row_id, set())
        watchers.add(event)
        try:
            yield event
        finally:
            watchers.discard(event)
            if not watchers and self._watching.get(row_id) is watchers:
                del self._watching[row_id]

    def count(self, row_id: int) -> int:
        """Counts those in this process that watch the row."""
        return len(self._watching.get(row_id, ()))

    def _on_change(self, payload: str | None) -> None:
        affected = self._watching.values() if payload is None else [self._watching.get(int(payload), set())]
        for watchers in affected:
            for event in watchers:
                event.set()
