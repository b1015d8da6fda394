"""The styles `page` and `offset`: the next page's number follows from this one's."""

from automio._exceptions import InvalidReply
from automio._paging.answer import number_at
from automio._paging.state import End, Following, Page, Position


def by_number(page: Page) -> Position | End:
    """The next number. Raises InvalidReply when items are missing."""
    more, pagination = page.has_more, page.pagination
    if more is False:
        return End(is_certain=True)
    number = int(page.here.values.get(pagination.parameter_name, pagination.first_number))
    following = number + (1 if pagination.style == "page" else len(page.items))
    goes_on = Position({**page.here.values, pagination.parameter_name: following})
    left = _left(page, number)
    if left == 0:
        return End(is_certain=True)
    if more or (left is not None and left > 0):
        if not page.items and pagination.style == "offset":
            raise InvalidReply(
                f"The service says that the list goes on, but gave no items from {number} on; items may be missing."
            )
        return goes_on
    if not page.items:
        return End(is_certain=page.progress.items > 0)
    return End(is_certain=False) if left is None and page.is_short_end else goes_on


def _left(page: Page, number: int) -> int | None:
    """How many pages or items are still to come by the totals; negative when they are contradicted by what came."""
    pagination, progress = page.pagination, page.progress
    total_pages = number_at(pagination.total_pages, page.answer) if pagination.style == "page" else None
    if total_pages is not None:
        left = total_pages - (number - pagination.first_number + 1)
        return max(left, 0) if not page.items else left
    total = number_at(pagination.total, page.answer)
    if total is None:
        return None
    if pagination.style == "offset":
        return total - (number - pagination.first_number + len(page.items))
    # Of a walk that began in the middle it is not known how many items came before.
    began_at_first = number - pagination.first_number == progress.pages - 1
    return total - progress.items if began_at_first else None


def page_again(page: Page) -> Following:
    """The very items of the page before: the service clamps the number to the last page, or does not know it."""
    total, before = number_at(page.pagination.total, page.answer), page.progress
    if before.pages > 1 and not page.has_more and (total is None or total <= before.items):
        return Following((), None, before)
    raise InvalidReply(
        f"The page after {dict(page.here.values)} is that page again: the service does not go by "
        f"{page.pagination.parameter_name!r}, and items may be missing."
    )
