"""Where a walk stands and what it has seen: plain values, so that they can be stored between two pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from automio._exceptions import InvalidReply
from automio._pagination import Pagination
from automio._paging.answer import Answer, told_more


@dataclass(frozen=True)
class Position:
    """What is sent for a page beside the caller's own parameters.

    `url` is followed as it stands, without them; at `endpoint` a cursor stands for them.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    url: str | None = None
    endpoint: str | None = None

    @property
    def is_alone(self) -> bool:
        """Whether the caller's own parameters and body are not sent with it."""
        return self.url is not None or self.endpoint is not None


@dataclass(frozen=True)
class Progress:
    """What a walk has seen so far: plain values, so that it can be stored between two pages."""

    pages: int = 0
    items: int = 0
    empty_pages: int = 0
    is_size_kept: bool = False
    """A page had as many items as were asked for."""
    is_sign_known: bool = False
    """The cursor or flag was seen, so it stands where it is looked for."""
    total: int | None = None
    total_pages: int | None = None
    is_total_changed: bool = False
    """One of the totals is not what it was on an earlier page: items may have been moved past the walk."""
    last_page: str = ""
    """A digest of the last page's items."""


@dataclass(frozen=True)
class Following:
    """The items of a page, and where the next one is; None at the end of the list.

    `is_certain`: the service said that the list ends here, and no item can have been moved past the walk.
    """

    items: Sequence[Any]
    position: Position | None
    progress: Progress
    is_certain: bool = False
    failure: InvalidReply | None = None
    """Why the list cannot be followed further, though more items may be there."""


@dataclass(frozen=True)
class End:
    """The list ends with the page at hand; `is_certain` as in `Following`."""

    is_certain: bool


@dataclass(frozen=True)
class Page:
    """A page as the styles look at it: `progress` has it counted already.

    `is_thorough`: a page that is not full is not taken for the last one.
    """

    pagination: Pagination
    here: Position
    progress: Progress
    answer: Answer
    items: Sequence[Any]
    is_thorough: bool

    @property
    def has_more(self) -> bool | None:
        """What the flags say; None when there are none."""
        return told_more(self.pagination, self.answer)

    @property
    def is_empty_end(self) -> bool:
        """Whether it is the last one because it has no items."""
        return self.pagination.empty_is_last and not self.items

    @property
    def is_short_end(self) -> bool:
        """Whether it has fewer items than were asked for, of a service that has shown that it gives as many."""
        size = size_asked(self.pagination, self.here)
        is_short = size is not None and len(self.items) < size and self.progress.is_size_kept
        return is_short and not self.is_thorough


def size_asked(pagination: Pagination, here: Position) -> int | None:
    """How many items the request for a page asked for, when it did."""
    asked = here.values.get(pagination.size_parameter or "", pagination.size)
    try:
        return None if asked is None else int(asked)
    except (TypeError, ValueError):
        return None
