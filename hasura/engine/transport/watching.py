"""Ends the work of requests whose client has gone.

Only requests that take long are worth looking after, so they are not watched from the start: one timer for all of
them, which runs only while there are any, starts watching those that have been there for a whole round.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from hasura.engine.transport.asgi import ClientGone, Receive

_ROUND_SECONDS = 0.25

T = TypeVar("T")


class ClientWatch:
    """Watches the clients of one app's requests, all on one event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._new: set[_Request] = set()
        self._waiting: set[_Request] = set()

    @property
    def is_running(self) -> bool:
        """Returns whether its timer runs: while there are requests, and a moment longer."""
        return self._loop is not None

    async def run(self, work: "Coroutine[Any, Any, T]", receive: Receive) -> T:
        """Runs `work`; when it takes long, the client's disappearance cancels it, and with it its SQL.

        Raises ClientGone then.
        """
        task = asyncio.current_task(self._loop or self._start())
        assert task is not None
        request = _Request(receive, task)
        self._new.add(request)
        try:
            return await work
        except asyncio.CancelledError:
            if request.is_client_gone:
                task.uncancel()
                raise ClientGone from None
            raise
        finally:
            self._new.discard(request)
            self._waiting.discard(request)
            if request.watcher is not None:
                request.watcher.cancel()

    def _start(self) -> asyncio.AbstractEventLoop:
        self._loop = loop = asyncio.get_running_loop()
        loop.call_later(_ROUND_SECONDS, self._next_round)
        return loop

    def _next_round(self) -> None:
        assert self._loop is not None
        for request in self._waiting:
            request.watch()
        self._waiting, self._new = self._new, set()
        if self._waiting:
            self._loop.call_later(_ROUND_SECONDS, self._next_round)
        else:
            self._loop = None


class _Request:
    __slots__ = ("_receive", "_task", "is_client_gone", "watcher")

    def __init__(self, receive: Receive, task: "asyncio.Task[Any]") -> None:
        self._receive = receive
        self._task = task
        self.watcher: asyncio.Task[None] | None = None
        self.is_client_gone = False

    def watch(self) -> None:
        self.watcher = asyncio.ensure_future(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_client_gone = True
        self._task.cancel()
