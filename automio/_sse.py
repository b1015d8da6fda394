"""Server-sent events from pieces of a body.

Lines end at LF, CR or CR LF and nowhere else: splitting text with `str.splitlines` would also cut at U+2028 and
U+0085 inside a line. A line is decoded as UTF-8 only when it is complete, whatever charset the header names or omits.
"""

from dataclasses import dataclass

from automio._exceptions import InvalidReply

_LONGEST_LINE = 64 * 1024 * 1024


@dataclass(frozen=True)
class ServerSentEvent:
    """The data of one event, and the last id seen on the stream."""

    data: str
    last_event_id: str | None


class ServerSentEventParser:
    """Feed it pieces of a body, get the events they complete."""

    def __init__(self) -> None:
        self.last_event_id: str | None = None
        self._rest = bytearray()
        self._data: list[str] = []
        self._skips_line_feed = False

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes, in order."""
        events: list[ServerSentEvent] = []
        for line in self._lines(chunk):
            if line:
                self._take_field(line)
            elif self._data:
                events.append(ServerSentEvent("\n".join(self._data), self.last_event_id))
                self._data.clear()
        return events

    def finish(self) -> list[ServerSentEvent]:
        """The event that an orderly end of the body leaves without its blank line, if any."""
        return self.feed(b"\n\n")

    def _lines(self, chunk: bytes) -> list[bytes]:
        if self._skips_line_feed and chunk:
            chunk = chunk[1:] if chunk.startswith(b"\n") else chunk
            self._skips_line_feed = False
        self._rest += chunk
        if len(self._rest) > _LONGEST_LINE:
            raise InvalidReply(f"An event of the stream is longer than {_LONGEST_LINE} bytes.")
        if b"\n" not in chunk and b"\r" not in chunk:
            return []
        # A CR at the very end is a line end already; the LF that may follow it in the next piece is skipped.
        self._skips_line_feed = self._rest.endswith(b"\r")
        lines = bytes(self._rest).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = bytearray(lines.pop())
        return lines

    def _take_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value.decode(errors="replace"))
        elif name == b"id" and b"\0" not in value:
            self.last_event_id = value.decode(errors="replace")
