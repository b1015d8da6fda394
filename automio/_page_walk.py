"""Walks through the pages of one list: a position becomes a call, its answer becomes items."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from automio._exceptions import CallFailed, InvalidReply
from automio._exchange import Batch, Call, Reply
from automio._integration_models import ApiResponse
from automio._pagination import Pagination
from automio._paging.answer import Answer
from automio._paging.state import Position, Progress
from automio._paging.walk import advance, is_end_status


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Holds the current position in a list, and the function that makes a call of a position."""

    pagination: Pagination
    call: Callable[[Position], Call[tuple[Any, ApiResponse]]]
    position: Position
    progress: Progress = field(default_factory=Progress)
    visited: set[bytes] = field(default_factory=set)
    """Digests of all requested pages: a list that leads back to one of them would never end."""

    def page(self) -> Call[Batch[Any]]:
        """Returns the call for the page at this position."""
        call = self.call(self.position)
        self.visited.add(_digest(self.position))

        def read(reply: Reply) -> Batch[Any]:
            data, response = call.read(reply)
            status = response.status_code
            if not 200 <= status < 300 and not is_end_status(self.pagination, status, self.progress.pages):
                raise CallFailed(response)
            answer = Answer.of(
                status=status,
                headers=response.headers,
                data=data,
                text=response.text,
                is_binary=response.content_base64 is not None,
                url=response.url,
            )
            following = advance(self.pagination, self.position, self.progress, answer)
            if following.position is None:
                return Batch(following.items, None, following.failure)
            if _digest(following.position) in self.visited:
                # The items that arrived are yielded before the walk fails.
                return Batch(
                    following.items,
                    None,
                    InvalidReply(
                        f"The service's pages repeat: the page after {_shown(self.position)} was already read."
                    ),
                )
            next_walk = replace(self, position=following.position, progress=following.progress)
            return Batch(following.items, next_walk.page())

        return Call(call.request, read)


def _shown(position: Position) -> str:
    return position.url or str(dict(position.values))


def _digest(position: Position) -> bytes:
    return blake2b(repr(position).encode("utf-8", "surrogatepass"), digest_size=16).digest()
