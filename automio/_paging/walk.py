"""Starts a walk through the pages of a list and advances it by each answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from automio._exceptions import InvalidReply
from automio._pagination import Pagination
from automio._paging.answer import Answer, items_of, number_at, told_error
from automio._paging.cursor import by_cursor
from automio._paging.link import by_link
from automio._paging.number import by_number, is_another_of_equals, is_from_first, page_again
from automio._paging.state import End, Following, Page, Position, Progress, requested_size
from automio._paths import ABSENT, at

MAX_EMPTY_PAGES = 20
"""Number of consecutive pages without items after which a walk fails instead of going on for ever."""

_STYLES: Mapping[str, Callable[[Page], Position | End]] = {
    "link": by_link,
    "cursor": by_cursor,
    "page": by_number,
    "offset": by_number,
}


def begin(pagination: Pagination, parameters: Mapping[str, Any], *, is_body: bool = False) -> Position:
    """Returns the position of the first page.

    `parameters` are the caller's parameters or body; their page size, page or offset is used. Raises ValueError when
    that page or offset is not a number.
    """

    def value_of(name: str, default: Any) -> Any:
        value = at(parameters, name) if is_body else parameters.get(name, ABSENT)
        return default if value is ABSENT or value is None else value

    values: dict[str, Any] = {}
    if pagination.size_parameter and pagination.size:
        values[pagination.size_parameter] = value_of(pagination.size_parameter, pagination.size)
    if pagination.style in ("page", "offset"):
        name, first = pagination.parameter_name, pagination.first_number
        start = value_of(name, None)
        if start is not None or pagination.style == "page" or pagination.first is not None:
            values[name] = first if start is None else int(start)
    return Position(values)


def is_end_status(pagination: Pagination, status: int, pages: int) -> bool:
    """Tells whether an error status after this number of pages only means that the last page was passed."""
    if pages == 0:
        return False
    # 416: the requested range lies beyond the last item (RFC 9110 §15.5.17).
    return status in pagination.end_statuses or (status == 416 and pagination.style in ("page", "offset"))


def advance(
    pagination: Pagination, here: Position, progress: Progress, answer: Answer, *, is_thorough: bool = False
) -> Following:
    """Returns the items of the answer to `here` and the next position; raises InvalidReply when it has no items.

    With `is_thorough`, a page that is not full does not count as the last one.
    """
    is_numbered = pagination.style in ("page", "offset")
    if answer.is_empty or not 200 <= answer.status < 300:
        return _end_without_body(pagination, here, progress, answer)
    items, is_listed = items_of(pagination, answer)
    if not items and (error := told_error(answer.data)) is not None:
        raise InvalidReply(f"The service answered status {answer.status} with an error in place of items: {error}.")
    digest = _digest(items) if is_numbered and items else ""
    page = Page(pagination, here, progress, answer, items, is_thorough)
    if digest and digest == progress.last_page and not is_another_of_equals(page):
        return page_again(page)
    progress = _advanced_progress(page, digest)
    page = replace(page, progress=progress)
    try:
        step = _STYLES[pagination.style](page)
    except InvalidReply as error:
        return Following(items, None, progress, failure=error)
    if isinstance(step, End):
        return Following(items, None, progress, step.is_certain and is_listed and not progress.is_total_changed)
    if progress.empty_pages >= MAX_EMPTY_PAGES:
        raise InvalidReply(
            f"{MAX_EMPTY_PAGES} pages in a row had no items, and the service still announces a next one; items may"
            " be missing."
        )
    return Following(items, step, progress)


def _end_without_body(pagination: Pagination, here: Position, progress: Progress, answer: Answer) -> Following:
    """Returns the end of a list whose page is missing or has no body; raises InvalidReply when items are missing."""
    is_numbered = pagination.style in ("page", "offset")
    total = None if progress.is_total_changed else progress.total
    if is_numbered and total is not None and progress.items < total and is_from_first(pagination, here, progress):
        raise InvalidReply(
            f"The service announced {total} items, but answered with status {answer.status} and without items after"
            f" {progress.items} of them; items are missing."
        )
    is_certain = is_numbered and progress.items > 0 and answer.status != 200
    return Following((), None, progress, is_certain and not progress.is_total_changed)


def _advanced_progress(page: Page, digest: str) -> Progress:
    pagination, progress, answer, items = page.pagination, page.progress, page.answer, page.items
    size = requested_size(pagination, page.here)
    signs = [answer.value(place) for place in (pagination.has_more, pagination.is_last)]
    if pagination.style == "cursor" and pagination.last_item is None:
        signs.append(answer.value(pagination.next or "next"))
    totals = [(progress.total, number_at(pagination.total, answer))]
    totals.append((progress.total_pages, number_at(pagination.total_pages, answer)))
    first_total, first_total_pages = (now if before is None else before for before, now in totals)
    is_changed = any(before is not None and now is not None and before != now for before, now in totals)
    return replace(
        progress,
        pages=progress.pages + 1,
        items=progress.items + len(items),
        empty_pages=0 if items else progress.empty_pages + 1,
        is_size_kept=progress.is_size_kept or (size is not None and len(items) >= size),
        is_sign_known=progress.is_sign_known or any(sign is not ABSENT for sign in signs),
        total=first_total,
        total_pages=first_total_pages,
        is_total_changed=progress.is_total_changed or is_changed,
        last_page=digest,
    )


def _digest(items: Sequence[Any]) -> str:
    return blake2b(repr(items).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
