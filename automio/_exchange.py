"""What a client method wants from the network, described without doing any of it.

A resource method returns one of these descriptions; `_sync_driver` and `_async_driver` carry them out. So request
building and reply reading exist once for both worlds.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Generic, Literal, Protocol, TypeVar

from automio._models import Page

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class FilePart:
    """A file of a multipart body; an open file is read from its start on every attempt."""

    field: str
    filename: str | None
    content: bytes | BinaryIO
    content_type: str | None


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request to the platform or to its cache service.

    `path` is already percent-encoded. `content` is the JSON body; `form` and `files` make a multipart body instead.
    `repeatable`: sending it twice does no harm, so it may be retried after it was possibly acted upon.
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
    """A complete HTTP reply. Header names are in lower case."""

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
    """One request, and how its reply becomes a value."""

    request: Request
    read: Callable[[Reply], T]


@dataclass(frozen=True)
class RedisCommands(Generic[T]):
    """Commands for the Redis of local development, sent in one go, and how their replies become a value."""

    commands: tuple[tuple[str | bytes | int, ...], ...]
    read: Callable[[Sequence[Any]], T]


Exchange = Call[T] | RedisCommands[T]


@dataclass(frozen=True)
class Pause:
    """A step that only waits, for so many seconds."""

    seconds: float


Steps = Generator[Exchange[Any] | Pause, Any, T]
"""Several exchanges in turn: each is yielded, its value sent back, the last value returned."""


class EventSource(Protocol[T_co]):
    """A reply that arrives event by event, and what to do when it breaks off."""

    def next_request(self) -> Request:
        """The request that opens, or takes up again, the stream."""

    def read(self, chunk: bytes) -> Iterable[T_co]:
        """The items that this piece of the body completes."""

    @property
    def is_finished(self) -> bool:
        """Whether the last item was seen; what follows is not read."""

    def ended(self) -> Iterable[T_co]:
        """The items that the orderly end of the body completes; raises when it came too early."""

    def can_resume(self) -> bool:
        """Whether `next_request` continues a broken stream without losing or repeating an effect."""

    def missing(self) -> str:
        """A sentence about what has not come, for the message when it does not."""


@dataclass(frozen=True)
class Batch(Generic[T]):
    """Some items of a list, and the call for those that follow; `failure`: why none can, though there may be more."""

    items: Sequence[T]
    next: "Call[Batch[T]] | None"
    failure: Exception | None = None


def numbered(page_of: Callable[[int], Call[Page[T]]], number: int = 1) -> Call[Batch[T]]:
    """The platform's own lists: pages with numbers, from 1."""
    call = page_of(number)

    def read(reply: Reply) -> Batch[T]:
        page = call.read(reply)
        has_more = page.next is not None and bool(page.results)
        return Batch(page.results, numbered(page_of, number + 1) if has_more else None)

    return Call(call.request, read)
