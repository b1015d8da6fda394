"""Wakes what waits in this process when another process tells that a row changed, or that there is work."""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

from platform_api.core.listener import Listener

ACCESS_CHANNEL = "automio_access"
"""Carries the SHA-256 in hex of a token that has ended; empty: of a user, membership, sign-in, app or install."""
WatchingAccess: TypeAlias = Callable[[Callable[[], None]], AbstractContextManager[None]]
"""Calls what it is given when the right of a certain caller may have ended."""
_SPREAD_SECONDS = 0.4
"""Streams do not ask the database all at once; what changes meanwhile is asked once."""
_MAX_WAKES_PER_SECOND = 1000.0
_PAUSE_SECONDS = 0.5
"""Passes at least between two wakes: whoever signs in and out all the time keeps nobody else busy."""


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


class _Watch:
    __slots__ = ("is_due", "token_digest", "wake", "woken_at")

    def __init__(self, wake: Callable[[], None], token_digest: str) -> None:
        self.wake = wake
        self.token_digest = token_digest
        # Whether it will be woken in a moment already.
        self.is_due = False
        self.woken_at = -_PAUSE_SECONDS


class AccessChanges:
    """Knows streams and WebSockets, which are to look again whether whoever they serve still has the right."""

    def __init__(self, listener: Listener) -> None:
        self._watches: dict[int, _Watch] = {}
        self._by_token: dict[str, dict[int, _Watch]] = {}
        listener.subscribe(ACCESS_CHANNEL, self._changed)

    @contextmanager
    def watching(self, wake: Callable[[], None], token_digest: str = "") -> Iterator[None]:
        """Calls `wake` within a second of each change that may concern the caller's credential.

        With more than a thousand streams it takes longer, a second for each thousand.
        `token_digest` is that of the token it is; empty: a sign-in.
        """
        watch = _Watch(wake, token_digest)
        self._watches[id(watch)] = watch
        self._by_token.setdefault(token_digest, {})[id(watch)] = watch
        try:
            yield
        finally:
            del self._watches[id(watch)]
            same = self._by_token[token_digest]
            del same[id(watch)]
            if not same:
                del self._by_token[token_digest]

    def _changed(self, payload: str | None) -> None:
        if payload:
            for watch in tuple(self._by_token.get(payload, {}).values()):
                watch.wake()
            return
        loop = asyncio.get_running_loop()
        spread = max(_SPREAD_SECONDS, len(self._watches) / _MAX_WAKES_PER_SECOND)
        for watch in self._watches.values():
            if not watch.is_due:
                watch.is_due = True
                earliest = max(loop.time(), watch.woken_at + _PAUSE_SECONDS)
                loop.call_at(earliest + random.uniform(0, spread), self._wake, watch)

    def _wake(self, watch: _Watch) -> None:
        watch.is_due = False
        if id(watch) in self._watches:
            watch.woken_at = asyncio.get_running_loop().time()
            watch.wake()
