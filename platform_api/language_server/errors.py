"""Names why an editor's connection ends. Browsers show a close code and a reason, not an HTTP status."""

from enum import IntEnum


class CloseCode(IntEnum):
    """Lists the codes with which a language server's WebSocket is closed (docs/reference/language-server.md)."""

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


class Closed(Exception):
    """Ends a connection with a code and a reason for people."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        # A close frame has room for 123 bytes.
        self.reason = reason.encode()[:120].decode(errors="ignore")
