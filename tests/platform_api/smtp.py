"""A real SMTP server on loopback that keeps what it is given."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope


class Inbox:
    """An SMTP server's handler: keeps what it is given, or says what it was told to say."""

    def __init__(self) -> None:
        self.received: list[tuple[Envelope, EmailMessage]] = []
        self.refusals: list[str] = []
        self.arrived = asyncio.Event()

    async def handle_RCPT(  # the library's name
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append((envelope, message))
        self.arrived.set()
        return "250 OK"

    def texts_to(self, address: str) -> list[str]:
        """The plain bodies of what arrived for an address, in order."""
        bodies = [
            message.get_body(("plain",)) for envelope, message in self.received if envelope.rcpt_tos == [address]
        ]
        return [body.get_content().replace("\r\n", "\n") for body in bodies if body is not None]


@asynccontextmanager
async def smtp_server(inbox: Inbox, *, port: int = 0) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(inbox, hostname="loopback", enable_SMTPUTF8=True), "127.0.0.1", port
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
