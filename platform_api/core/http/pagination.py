"""Implements the contract's pagination: query `page` and `per_page`, links to the neighbouring pages."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.datastructures import URL

MAX_PER_PAGE = 100


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


def _page(
    request: Request,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    per_page: Annotated[int, Query(ge=1, le=MAX_PER_PAGE)] = 25,
) -> Page:
    return Page(page, per_page, request.url)


PageDep = Annotated[Page, Depends(_page)]
