"""Generates load: N keep-alive connections, each of which sends its next request after the answer.

Runs in its own process (`python -m benchmarks.load`), so that it does not share an interpreter with the server, and
prints a JSON object. It checks the status of every answer: anything but 2xx ends the run with an error.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Measurement:
    """Describes the figures of one run: rates in answers per second, times in milliseconds."""

    requests: int
    rate: float
    p50: float
    p99: float
    answer_bytes: int


def measure(
    url: str, bodies: list[bytes], *, connections: int, seconds: float, headers: dict[str, str] | None = None
) -> Measurement:
    """Runs the generator in a process of its own and returns what it saw.

    `bodies` are sent in turn (one body: the same request again and again). Raises RuntimeError when an answer was
    not 2xx, with the answer's beginning.
    """
    order = {
        "url": url,
        "bodies": [body.decode() for body in bodies],
        "connections": connections,
        "seconds": seconds,
        "headers": headers or {},
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return Measurement(**json.loads(done.stdout))


class _Connection(asyncio.Protocol):
    """Represents a keep-alive connection; reads only what our servers send: a status line and Content-Length."""

    def __init__(self, requests: list[bytes], start: int, times: list[float], stop_at: float) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answer_bytes = 0
        self._requests = requests
        self._next = start
        self._times = times
        self._stop_at = stop_at
        self._buffer = b""
        self._awaited = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one by shape only
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._requests[self._next % len(self._requests)])
        self._next += 1

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if not self._awaited:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            if not head.startswith(b"http/1.1 2") or at < 0:
                self._fail(f"unexpected answer: {self._buffer[:600].decode(errors='replace')}")
                return
            self._awaited = end + 4 + int(head[at + 15 : (head + b"\r\n").find(b"\r\n", at)])
        if len(self._buffer) < self._awaited:
            return
        now = time.perf_counter()
        self._times.append(now - self._sent_at)
        self.answer_bytes = self._awaited
        self._buffer, self._awaited = b"", 0
        if now < self._stop_at:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            if time.perf_counter() < self._stop_at:
                self.done.set_exception(RuntimeError(f"the server closed the connection: {exc!r}"))
            else:
                self.done.set_result(None)

    def _fail(self, message: str) -> None:
        if not self.done.done():
            self.done.set_exception(RuntimeError(message))
        self._transport.close()


async def _run(url: str, bodies: list[str], connections: int, seconds: float, headers: dict[str, str]) -> Measurement:
    parts = urlsplit(url)
    requests = [_encode(parts.path, parts.netloc, body.encode(), headers) for body in bodies]
    times: list[float] = []
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    connected = [
        await loop.create_connection(
            lambda number=number: _Connection(requests, number * 7, times, started + seconds),  # type: ignore[misc]  # a default argument in a lambda
            parts.hostname or "127.0.0.1",
            parts.port or 80,
        )
        for number in range(connections)
    ]
    await asyncio.gather(*(protocol.done for _, protocol in connected))
    elapsed = time.perf_counter() - started
    times.sort()
    return Measurement(
        requests=len(times),
        rate=len(times) / elapsed,
        p50=times[len(times) // 2] * 1000,
        p99=times[int(len(times) * 0.99)] * 1000,
        answer_bytes=connected[0][1].answer_bytes,
    )


def _encode(path: str, host: str, body: bytes, headers: dict[str, str]) -> bytes:
    lines = {"Host": host, "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path or '/'} HTTP/1.1\r\n{head}\r\n".encode() + body


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    order = json.load(sys.stdin)
    try:
        import uvloop

        loop_factory = uvloop.new_event_loop
    except ImportError:
        loop_factory = None
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        print(json.dumps(asdict(runner.run(_run(**order)))))


if __name__ == "__main__":
    main()
