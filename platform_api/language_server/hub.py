"""Brings an editor and a runner together: both have opened a WebSocket, the runner's is for one language server."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.websockets import WebSocket

from platform_api.core.listener import Listener
from platform_api.core.watchers import Waiters, Watchers
from platform_api.language_server.service import ENDED_CHANNEL, OFFERED_CHANNEL

APP_CHANNEL = "automio_workspace"
"""Carries the id of an app whose tables or source have changed; written by triggers."""
ORGANIZATION_CHANNEL = "automio_workspace_of"
"""Carries the id of an organization whose integrations have changed; written by triggers."""


class RunnerLink:
    """Holds the runner's WebSocket while an editor uses it."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.ended = asyncio.Event()


class Hub:
    """Knows the editors that are connected to this process, and what wakes them."""

    def __init__(self, listener: Listener) -> None:
        self.ends = Watchers(listener, ENDED_CHANNEL)
        self.apps = Watchers(listener, APP_CHANNEL)
        self.organizations = Watchers(listener, ORGANIZATION_CHANNEL)
        self.offers = Waiters(listener, OFFERED_CHANNEL)
        self._expected: dict[int, asyncio.Future[RunnerLink]] = {}

    @contextmanager
    def expecting(self, server_id: int) -> Iterator["asyncio.Future[RunnerLink]"]:
        """Yields what gets the runner's link once it is there; ends the link with the block."""
        expected = self._expected[server_id] = asyncio.get_running_loop().create_future()
        try:
            yield expected
        finally:
            del self._expected[server_id]
            if expected.done() and not expected.cancelled():
                expected.result().ended.set()
            expected.cancel()

    def deliver(self, server_id: int, link: RunnerLink) -> bool:
        """Gives a runner's link to the editor that expects it; false when none here does."""
        expected = self._expected.get(server_id)
        if expected is None or expected.done():
            return False
        expected.set_result(link)
        return True
