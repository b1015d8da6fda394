"""Implements the style `cursor`: a value from one answer is sent with the next request."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

from automio._exceptions import InvalidReply
from automio._paging.state import End, Page, Position
from automio._paths import ABSENT, at

_NUMBERS_OF_END = (0, -1, "0", "-1")


def by_cursor(page: Page) -> Position | End:
    """Returns the position of the next page, or the end; raises InvalidReply when the cursor is missing."""
    if page.has_more is False:
        return End(is_certain=True)
    if page.is_empty_end:
        return End(is_certain=page.progress.items > 0)
    pagination = page.pagination
    cursor = _in_answer(page) if pagination.last_item is None else _in_last_item(page, pagination.last_item)
    if isinstance(cursor, End):
        return cursor
    sent = {pagination.parameter_name: cursor}
    if pagination.continue_at is not None:
        return Position(sent, endpoint=pagination.continue_at)
    return Position({**page.here.values, **sent})


def _in_answer(page: Page) -> Any:
    pagination = page.pagination
    cursor = page.answer.value(pagination.next or "next")
    if cursor is True:
        raise InvalidReply(f"The value at {pagination.next or 'next'!r} is a flag, not a cursor: use `has_more`.")
    # Some services send 0 or -1 at the end; with a flag that announces more pages they are ordinary cursors.
    is_number_of_end = not isinstance(cursor, bool) and cursor in _NUMBERS_OF_END
    if cursor is not ABSENT and ((cursor and not is_number_of_end) or (is_number_of_end and page.has_more)):
        return _unwrapped(cursor, pagination.parameter_name)
    if page.has_more:
        raise InvalidReply("The service says that there are more pages, but sends no cursor for the next one.")
    if cursor is ABSENT and pagination.next is None and not page.progress.is_sign_known and page.items:
        raise InvalidReply(
            "The answer has no `next`, so it is unknown whether there are more pages. Name the path of the cursor: "
            "Pagination(next=…), or last_item=… when it is a field of the last item."
        )
    return End(is_certain=cursor is not ABSENT or pagination.omits_empty)


def _in_last_item(page: Page, path: str) -> Any:
    if page.has_more is None:
        if not page.items:
            return End(is_certain=page.progress.items > 0)
        # The path of a flag that was never seen may be wrong: without it, only a page that is not full ends the list.
        is_flag_left_out = page.pagination.has_more is not None and (
            page.progress.is_sign_known or not page.progress.is_size_kept
        )
        if is_flag_left_out or page.is_short_end:
            return End(is_certain=False)
    cursor = at(page.items[-1], path) if page.items else ABSENT
    if cursor is ABSENT or cursor is None or cursor == "":
        raise InvalidReply(f"There are more pages, but the last item has no value at {path!r}; items are missing.")
    return cursor


def _unwrapped(cursor: Any, parameter: str) -> Any:
    """Returns the cursor from the query of a URL, as some services send it; other cursors unchanged."""
    if isinstance(cursor, str) and cursor.startswith(("http://", "https://", "/", "?")):
        values = parse_qs(urlsplit(cursor).query, keep_blank_values=True).get(parameter)
        if values and len(values) == 1:
            return values[0]
    return cursor
