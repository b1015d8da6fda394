"""A connection that was kept is not used once its server may have closed it: a write that met it would be lost."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import pytest
from yarl import URL

from platform_api.integrations.outgoing.caller import Caller, UpstreamRequest

pytestmark = pytest.mark.anyio

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class ClosingServer:
    """Answers one request a connection, keeps the connection, and closes it when it is told."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = URL(f"http://127.0.0.1:{self._listener.getsockname()[1]}/")
        self._may_close, self._closed = threading.Event(), threading.Event()

    def serve(self) -> None:
        for _ in range(2):
            connection, _ = self._listener.accept()
            connection.recv(65_536)
            connection.sendall(_ANSWER)
            self._may_close.wait()
            connection.close()
            self._closed.set()

    def close_kept_connection(self) -> None:
        """Blocks the caller's loop until it is closed, so that nobody there has heard of it."""
        self._may_close.set()
        self._closed.wait()

    def close(self) -> None:
        self._may_close.set()
        self._listener.close()


@contextmanager
def closing_server() -> Iterator[ClosingServer]:
    server = ClosingServer()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    yield server
    thread.join(60)
    server.close()


async def test_a_write_does_not_meet_a_connection_that_its_server_closed_while_it_was_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing_server() as server:
        async with Caller(allow_private=True) as caller:
            first = await caller.send(UpstreamRequest("GET", server.url, {}))
            assert first.ok
            server.close_kept_connection()
            # What Node and uvicorn wait before they close an idle connection.
            monkeypatch.setattr("aiohttp.connector.monotonic", lambda: monotonic() + 5)
            second = await caller.send(UpstreamRequest("POST", server.url, {}, body=b"{}"))
            assert second.ok, second.text
