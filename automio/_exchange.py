"""Describes network exchanges, separately from sending them.

A resource method returns one of these descriptions; `_sync_driver` and `_async_driver` run them. So building requests
and reading replies is written once for both clients.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Generic, Literal, Protocol, TypeVar

from automio._models import Page

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class FilePart:
    """Describes a file of a multipart body; an open file is read from its start at every attempt."""

    field: str
    filename: str | None
    content: bytes | BinaryIO
    content_type: str | None


@dataclass(frozen=True, kw_only=True)
class Request:
    """Describes one HTTP request to the platform or to its cache service.

    `path` is already percent-encoded. `content` is the JSON body; `form` and `files` make a multipart body instead.
    `repeatable` requests are safe to send twice, so they may be retried after the platform may have acted on them.
    """

    method: str
    path: str
    service: Literal["platform", "cache"] = "platform"
    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    form: Mapping[str, str] = field(default_factory=dict)
    files: tuple[FilePart, ...] = ()
    repeatable: bool = False
    timeout: float | None = None


@dataclass(frozen=True)
class Reply:
    """Describes a complete HTTP reply. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    request: Request

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-request-id")


@dataclass(frozen=True)
class Call(Generic[T]):
    """Describes a request, and the function that reads its reply."""

    request: Request
    read: Callable[[Reply], T]


@dataclass(frozen=True)
class RedisCommands(Generic[T]):
    """Describes commands for the Redis of local development, and the function that reads their replies.

    Without the server, `optional` commands are left out with one warning; others raise.
    """

    commands: tuple[tuple[str | bytes | int, ...], ...]
    read: Callable[[Sequence[Any]], T]
    optional: bool = False


Exchange = Call[T] | RedisCommands[T]


@dataclass(frozen=True)
class Pause:
    """Describes a step that waits for a number of seconds."""

    seconds: float


Steps = Generator[Exchange[Any] | Pause, Any, T]
"""Several exchanges in turn: each is yielded and its value sent back; the generator returns the result."""


class EventSource(Protocol[T_co]):
    """Represents a reply that arrives event by event, and how to resume it when the connection breaks."""

    def next_request(self) -> Request:
        """Returns the request that opens or resumes the stream."""

    def read(self, chunk: bytes) -> Iterable[T_co]:
        """Returns the items that are complete with this piece of the body."""

    @property
    def is_finished(self) -> bool:
        """Tells whether the last item has arrived; the rest of the body is not read."""

    def ended(self) -> Iterable[T_co]:
        """Returns the items that are complete at the end of the body; raises when the body ended too early."""

    def can_resume(self) -> bool:
        """Tells whether `next_request` can resume a broken stream without losing or repeating an effect."""

    def missing(self) -> str:
        """Returns a sentence for the error message about what has not arrived."""


@dataclass(frozen=True)
class Batch(Generic[T]):
    """Holds items of a list and the call for the next ones; `failure` says why more items cannot be fetched."""

    items: Sequence[T]
    next: "Call[Batch[T]] | None"
    failure: Exception | None = None


def numbered(page_of: Callable[[int], Call[Page[T]]], number: int = 1) -> Call[Batch[T]]:
    """Returns the call for a page of one of the platform's own lists, whose pages are numbered from 1."""
    call = page_of(number)

    def read(reply: Reply) -> Batch[T]:
        page = call.read(reply)
        has_more = page.next is not None and bool(page.results)
        return Batch(page.results, numbered(page_of, number + 1) if has_more else None)

    return Call(call.request, read)
