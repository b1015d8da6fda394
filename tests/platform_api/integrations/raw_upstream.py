"""An upstream on a real loopback socket: keeps the very bytes it is sent, answers the very bytes it is told."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.platform_api.conftest import Caller, Platform


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as it came: header names as they were written."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The only value of a header."""
        found = self.headers_of(name)
        assert len(found) < 2, found
        return found[0] if found else None

    def headers_of(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for other, value in self.headers if other.lower() == name.lower()]


@dataclass(slots=True)
class RawUpstream:
    """What arrived, and what is answered next (a default when nothing is told)."""

    url: str
    arrived: list[Arrived] = field(default_factory=list)
    answers: deque[bytes] = field(default_factory=deque)

    @property
    def last(self) -> Arrived:
        return self.arrived[-1]

    def answer(self, body: bytes = b"{}", *, status: int = 200, **headers: str) -> None:
        """Tells the next answer; `content_type="x"` is the header `Content-Type`."""
        lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-').title()}: {value}" for name, value in headers.items()]
        self.answers.append("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


_DEFAULT = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def raw_upstream() -> AsyncIterator[RawUpstream]:
    """A new one, closed in the end."""
    upstream = RawUpstream("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                method, target, _ = lines[0].split(" ")
                headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:-2])]
                lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
                body = await reader.readexactly(lengths[0] if lengths else 0)
                upstream.arrived.append(Arrived(method, target, headers, body))
                writer.write(upstream.answers.popleft() if upstream.answers else _DEFAULT)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    upstream.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield upstream
    finally:
        server.close()


async def connect_raw(
    platform: Platform, caller: Caller, url: str, *, credentials: dict[str, str] | None = None, **definition: Any
) -> int:
    """Defines `raw` for the caller's organization and connects to it; the connection's id."""
    whole = {"id": "raw", "name": "Raw", "base_url": url, "retry": {"attempts": 1}, **definition}
    async with platform.client(caller) as client:
        answer = await client.post("/api/integrations/", json=whole)
        assert answer.status_code == 201, answer.text
        answer = await client.post(
            "/api/integrations/raw/connections/", json={"name": "one", "credentials": credentials or {}}
        )
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])
