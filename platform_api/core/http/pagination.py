"""Implements the pagination of lists: the contract's query `page` and `per_page`, or `cursor` and `limit`.

Numbered pages are counted, and existing clients rely on that. `cursor` and `limit` read a list of any length part by
part without a count (`platform_api/core/paging.py`). Both answer the contract's envelope.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field, StringConstraints
from starlette.datastructures import URL

from platform_api.core.errors import Unprocessable
from platform_api.core.paging import MAX_CURSOR_CHARS, MAX_SEARCH_CHARS, AfterCursor, NumberedPage, Part, Window

MAX_PER_PAGE = 100
DEFAULT_LIMIT = 50


class Envelope(BaseModel):
    """Holds what surrounds the `results` of a list: the contract's links, and the cursor of the next part."""

    count: int | None = Field(description="The length of the list; null when it is read by `cursor` and `limit`")
    next: str | None = Field(description="The URL of the next part; null on the last one")
    previous: str | None = Field(description="The URL of the page before; null when read by `cursor` and `limit`")
    next_cursor: str | None = Field(default=None, description="`cursor` of the next part; null on the last one")


class Links(TypedDict):
    """Holds the fields of an `Envelope` besides its results."""

    count: int | None
    next: str | None
    previous: str | None
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Holds which page of a list is requested; pages count from 1."""

    page: int
    per_page: int
    url: URL

    @property
    def offset(self) -> int:
        """Returns how many items come before this page."""
        return (self.page - 1) * self.per_page

    def next_url(self, count: int) -> str | None:
        """Returns the URL of the page after this one of `count` items; None on the last."""
        return self._url(self.page + 1) if self.offset + self.per_page < count else None

    def previous_url(self) -> str | None:
        """Returns the URL of the page before this one; None on the first."""
        return self._url(self.page - 1) if self.page > 1 else None

    def _url(self, page: int) -> str:
        return str(self.url.include_query_params(page=page, per_page=self.per_page))


@dataclass(frozen=True, slots=True)
class Listing:
    """Holds which part of a list is requested, and builds the links of the answer."""

    window: Window
    url: URL

    def links(self, part: Part[Any]) -> Links:
        """Returns the envelope around the items of `part`."""
        if isinstance(self.window, NumberedPage):
            page, count = Page(self.window.page, self.window.per_page, self.url), part.count or 0
            return Links(
                count=count, next=page.next_url(count), previous=page.previous_url(), next_cursor=part.next_cursor
            )
        url = None
        if part.next_cursor is not None:
            url = str(self.url.include_query_params(cursor=part.next_cursor, limit=self.window.limit))
        return Links(count=None, next=url, previous=None, next_cursor=part.next_cursor)


_PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]
_PerPage = Annotated[int, Query(ge=1, le=MAX_PER_PAGE)]
_Cursor = Annotated[
    str | None,
    Query(max_length=MAX_CURSOR_CHARS, description="`next_cursor` of the part before; empty: the first part"),
]
_Limit = Annotated[int, Query(ge=1, le=MAX_PER_PAGE, description="How many items, with `cursor`; no count is made")]


def link_to_next(request: Request, part: Part[Any]) -> dict[str, str]:
    """Returns the header `Link` (RFC 8288) with the URL of the next part, for lists that answer plain arrays."""
    if part.next_cursor is None:
        return {}
    url = request.url.include_query_params(cursor=part.next_cursor)
    return {"Link": f'<{url}>; rel="next"'}


def _page(request: Request, page: _PageNumber = 1, per_page: _PerPage = 25) -> Page:
    return Page(page, per_page, request.url)


def _part(request: Request, cursor: _Cursor = None, limit: _Limit = DEFAULT_LIMIT) -> Listing:
    return Listing(AfterCursor(limit, cursor or None), request.url)


def _whole_or_part(request: Request, cursor: _Cursor = None, limit: _Limit = DEFAULT_LIMIT) -> Window | None:
    return AfterCursor(limit, cursor or None) if request.query_params.keys() & {"cursor", "limit"} else None


def _listing(
    request: Request,
    page: _PageNumber = 1,
    per_page: _PerPage = 25,
    cursor: _Cursor = None,
    limit: _Limit = DEFAULT_LIMIT,
) -> Listing:
    query = request.query_params.keys()
    if query & {"cursor", "limit"}:
        if query & {"page", "per_page"}:
            raise Unprocessable("`page` and `per_page` cannot be combined with `cursor` and `limit`; send one kind")
        return Listing(AfterCursor(limit, cursor or None), request.url)
    return Listing(NumberedPage(page, per_page), request.url)


PageDep = Annotated[Page, Depends(_page)]
"""For lists that only know numbered pages."""
ListingDep = Annotated[Listing, Depends(_listing)]
"""For lists that the contract numbers: `page` and `per_page`, or `cursor` and `limit`; both kinds at once are 422."""
PartDep = Annotated[Listing, Depends(_part)]
"""For lists that are read by `cursor` and `limit` only."""
WholeOrPartDep = Annotated[Window | None, Depends(_whole_or_part)]
"""For lists that the contract returns whole: None, unless `cursor` or `limit` asks for a part."""

SearchQuery = Annotated[
    Annotated[str, StringConstraints(max_length=MAX_SEARCH_CHARS, pattern=r"^[^\x00]*$")] | None,
    Query(description="Only items whose name (or slug, e-mail …) contains this, whatever the case of letters"),
]
NamedOrder = Literal["created_at", "-created_at", "name", "-name", "updated_at", "-updated_at"]
"""Lists the orders of things with a name; `-` is descending."""
