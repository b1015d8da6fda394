"""Defines position and progress of a walk as plain values, so that they can be stored between two pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from automio._exceptions import InvalidReply
from automio._pagination import Pagination
from automio._paging.answer import Answer, has_more_by_flags


@dataclass(frozen=True)
class Position:
    """Holds the values to send for a page, in addition to the caller's own parameters.

    `url` is followed unchanged and `endpoint` gets only the cursor: both replace the caller's parameters.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    url: str | None = None
    endpoint: str | None = None

    @property
    def is_alone(self) -> bool:
        """Tells whether the caller's own parameters and body are not sent."""
        return self.url is not None or self.endpoint is not None


@dataclass(frozen=True)
class Progress:
    """Holds the counts and findings of a walk so far."""

    pages: int = 0
    items: int = 0
    empty_pages: int = 0
    is_size_kept: bool = False
    """True after a page with as many items as requested."""
    is_sign_known: bool = False
    """True once the cursor or flag was seen, so its path is right."""
    total: int | None = None
    total_pages: int | None = None
    is_total_changed: bool = False
    """True when a total changed between pages: the walk may have missed items that were moved."""
    last_page: str = ""
    """Digest of the last page's items."""


@dataclass(frozen=True)
class Following:
    """Holds the items of a page and the position of the next one; None at the end of the list.

    `is_certain` is true when the service said that the list ends here, and the walk cannot have missed a moved item.
    """

    items: Sequence[Any]
    position: Position | None
    progress: Progress
    is_certain: bool = False
    failure: InvalidReply | None = None
    """The reason why the walk cannot go on, although there may be more items."""


@dataclass(frozen=True)
class End:
    """Says that the list ends with this page; `is_certain` as in `Following`."""

    is_certain: bool


@dataclass(frozen=True)
class Page:
    """Describes a page as the styles see it; `progress` includes it.

    With `is_thorough`, a page that is not full does not count as the last one.
    """

    pagination: Pagination
    here: Position
    progress: Progress
    answer: Answer
    items: Sequence[Any]
    is_thorough: bool

    @property
    def has_more(self) -> bool | None:
        """Tells whether there are more pages by the flags; None without flags."""
        return has_more_by_flags(self.pagination, self.answer)

    @property
    def is_empty_end(self) -> bool:
        """Tells whether this is the last page because it has no items."""
        return self.pagination.empty_is_last and not self.items

    @property
    def is_short_end(self) -> bool:
        """Tells whether the page has fewer items than requested, and the service returned a full page before."""
        size = requested_size(self.pagination, self.here)
        is_short = size is not None and len(self.items) < size and self.progress.is_size_kept
        return is_short and not self.is_thorough


def requested_size(pagination: Pagination, here: Position) -> int | None:
    """Returns the page size that the request asked for; None when it did not."""
    size = here.values.get(pagination.size_parameter or "", pagination.size)
    try:
        return None if size is None else int(size)
    except (TypeError, ValueError):
        return None
