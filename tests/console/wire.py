"""The network between a browser and the platform: it loses answers, is cut, and goes silent without a word."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

# Closing sends a reset, as a process that is killed does.
_RESET = struct.pack("ii", 1, 0)
_Line: TypeAlias = tuple[asyncio.StreamWriter, asyncio.StreamWriter]
"""Both ends of a connection: towards the browser, towards the server."""


class Wire:
    """Carries connections to a server on this machine, for as long as it is not told otherwise."""

    def __init__(self, target: int) -> None:
        self.url = ""
        self._target = target
        self._lines: set[_Line] = set()
        self._is_cut = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._loses = b""
        self._has_lost = asyncio.Event()
        self._losing: _Line | None = None

    def lose_answer_to(self, request: bytes) -> None:
        """Has the connection break when the next request that holds these bytes has been done, before its answer."""
        self._loses = request
        self._has_lost.clear()

    async def lost(self) -> None:
        """Waits until the answer that was to be lost is lost."""
        async with asyncio.timeout(120):
            await self._has_lost.wait()

    def cut(self) -> None:
        """Breaks all connections and takes no more, as a server that is being restarted."""
        self._is_cut = True
        for line in tuple(self._lines):
            _break(line)

    def mend(self) -> None:
        """Takes connections again."""
        self._is_cut = False

    def freeze(self) -> None:
        """Carries nothing any more and closes nothing, as a network that is gone."""
        self._flows.clear()

    def thaw(self) -> None:
        """Carries again. What was sent before has been lost."""
        for line in tuple(self._lines):
            _break(line)
        self._flows.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection of a browser."""
        away, back = await asyncio.open_connection("127.0.0.1", self._target)
        line = (writer, back)
        self._lines.add(line)
        if self._is_cut:
            _break(line)
        try:
            await asyncio.gather(self._carry(reader, back, line, is_request=True), self._carry(away, writer, line))
        except OSError:
            pass
        finally:
            self._lines.discard(line)
            _break(line)

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        line: _Line,
        *,
        is_request: bool = False,
    ) -> None:
        before = b""
        while piece := await reader.read(65536):
            await self._flows.wait()
            if is_request and self._loses and self._loses in before + piece:
                self._loses, self._losing = b"", line
            elif not is_request and self._losing is line:
                self._losing = None
                self._has_lost.set()
                raise ConnectionResetError
            before = piece[-100:]
            writer.write(piece)
            await writer.drain()
        raise ConnectionResetError


def _break(line: _Line) -> None:
    for writer in line:
        end: socket.socket | None = writer.get_extra_info("socket")
        if end is not None and end.fileno() >= 0:
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()


@asynccontextmanager
async def wire_to(url: str) -> AsyncIterator[Wire]:
    """Lays a wire to a server on this machine; gives it with the URL at which browsers reach the server by it."""
    wire = Wire(int(url.rpartition(":")[2]))
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        wire.cut()
        await server.wait_closed()
