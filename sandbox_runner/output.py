"""What a jail writes, as log lines: three sources (ordered output, plain stdout, plain stderr), one sequence.

Reading stops while the log cannot take more, so that a script which prints faster than its lines can be stored is
slowed down by its own full pipe, not by our memory.
"""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from sandbox_runner.protocol import LogLine, Stream

_READ_BYTES = 64 * 1024
_READS_AT_ONCE = 64
_LONGEST_LINE = 16 * 1024
# Every line is a row in the end: a million empty ones are not nothing.
_LINE_COST = 16
_STREAMS: dict[int, Stream] = {1: "stdout", 2: "stderr"}


class LineSink(Protocol):
    """Takes log lines in order."""

    def put(self, line: LogLine) -> None:
        """Keeps one line; never blocks."""

    @property
    def is_full(self) -> bool:
        """Whether lines should wait now."""

    def on_room(self, resume: Callable[[], None]) -> None:
        """Calls `resume` once there is room again."""


class LineSplitter:
    """Cuts one stream's bytes into lines of text; overlong ones are cut into pieces of 16 KiB."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes."""
        *complete, rest = (self._rest + data).split(b"\n")
        lines = [piece for line in complete for piece in _pieces(line)]
        while len(rest) >= _LONGEST_LINE:
            lines.append(_text(rest[:_LONGEST_LINE]))
            rest = rest[_LONGEST_LINE:]
        self._rest = rest
        return lines

    def finish(self) -> list[str]:
        """What is left when the stream ends without a newline."""
        rest, self._rest = self._rest, b""
        return _pieces(rest) if rest else []


class RunOutput:
    """Reads one jail's output into a sink and counts it; `overflowed` is set once it is more than permitted."""

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
        """Starts reading the three descriptors, which stay their owner's."""
        self._sources = {framed: None, stdout: "stdout", stderr: "stderr"}
        for descriptor in self._sources:
            os.set_blocking(descriptor, False)
        self._resume()

    def system(self, text: str) -> None:
        """Adds lines of the runner's own."""
        for line in text.splitlines():
            self._emit("system", line)

    def finish(self) -> None:
        """The jail is gone: reads what is still in the pipes, ends unfinished lines, lets go of the descriptors."""
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
        """Reads once; False when there is nothing (now, or ever again)."""
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
            # One message is one write: a byte that names the stream, then text.
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
    starts = range(0, max(len(line), 1), _LONGEST_LINE)
    return [_text(line[start : start + _LONGEST_LINE]) for start in starts]


def _text(data: bytes) -> str:
    # PostgreSQL's text cannot hold the zero character.
    return data.removesuffix(b"\r").decode(errors="replace").replace("\0", "\ufffd")
