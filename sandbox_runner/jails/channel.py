"""Implements the runner's end of a jail's control channel: length-prefixed JSON messages on a Unix socket.

The other end may be user code, so no message is trusted: sizes are checked before memory is allocated, and an invalid
message raises `ChannelBroken`. A forged message can only affect the one run of its jail.
"""

import asyncio
import json
import socket
import struct
from typing import Any

from sandbox_runner.errors import SandboxError

_LENGTH = struct.Struct("!I")


class ChannelBroken(SandboxError):
    """Reports that the jail sent an invalid message, or one that is too large."""


class ControlChannel:
    """Sends and receives messages on `connection`, and closes it."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection

    async def send(self, message: dict[str, Any]) -> None:
        """Sends a message; raises OSError when the jail is gone."""
        await asyncio.get_running_loop().sock_sendall(self._connection, framed(message))

    async def send_bytes(self, data: bytes) -> None:
        """Sends bytes as they are, to a program that has taken the place of the harness; raises OSError."""
        await asyncio.get_running_loop().sock_sendall(self._connection, data)

    async def receive_bytes(self, *, max_bytes: int) -> bytes:
        """Returns the next bytes of such a program, none at the end of the stream."""
        try:
            return await asyncio.get_running_loop().sock_recv(self._connection, max_bytes)
        except ConnectionError:
            return b""

    async def receive(self, *, max_bytes: int) -> dict[str, Any] | None:
        """Returns the next message, None at the end of the stream; raises ChannelBroken."""
        head = await self._read(_LENGTH.size)
        if head is None:
            return None
        (length,) = _LENGTH.unpack(head)
        if length > max_bytes:
            raise ChannelBroken(f"a message of {length:,} bytes, the limit is {max_bytes:,}")
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
    """Returns a message as bytes, with its length in front."""
    text = json.dumps(message).encode()
    return _LENGTH.pack(len(text)) + text


def parsed(body: bytes) -> dict[str, Any]:
    """Returns the message in `body`; raises ChannelBroken."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ChannelBroken("the jail sent something that is not JSON") from error
    if not isinstance(message, dict):
        raise ChannelBroken("the jail sent something that is not a message")
    return message


def receive_with_descriptors(connection: socket.socket, *, max_bytes: int) -> tuple[dict[str, Any], list[int]]:
    """Receives a jail's first message, which comes with open descriptors; blocks. Raises ChannelBroken, OSError."""
    data = bytearray()
    descriptors: list[int] = []
    while len(data) < _LENGTH.size or len(data) < _LENGTH.size + _LENGTH.unpack(data[: _LENGTH.size])[0]:
        part, received, _, _ = socket.recv_fds(connection, 1 << 16, 4)
        descriptors += received
        if not part:
            raise ChannelBroken("the jail ended before it was ready")
        data += part
        if len(data) > max_bytes:
            raise ChannelBroken("the jail's first message is too long")
    return parsed(bytes(data[_LENGTH.size :])), descriptors
