"""Reads the two streams of the platform: a run's log lines and the answers of a parallel call."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from automio._decode import as_integer, as_object
from automio._exceptions import InvalidReply, StreamInterrupted
from automio._exchange import Request
from automio._integration_models import ParallelCallResponse, StreamedAnswer
from automio._json import decode_json
from automio._sse import ServerSentEvent, ServerSentEventParser


class LogLines:
    """Reads the log lines of a run; they end when the platform closes the stream.

    A broken stream is resumed with `Last-Event-ID`. If the platform does not number its events, the whole log is
    requested again and the lines that were delivered before are dropped.
    """

    is_finished = False

    def __init__(self, request: Request, *, skips_existing: bool) -> None:
        self._request = request
        self._skips_existing = skips_existing
        self._parser = ServerSentEventParser()
        self._delivered = 0
        self._to_drop = 0

    def next_request(self) -> Request:
        last_event_id, self._parser = self._parser.last_event_id, ServerSentEventParser()
        if last_event_id is not None:
            self._parser.last_event_id = last_event_id
            return replace(self._request, headers={**self._request.headers, "Last-Event-ID": last_event_id})
        self._to_drop = self._delivered
        return self._request

    def read(self, chunk: bytes) -> Iterator[str]:
        return self._lines(self._parser.feed(chunk))

    def ended(self) -> Iterator[str]:
        """Yields the last line; the end of the body is the end of the run, there is no other marker."""
        return self._lines(self._parser.finish())

    def can_resume(self) -> bool:
        return self._parser.last_event_id is not None or not self._skips_existing

    def missing(self) -> str:
        return f"{self._delivered} lines have arrived."

    def _lines(self, events: Sequence[ServerSentEvent]) -> Iterator[str]:
        for event in events:
            line = event.data.strip()
            if not line:
                continue
            if self._to_drop:
                self._to_drop -= 1
                continue
            self._delivered += 1
            yield line


class ParallelAnswers:
    """Reads the answers of a parallel call as they arrive, then a final item.

    When the stream breaks, unanswered requests are sent again if that is safe; otherwise StreamInterrupted lists
    them.
    """

    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        *,
        request_for: Callable[[Sequence[Mapping[str, Any]]], Request],
        on_answer: Callable[[ParallelCallResponse], None],
    ) -> None:
        self._items = items
        self._request_for = request_for
        self._on_answer = on_answer
        self._open = dict.fromkeys(range(len(items)))
        self._requested: list[int] = []
        self._parser = ServerSentEventParser()
        self._is_repeatable = False
        self.is_finished = False

    def next_request(self) -> Request:
        self._parser = ServerSentEventParser()
        self._requested = list(self._open)
        request = self._request_for([self._items[index] for index in self._requested])
        self._is_repeatable = request.repeatable
        return request

    def read(self, chunk: bytes) -> Iterator[StreamedAnswer]:
        return self._answers(self._parser.feed(chunk))

    def ended(self) -> Iterator[StreamedAnswer]:
        yield from self._answers(self._parser.finish())
        if not self.is_finished:
            raise StreamInterrupted(f"The stream of answers ended before its last event. {self.missing()}")

    def can_resume(self) -> bool:
        return self._is_repeatable

    def missing(self) -> str:
        indexes = _shortened(list(self._open))
        return f"{len(self._open)} of {len(self._items)} requests have no answer yet: indexes {indexes}."

    def _answers(self, events: Sequence[ServerSentEvent]) -> Iterator[StreamedAnswer]:
        for event in events:
            if (item := self._item(event)) is not None:
                yield item

    def _item(self, event: ServerSentEvent) -> StreamedAnswer | None:
        try:
            payload = as_object(decode_json(event.data))
        except ValueError as error:
            raise InvalidReply(f"The stream of answers holds {event.data[:80]!r}, which is not JSON.") from error
        if payload.get("completed") is True:
            self.is_finished = True
            return StreamedAnswer(final=True, total_processed=len(self._items) - len(self._open))
        if "response" not in payload:
            return None
        return self._answer(payload)

    def _answer(self, payload: Mapping[str, Any]) -> StreamedAnswer:
        position = as_integer(payload.get("index"))
        if position is None or not 0 <= position < len(self._requested):
            raise InvalidReply(f"The stream of answers holds an answer for request {payload.get('index')!r}.")
        index = self._requested[position]
        self._open.pop(index, None)
        ids = {name: payload.get(name) for name in ("connection_id", "organization_id")}
        answer = ParallelCallResponse.from_wire({**as_object(payload["response"]), **ids})
        self._on_answer(answer)
        return StreamedAnswer(
            data=answer.api_data,
            response=answer.api_response,
            index=index,
            total=len(self._items),
            connection_id=answer.connection_id,
            organization_id=answer.organization_id,
        )


def _shortened(indexes: list[int]) -> str:
    return ", ".join(map(str, indexes[:20])) + (" …" if len(indexes) > 20 else "")
