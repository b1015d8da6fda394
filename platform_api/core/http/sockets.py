"""Reads, writes and closes WebSockets. Browsers show a connection's code and reason, and no HTTP status."""

import asyncio
from collections.abc import Awaitable, Coroutine
from enum import IntEnum
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from platform_api.core.errors import Forbidden, NotFound, PlatformError, TooManyRequests, Unauthenticated


class CloseCode(IntEnum):
    """Lists the codes with which the platform closes a WebSocket (docs/reference/language-server.md)."""

    TOO_LONG = 1009
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    IDLE = 4408
    REPLACED = 4409
    ELSEWHERE = 4421
    """To a runner: the editor is connected to another process of the control plane."""
    TOO_MANY = 4429
    ENDED = 4500
    UNAVAILABLE = 4503


_SEND_SECONDS = 20.0
_CODES = (
    (Unauthenticated, CloseCode.UNAUTHENTICATED),
    (Forbidden, CloseCode.FORBIDDEN),
    (NotFound, CloseCode.NOT_FOUND),
    (TooManyRequests, CloseCode.TOO_MANY),
)


class Closed(Exception):
    """Ends a connection with a code and a reason for people."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        # A close frame has room for 123 bytes.
        self.reason = reason.encode()[:120].decode(errors="ignore")


def closed_by(error: PlatformError) -> Closed:
    """Returns how a connection ends for an error of the platform."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), CloseCode.UNAVAILABLE)
    return Closed(code, error.message)


async def close_socket(socket: WebSocket, closed: Closed) -> None:
    """Closes a WebSocket, unless its other end has done so."""
    try:
        await socket.close(code=closed.code, reason=closed.reason)
    except (RuntimeError, WebSocketDisconnect):
        return


async def receive_text(socket: WebSocket) -> str:
    """Returns the next message; raises Closed when the other end has gone, and for one that is no text."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise Closed(CloseCode.ENDED, "the other end has gone")
    text: str | None = message.get("text")
    if text is None:
        raise Closed(CloseCode.TOO_LONG, "a message is text")
    return text


async def send_in_time(sending: Awaitable[None]) -> None:
    """Sends within a bounded time: who does not read must not keep what the connection holds. Raises Closed."""
    try:
        async with asyncio.timeout(_SEND_SECONDS):
            await sending
    except (TimeoutError, WebSocketDisconnect, RuntimeError, OSError) as error:
        raise Closed(CloseCode.ENDED, "the other end does not read") from error


async def first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Runs all of `works` until the first ends, ends the others, and raises its error."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
