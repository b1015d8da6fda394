"""Parses server-sent events from pieces of a body.

Lines end at LF, CR or CR LF and nowhere else: splitting text with `str.splitlines` would also cut at U+2028 and
U+0085 inside a line. A line is decoded as UTF-8 only when it is complete, whatever charset the header names or omits.
"""

from dataclasses import dataclass

from automio._exceptions import InvalidReply

_MAX_LINE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class ServerSentEvent:
    """Describes the data and the name of an event, and the last event id of the stream."""

    data: str
    last_event_id: str | None
    name: str = "message"


class ServerSentEventParser:
    """Collects pieces of a body and returns the events that are complete."""

    def __init__(self) -> None:
        self.last_event_id: str | None = None
        self._rest = bytearray()
        self._data: list[str] = []
        self._name = ""
        self._skips_line_feed = False

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Adds a piece of the body and returns the events that are now complete, in order."""
        events: list[ServerSentEvent] = []
        for line in self._lines(chunk):
            if line:
                self._take_field(line)
            else:
                if self._data:
                    events.append(ServerSentEvent("\n".join(self._data), self.last_event_id, self._name or "message"))
                    self._data.clear()
                self._name = ""
        return events

    def finish(self) -> list[ServerSentEvent]:
        """Returns the last event, if the body ended without the blank line after it."""
        return self.feed(b"\n\n")

    def _lines(self, chunk: bytes) -> list[bytes]:
        if self._skips_line_feed and chunk:
            chunk = chunk[1:] if chunk.startswith(b"\n") else chunk
            self._skips_line_feed = False
        self._rest += chunk
        if len(self._rest) > _MAX_LINE_BYTES:
            raise InvalidReply(f"An event of the stream is longer than {_MAX_LINE_BYTES} bytes.")
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
        elif name == b"event":
            self._name = value.decode(errors="replace")
        elif name == b"id" and b"\0" not in value:
            self.last_event_id = value.decode(errors="replace")
