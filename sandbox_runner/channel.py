"""The runner's end of a jail's control channel: JSON messages with a length in front, on a non-blocking Unix socket.

Behind the other end stands user code, so nothing that arrives is believed: sizes are bounded before memory is
taken, and a message that is not one closes the channel's case with `ChannelBroken`. Whatever is forged can only
concern the one run this jail was given.
"""

import asyncio
import json
import socket
import struct
from typing import Any

from sandbox_runner.errors import SandboxError

_LENGTH = struct.Struct("!I")


class ChannelBroken(SandboxError):
    """The jail sent something that is no message, or one larger than its run may send."""


class ControlChannel:
    """Sends and receives messages on `connection`, which it owns."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection

    async def send(self, message: dict[str, Any]) -> None:
        """Sends one message; OSError when the jail is gone."""
        await asyncio.get_running_loop().sock_sendall(self._connection, framed(message))

    async def receive(self, *, at_most: int) -> dict[str, Any] | None:
        """The next message, None at the end of the stream. Raises ChannelBroken."""
        head = await self._read(_LENGTH.size)
        if head is None:
            return None
        (length,) = _LENGTH.unpack(head)
        if length > at_most:
            raise ChannelBroken(f"a message of {length:,} bytes where at most {at_most:,} are possible")
        body = await self._read(length)
        return None if body is None else parsed(body)

    def close(self) -> None:
        """Closes the runner's end."""
        self._connection.close()

    async def _read(self, size: int) -> bytes | None:
        loop = asyncio.get_running_loop()
        data = bytearray()
        while len(data) < size:
            try:
                part = await loop.sock_recv(self._connection, min(size - len(data), 1 << 16))
            except ConnectionError:
                return None
            if not part:
                return None
            data += part
        return bytes(data)


def framed(message: dict[str, Any]) -> bytes:
    """The bytes of one message."""
    text = json.dumps(message).encode()
    return _LENGTH.pack(len(text)) + text


def parsed(body: bytes) -> dict[str, Any]:
    """The message in `body`; raises ChannelBroken."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ChannelBroken("the jail sent something that is not JSON") from error
    if not isinstance(message, dict):
        raise ChannelBroken("the jail sent something that is not a message")
    return message


def receive_with_descriptors(connection: socket.socket, *, at_most: int) -> tuple[dict[str, Any], list[int]]:
    """Blocking variant for a jail's first message, which carries open descriptors. Raises ChannelBroken, OSError."""
    data = bytearray()
    descriptors: list[int] = []
    while len(data) < _LENGTH.size or len(data) < _LENGTH.size + _LENGTH.unpack(data[: _LENGTH.size])[0]:
        part, received, _, _ = socket.recv_fds(connection, 1 << 16, 4)
        descriptors += received
        if not part:
            raise ChannelBroken("the jail ended before it was ready")
        data += part
        if len(data) > at_most:
            raise ChannelBroken("the jail's first message is too long")
    return parsed(bytes(data[_LENGTH.size :])), descriptors
