"""Sends server-sent events as every client reads them: the charset named, comments that keep a silent stream open."""

from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent

KEEP_ALIVE_SECONDS = 15


def event_stream(events: AsyncIterator[ServerSentEvent]) -> EventSourceResponse:
    """Returns the response that sends `events`, one chunk each."""
    return EventSourceResponse(
        events,
        ping=KEEP_ALIVE_SECONDS,
        ping_message_factory=lambda: ServerSentEvent(comment="keep-alive", sep="\n"),
        sep="\n",
        # Without a charset clients read `text/*` as Latin-1.
        headers={"Cache-Control": "no-store", "Content-Type": "text/event-stream; charset=utf-8"},
    )
