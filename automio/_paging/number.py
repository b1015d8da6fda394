"""The styles `page` and `offset`: the next page's number follows from this one's."""

from automio._exceptions import InvalidReply
from automio._pagination import Pagination
from automio._paging.answer import number_at
from automio._paging.state import End, Following, Page, Position, Progress


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


def is_from_first(pagination: Pagination, here: Position, progress: Progress) -> bool:
    """Whether the pages before the one at `here` began with the first one: then every item so far was seen."""
    number = int(here.values.get(pagination.parameter_name, pagination.first_number)) - pagination.first_number
    return number == (progress.pages if pagination.style == "page" else progress.items)


def is_another_of_equals(page: Page) -> bool:
    """Whether a page of the same items as the one before is another page of a list whose items are much alike.

    Then the service says that there is more. Raises InvalidReply when it may be either.
    """
    items, before = page.items, page.progress
    if len({repr(item) for item in items}) == len(items):
        return False
    total = number_at(page.pagination.total, page.answer)
    total_pages = number_at(page.pagination.total_pages, page.answer)
    if (total or 0) > before.items or (total_pages or 0) > before.pages:
        return True
    raise InvalidReply(
        f"The page at {dict(page.here.values)} has the very items of the one before, which are not told from each"
        " other: whether the list goes on is not known. Say where the total stands, of items or of pages."
    )


def page_again(page: Page) -> Following:
    """The very items of the page before: the service clamps the number to the last page, or does not know it."""
    total, before = number_at(page.pagination.total, page.answer), page.progress
    if before.pages > 1 and not page.has_more and (total is None or total <= before.items):
        return Following((), None, before)
    raise InvalidReply(
        f"The page after {dict(page.here.values)} is that page again: the service does not go by "
        f"{page.pagination.parameter_name!r}, and items may be missing."
    )
