"""A walk of the client through the pages of one list: positions become calls, their answers items."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from automio._exceptions import CallFailed, InvalidReply
from automio._exchange import Batch, Call, Reply
from automio._integration_models import ApiResponse
from automio._pagination import Pagination
from automio._paging import Answer, Position, Progress, advance, is_end_status


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A place in a list, and how a place becomes a call."""

    pagination: Pagination
    call: Callable[[Position], Call[tuple[Any, ApiResponse]]]
    position: Position
    progress: Progress = field(default_factory=Progress)
    visited: set[str] = field(default_factory=set)
    """Every page that was asked for: a list that leads back to one of them would never end."""

    def page(self) -> Call[Batch[Any]]:
        """The call for the page at this place."""
        call = self.call(self.position)
        self.visited.add(repr(self.position))

        def read(reply: Reply) -> Batch[Any]:
            data, response = call.read(reply)
            if not response.ok and not is_end_status(self.pagination, response.status_code, self.progress.pages):
                raise CallFailed(response)
            following = advance(self.pagination, self.position, self.progress, _answer(data, response))
            if following.position is None:
                return Batch(following.items, None)
            if repr(following.position) in self.visited:
                raise InvalidReply(
                    f"The service's pages repeat: what follows {_shown(self.position)} was there before."
                )
            next_walk = replace(self, position=following.position, progress=following.progress)
            return Batch(following.items, next_walk.page())

        return Call(call.request, read)


def _answer(data: Any, response: ApiResponse) -> Answer:
    is_text_empty = response.text.strip() in ("", "null") and response.content_base64 is None
    is_empty = response.status_code == 204 or (data is None and is_text_empty)
    if data is None and not is_empty and response.ok:
        raise InvalidReply(f"The service did not answer JSON: {response.text[:100]!r}.")
    return Answer(
        status=response.status_code, headers=response.headers, data=data, is_empty=is_empty, url=response.url
    )


def _shown(position: Position) -> str:
    return position.url or str(dict(position.values))
