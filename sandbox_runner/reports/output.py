"""Turns a jail's output into log lines: one sequence from ordered output, plain stdout and plain stderr.

Reading stops while the log is full: a script that prints faster than its lines can be stored then waits for its pipe,
instead of filling the runner's memory.
"""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from sandbox_runner.protocol import LogLine, Stream

_READ_BYTES = 64 * 1024
_READS_AT_ONCE = 64
_MAX_LINE_BYTES = 16 * 1024
# Every line becomes a row, so even empty lines count towards the limit.
_LINE_COST = 16
_STREAMS: dict[int, Stream] = {1: "stdout", 2: "stderr"}


class LineSink(Protocol):
    """Receives log lines in order."""

    def put(self, line: LogLine) -> None:
        """Stores a line; never blocks."""

    @property
    def is_full(self) -> bool:
        """Tells whether no more lines should be put."""

    def on_room(self, resume: Callable[[], None]) -> None:
        """Calls `resume` once there is room again."""


class LineSplitter:
    """Splits the bytes of a stream into lines of text; splits lines of more than 16 KiB."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Adds bytes of the stream and returns the lines that are now complete."""
        *complete, rest = (self._rest + data).split(b"\n")
        lines = [piece for line in complete for piece in _pieces(line)]
        while len(rest) >= _MAX_LINE_BYTES:
            lines.append(_text(rest[:_MAX_LINE_BYTES]))
            rest = rest[_MAX_LINE_BYTES:]
        self._rest = rest
        return lines

    def finish(self) -> list[str]:
        """Returns the last line if the stream ended without a newline."""
        rest, self._rest = self._rest, b""
        return _pieces(rest) if rest else []


class RunOutput:
    """Reads a jail's output into a sink and counts it; sets `overflowed` when it exceeds the limit."""

    def __init__(self, sink: LineSink, *, limit_bytes: int) -> None:
        self.overflowed = asyncio.Event()
        self._sink = sink
        self._limit_bytes = limit_bytes
        self._bytes = 0
        self._number = 0
        self._splitters: dict[Stream, LineSplitter] = {"stdout": LineSplitter(), "stderr": LineSplitter()}
        self._raw_splitters: dict[Stream, LineSplitter] = {"stdout": LineSplitter(), "stderr": LineSplitter()}
        self._sources: dict[int, Stream | None] = {}
        self._is_paused = False

    def attach(self, *, framed: int, stdout: int, stderr: int) -> None:
        """Starts reading the three descriptors; does not close them."""
        self._sources = {framed: None, stdout: "stdout", stderr: "stderr"}
        for descriptor in self._sources:
            os.set_blocking(descriptor, False)
        self._resume()

    def system(self, text: str) -> None:
        """Adds lines from the runner itself."""
        for line in text.splitlines():
            self._emit("system", line)

    def finish(self) -> None:
        """Reads the rest of the pipes after the jail is gone, ends incomplete lines, and stops reading."""
        self._pause()
        self._is_paused = True
        for descriptor in list(self._sources):
            while descriptor in self._sources and not self.overflowed.is_set() and self._read(descriptor):
                pass
        self._sources.clear()
        for splitters in (self._splitters, self._raw_splitters):
            for stream, splitter in splitters.items():
                for line in splitter.finish():
                    self._emit(stream, line)

    def _resume(self) -> None:
        self._is_paused = False
        for descriptor in self._sources:
            asyncio.get_running_loop().add_reader(descriptor, self._readable, descriptor)

    def _pause(self) -> None:
        self._is_paused = True
        for descriptor in self._sources:
            asyncio.get_running_loop().remove_reader(descriptor)

    def _readable(self, descriptor: int) -> None:
        for _ in range(_READS_AT_ONCE):
            if not self._read(descriptor) or self._sink.is_full:
                break
        if self._sink.is_full and not self._is_paused:
            self._pause()
            self._sink.on_room(self._resume)

    def _read(self, descriptor: int) -> bool:
        """Reads once; returns False when there is nothing to read now or at the end of the stream."""
        try:
            data = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(descriptor)
            self._sources.pop(descriptor, None)
            return False
        self._take(self._sources[descriptor], data)
        return True

    def _take(self, source: Stream | None, data: bytes) -> None:
        self._count(len(data))
        if self._bytes > self._limit_bytes:
            data = data[: max(0, len(data) - (self._bytes - self._limit_bytes))]
        if source is None:
            # A message is one write: a byte for the stream, then text.
            stream = _STREAMS.get(data[0] if data else 1, "stdout")
            lines = self._splitters[stream].feed(data[1:])
        else:
            stream = source
            lines = self._raw_splitters[stream].feed(data)
        self._count(_LINE_COST * len(lines))
        for line in lines:
            self._emit(stream, line)

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._limit_bytes:
            self.overflowed.set()

    def _emit(self, stream: Stream, text: str) -> None:
        self._number += 1
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._sink.put(LogLine(seq=self._number, stream=stream, text=text, at=now))


def _pieces(line: bytes) -> list[str]:
    starts = range(0, max(len(line), 1), _MAX_LINE_BYTES)
    return [_text(line[start : start + _MAX_LINE_BYTES]) for start in starts]


def _text(data: bytes) -> str:
    # PostgreSQL cannot store the zero character in text.
    return data.removesuffix(b"\r").decode(errors="replace").replace("\0", "\ufffd")
