"""Reads the stream of a run: the lines of its log, its progress, its end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from automio._decode import as_object
from automio._exceptions import ConnectionFailed, InvalidReply
from automio._exchange import Request
from automio._json import decode_json
from automio._sse import ServerSentEvent, ServerSentEventParser


@dataclass(frozen=True)
class RunEvent:
    """Holds one event: `line` with the text of the log, or `progress` or `end` with an object."""

    kind: str
    text: str = ""
    data: dict[str, Any] | None = None


class RunEvents:
    """Yields the events of a run until it ends.

    A broken stream is resumed after the last line. Lines have ids; the other events come anew and may repeat.
    """

    is_finished = False

    def __init__(self, request: Request) -> None:
        self._request = request
        self._parser = ServerSentEventParser()
        self._last_event_id: str | None = None

    def next_request(self) -> Request:
        self._parser = ServerSentEventParser()
        if self._last_event_id is None:
            return self._request
        return replace(self._request, headers={**self._request.headers, "Last-Event-ID": self._last_event_id})

    def read(self, chunk: bytes) -> Iterator[RunEvent]:
        return self._events(self._parser.feed(chunk))

    def ended(self) -> Iterator[RunEvent]:
        """Raises ConnectionFailed: the stream of a run ends with the event `end`, before its body does.

        A restart and a proxy close the body in order, too. An event that has arrived in part comes again, whole.
        """
        raise ConnectionFailed("The stream of the run ended before the run did.")

    def can_resume(self) -> bool:
        return True

    def missing(self) -> str:
        return "The run continues on the platform."

    def _events(self, events: Sequence[ServerSentEvent]) -> Iterator[RunEvent]:
        for event in events:
            if event.name in ("progress", "end"):
                try:
                    data = as_object(decode_json(event.data))
                except ValueError as error:
                    raise InvalidReply(
                        f"The stream of the run holds {event.data[:80]!r}, which is not JSON."
                    ) from error
                self.is_finished = event.name == "end"
                yield RunEvent(event.name, data=data)
            elif event.name == "message":
                self._last_event_id = event.last_event_id
                yield RunEvent("line", text=event.data)
