"""Implements the styles `page` and `offset`: the next number follows from this page's."""

from automio._exceptions import InvalidReply
from automio._pagination import Pagination
from automio._paging.answer import number_at
from automio._paging.state import End, Following, Page, Position, Progress


def by_number(page: Page) -> Position | End:
    """Returns the position with the next number, or the end; raises InvalidReply when items are missing."""
    more, pagination = page.has_more, page.pagination
    if more is False:
        return End(is_certain=True)
    number = int(page.here.values.get(pagination.parameter_name, pagination.first_number))
    following = number + (1 if pagination.style == "page" else len(page.items))
    next_position = Position({**page.here.values, pagination.parameter_name: following})
    remaining = _remaining(page, number)
    if remaining == 0:
        return End(is_certain=True)
    if more or (remaining is not None and remaining > 0):
        if not page.items and pagination.style == "offset":
            raise InvalidReply(
                f"The service says that there are more, but sent no items from {number} on; items may be missing."
            )
        return next_position
    if not page.items:
        return End(is_certain=page.progress.items > 0)
    return End(is_certain=False) if remaining is None and page.is_short_end else next_position


def _remaining(page: Page, number: int) -> int | None:
    """Returns the number of remaining pages or items by the totals; negative when more arrived than they announce."""
    pagination, progress = page.pagination, page.progress
    total_pages = number_at(pagination.total_pages, page.answer) if pagination.style == "page" else None
    if total_pages is not None:
        remaining = total_pages - (number - pagination.first_number + 1)
        return max(remaining, 0) if not page.items else remaining
    total = number_at(pagination.total, page.answer)
    if total is None:
        return None
    if pagination.style == "offset":
        return total - (number - pagination.first_number + len(page.items))
    # When the walk did not start at the first page, the number of items before it is unknown.
    began_at_first = number - pagination.first_number == progress.pages - 1
    return total - progress.items if began_at_first else None


def is_from_first(pagination: Pagination, here: Position, progress: Progress) -> bool:
    """Tells whether the walk started at the first page, so that every item before `here` was read."""
    number = int(here.values.get(pagination.parameter_name, pagination.first_number)) - pagination.first_number
    return number == (progress.pages if pagination.style == "page" else progress.items)


def is_another_of_equals(page: Page) -> bool:
    """Tells whether a page with the same items as the one before is a new page of a list with equal items.

    It is when the totals announce more. Raises InvalidReply when it could also be the same page again.
    """
    items, before = page.items, page.progress
    if len({repr(item) for item in items}) == len(items):
        return False
    total = number_at(page.pagination.total, page.answer)
    total_pages = number_at(page.pagination.total_pages, page.answer)
    if (total or 0) > before.items or (total_pages or 0) > before.pages:
        return True
    raise InvalidReply(
        f"The page at {dict(page.here.values)} has the same items as the one before, and some of them are equal, so"
        " it is unknown whether it is a new page. Name the path of the total number of items or pages (total=…)."
    )


def page_again(page: Page) -> Following:
    """Returns the end after a repeated page: the service clamps the number to the last page, or ignores it."""
    total, before = number_at(page.pagination.total, page.answer), page.progress
    if before.pages > 1 and not page.has_more and (total is None or total <= before.items):
        return Following((), None, before)
    raise InvalidReply(
        f"The page after {dict(page.here.values)} is the same page again: the service ignores "
        f"{page.pagination.parameter_name!r}, and items may be missing."
    )
