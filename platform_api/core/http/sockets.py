"""Closes WebSockets with a code and a reason: browsers show these of a connection, and no HTTP status."""

from enum import IntEnum

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
