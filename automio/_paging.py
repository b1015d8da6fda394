"""From one page of a list to the next, in every style that `Pagination` knows.

A walk ends only where the service says so, or where nothing can have been missed; where items may be missing it ends
with InvalidReply. Whether the service *said* that the list has ended is told apart (`is_certain`): only then may what
was not in it be taken for gone.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from automio._exceptions import InvalidReply
from automio._link_header import links_of, next_link
from automio._pagination import Pagination
from automio._paths import ABSENT, all_at, at, has_wildcards

MAX_EMPTY_PAGES = 20
"""Pages without items, one after another, after which a walk ends: nobody knows how many are to come."""
_FALSE = frozenset({"", "false", "0", "no", "n", "off", "null", "none"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A successful answer of the service, as far as paging goes. `url` is where it came from, without its query."""

    status: int
    headers: Mapping[str, str]
    data: Any
    is_empty: bool
    """There is no body."""
    url: str

    @classmethod
    def of(
        cls, *, status: int, headers: Mapping[str, str], data: Any, text: str, is_binary: bool, url: str
    ) -> "Answer":
        """An answer by its parsed body (`data`) and its text. Raises InvalidReply for a body that is not JSON."""
        is_empty = status == 204 or (data is None and not is_binary and text.strip() in ("", "null"))
        if data is None and not is_empty and 200 <= status < 300:
            raise InvalidReply(f"The service did not answer JSON: {text[:100]!r}.")
        return cls(status=status, headers=headers, data=data, is_empty=is_empty, url=url)

    def value(self, place: str | None) -> Any:
        """What stands at a path, or in `header:<name>`; ABSENT when nothing does."""
        if place is None:
            return ABSENT
        kind, colon, name = place.partition(":")
        if not colon or kind.lower() != "header":
            return at(self.data, place)
        name = name.strip().lower()
        return next((text for header, text in self.headers.items() if header.lower() == name), ABSENT)


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
    is_total_changed: bool = False
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


@dataclass(frozen=True)
class _End:
    is_certain: bool


def begin(pagination: Pagination, given: Mapping[str, Any], *, is_body: bool = False) -> Position:
    """The place of the first page. `given` are the caller's parameters or body: what stands there is kept.

    ValueError when the caller's page or offset is no number.
    """

    def value_of(name: str, default: Any) -> Any:
        found = at(given, name) if is_body else given.get(name, ABSENT)
        return default if found is ABSENT or found is None else found

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
    """Whether an error status, after so many pages, only says that the last page was passed."""
    if pages == 0:
        return False
    # 416: the range of items that was asked for lies beyond the last one (RFC 9110 §15.5.17).
    return status in pagination.end_statuses or (status == 416 and pagination.style in ("page", "offset"))


def advance(
    pagination: Pagination, here: Position, progress: Progress, answer: Answer, *, is_thorough: bool = False
) -> Following:
    """What follows from the answer to `here`. Raises InvalidReply when how the list goes on cannot be told.

    `is_thorough`: a page that is not full is not taken for the last one.
    """
    is_numbered = pagination.style in ("page", "offset")
    if answer.is_empty or not 200 <= answer.status < 300:
        is_certain = is_numbered and progress.items > 0 and answer.status != 200
        return Following((), None, progress, is_certain and not progress.is_total_changed)
    items, is_listed = _items(pagination, answer)
    digest = _digest(items) if is_numbered and items else ""
    if digest and digest == progress.last_page:
        return _page_again(pagination, here, progress, answer)
    seen = _seen(pagination, here, progress, answer, items, digest)
    match pagination.style:
        case "link":
            step = _by_link(pagination, seen, answer, items)
        case "cursor":
            step = _by_cursor(pagination, here, seen, answer, items, is_thorough=is_thorough)
        case _:
            step = _by_number(pagination, here, seen, answer, items, is_thorough=is_thorough)
    if isinstance(step, _End):
        return Following(items, None, seen, step.is_certain and is_listed and not seen.is_total_changed)
    if seen.empty_pages >= MAX_EMPTY_PAGES:
        raise InvalidReply(
            f"{MAX_EMPTY_PAGES} pages in a row had no items, and the service still speaks of a next one; items may"
            " be missing."
        )
    return Following(items, step, seen)


def _seen(
    pagination: Pagination, here: Position, progress: Progress, answer: Answer, items: Sequence[Any], digest: str
) -> Progress:
    size = _size(pagination, here)
    signs = [answer.value(place) for place in (pagination.has_more, pagination.is_last)]
    if pagination.style == "cursor" and pagination.last_item is None:
        signs.append(answer.value(pagination.next or "next"))
    total = _number_at(pagination.total, answer)
    is_changed = total is not None and progress.total is not None and total != progress.total
    return replace(
        progress,
        pages=progress.pages + 1,
        items=progress.items + len(items),
        empty_pages=0 if items else progress.empty_pages + 1,
        is_size_kept=progress.is_size_kept or (size is not None and len(items) >= size),
        is_sign_known=progress.is_sign_known or any(sign is not ABSENT for sign in signs),
        total=total if progress.total is None else progress.total,
        is_total_changed=progress.is_total_changed or is_changed,
        last_page=digest,
    )


def _by_link(pagination: Pagination, progress: Progress, answer: Answer, items: Sequence[Any]) -> Position | _End:
    more = _more(pagination, answer)
    if more is False:
        return _End(is_certain=True)
    if pagination.empty_is_last and not items:
        return _End(is_certain=progress.items > 0)
    target, is_told = _target(pagination, answer)
    if target is None:
        if more:
            raise InvalidReply("The service says that the list goes on, but gives no link to the next page.")
        return _End(is_certain=is_told or pagination.omits_empty)
    return Position(url=_resolved(answer.url, target))


def _target(pagination: Pagination, answer: Answer) -> tuple[str | None, bool]:
    """The link to the next page; without one, whether the service told that there is none."""
    if pagination.next is None:
        link = next_link(answer.headers)
        if link is None:
            return None, bool(links_of(answer.headers))
        # Some services always give a link, and tell beside it whether anything is behind it.
        is_empty = link.parameters.get("results", "").lower() in ("false", "0")
        return (None, True) if is_empty else (link.target, False)
    found = answer.value(pagination.next)
    if found is ABSENT or not found:
        return None, found is not ABSENT
    if isinstance(found, str):
        return found, False
    raise InvalidReply(f"What stands at {pagination.next!r} is no URL but a {type(found).__name__}.")


def _by_cursor(
    pagination: Pagination,
    here: Position,
    progress: Progress,
    answer: Answer,
    items: Sequence[Any],
    *,
    is_thorough: bool,
) -> Position | _End:
    more = _more(pagination, answer)
    if more is False:
        return _End(is_certain=True)
    if pagination.empty_is_last and not items:
        return _End(is_certain=progress.items > 0)
    if pagination.last_item is None:
        cursor = answer.value(pagination.next or "next")
        if cursor is ABSENT or not cursor:
            return _cursor_end(pagination, progress, more, is_absent=cursor is ABSENT)
        if cursor is True:
            raise InvalidReply(
                f"What stands at {pagination.next or 'next'!r} is a flag, not a cursor: use `has_more`."
            )
        cursor = _unwrapped(cursor, pagination.parameter_name)
    else:
        if not items and not more:
            return _End(is_certain=progress.items > 0)
        if more is None and pagination.has_more and (progress.is_sign_known or not progress.is_size_kept):
            return _End(is_certain=False)
        if more is None and not is_thorough and _is_short(pagination, here, progress, items):
            return _End(is_certain=False)
        cursor = at(items[-1], pagination.last_item) if items else ABSENT
        if cursor is ABSENT or cursor is None:
            raise InvalidReply(
                f"The list goes on after its last item, which has nothing at {pagination.last_item!r};"
                " items are missing."
            )
    if pagination.continue_at is not None:
        return Position({pagination.parameter_name: cursor}, endpoint=pagination.continue_at)
    return Position({**here.values, pagination.parameter_name: cursor})


def _cursor_end(pagination: Pagination, progress: Progress, more: bool | None, *, is_absent: bool) -> _End:
    if more:
        raise InvalidReply("The service says that the list goes on, but gives no cursor for the next page.")
    if is_absent and pagination.next is None and not progress.is_sign_known and progress.items:
        raise InvalidReply(
            "The answer has no `next`, so whether the list goes on is not known. Say where the cursor stands: "
            "Pagination(next=…), or last_item=… when it is a field of the last item."
        )
    return _End(is_certain=not is_absent or pagination.omits_empty)


def _by_number(
    pagination: Pagination,
    here: Position,
    progress: Progress,
    answer: Answer,
    items: Sequence[Any],
    *,
    is_thorough: bool,
) -> Position | _End:
    more = _more(pagination, answer)
    if more is False:
        return _End(is_certain=True)
    number = int(here.values.get(pagination.parameter_name, pagination.first_number))
    following = number + (1 if pagination.style == "page" else len(items))
    goes_on = Position({**here.values, pagination.parameter_name: following})
    left = _left(pagination, number, progress, answer, items)
    if left == 0:
        return _End(is_certain=True)
    if more or (left is not None and left > 0):
        if not items and pagination.style == "offset":
            raise InvalidReply(
                f"The service says that the list goes on, but gave no items from {number} on; items may be missing."
            )
        return goes_on
    if not items:
        return _End(is_certain=progress.items > 0)
    if not is_thorough and left is None and _is_short(pagination, here, progress, items):
        return _End(is_certain=False)
    return goes_on


def _left(
    pagination: Pagination, number: int, progress: Progress, answer: Answer, items: Sequence[Any]
) -> int | None:
    """How many pages or items are still to come by the totals; negative when they are contradicted by what came."""
    total_pages = _number_at(pagination.total_pages, answer) if pagination.style == "page" else None
    if total_pages is not None:
        left = total_pages - (number - pagination.first_number + 1)
        return max(left, 0) if not items else left
    total = _number_at(pagination.total, answer)
    if total is None:
        return None
    if pagination.style == "offset":
        return total - (number - pagination.first_number + len(items))
    # Of a walk that began in the middle it is not known how many items came before.
    began_at_first = number - pagination.first_number == progress.pages - 1
    return total - progress.items if began_at_first else None


def _items(pagination: Pagination, answer: Answer) -> tuple[Sequence[Any], bool]:
    """The items of a page, and whether they were there as a list."""
    path = pagination.items
    try:
        found = all_at(answer.data, path)
    except ValueError as error:
        raise InvalidReply(f"Where the items stand is not clear: {error}.") from error
    if isinstance(found, list):
        return found, True
    if found is None or (found is ABSENT and pagination.omits_empty):
        return (), False
    where = f"under {path!r}" if path else "as the whole answer"
    kind = "nothing" if found is ABSENT else "an object" if isinstance(found, Mapping) else type(found).__name__
    hint = None
    if isinstance(found, Mapping) and not has_wildcards(path):
        hint = f"For its values write {f'{path}.*' if path else '*'!r}, for a list in it the path to it."
    raise InvalidReply(f"The service's answer has no list {where}, but {kind}.", hint=hint)


def _page_again(pagination: Pagination, here: Position, progress: Progress, answer: Answer) -> Following:
    """The very items of the page before: the service clamps the number to the last page, or does not know it."""
    more, total = _more(pagination, answer), _number_at(pagination.total, answer)
    if progress.pages > 1 and not more and (total is None or total <= progress.items):
        return Following((), None, progress)
    raise InvalidReply(
        f"The page after {dict(here.values)} is that page again: the service does not go by "
        f"{pagination.parameter_name!r}, and items may be missing."
    )


def _more(pagination: Pagination, answer: Answer) -> bool | None:
    """What the flags say; None when there are none. Of two that contradict each other, the one that ends the list."""
    more, last = answer.value(pagination.has_more), answer.value(pagination.is_last)
    if more is ABSENT and pagination.has_more and pagination.omits_empty:
        more = False
    told = [_is_true(more)] if more is not ABSENT else []
    if last is not ABSENT:
        told.append(not _is_true(last))
    return all(told) if told else None


def _is_true(flag: Any) -> bool:
    return flag.strip().lower() not in _FALSE if isinstance(flag, str) else bool(flag)


def _number_at(place: str | None, answer: Answer) -> int | None:
    """A total: a number, a number as text, or the end of a `Content-Range` (`items 0-9/100`). None when unknown."""
    found = answer.value(place)
    if isinstance(found, str):
        match = re.fullmatch(r"(?:.*/)?\s*(\d{1,18})", found.strip())
        return int(match[1]) if match else None
    is_number = isinstance(found, int | float) and not isinstance(found, bool)
    return int(found) if is_number and found >= 0 and found == int(found) else None


def _size(pagination: Pagination, here: Position) -> int | None:
    asked = here.values.get(pagination.size_parameter or "", pagination.size)
    try:
        return None if asked is None else int(asked)
    except (TypeError, ValueError):
        return None


def _is_short(pagination: Pagination, here: Position, progress: Progress, items: Sequence[Any]) -> bool:
    """Whether a page has fewer items than were asked for, of a service that has shown that it gives as many."""
    size = _size(pagination, here)
    return size is not None and len(items) < size and progress.is_size_kept


def _unwrapped(cursor: Any, parameter: str) -> Any:
    """The cursor out of a URL whose query has it, as some services give it; any other cursor as it is."""
    if isinstance(cursor, str) and cursor.startswith(("http://", "https://", "/", "?")):
        found = parse_qs(urlsplit(cursor).query, keep_blank_values=True).get(parameter)
        if found and len(found) == 1:
            return found[0]
    return cursor


def _resolved(url: str, target: str) -> str:
    """A link as a whole URL at the host that gave it. Raises InvalidReply when it leads to another one."""
    try:
        resolved = urljoin(url, target.strip())
        own, other = urlsplit(url), urlsplit(resolved)
        is_elsewhere = bool(own.netloc) and (
            "@" in other.netloc or "\\" in resolved or own.hostname != other.hostname or _port(own) != _port(other)
        )
    except ValueError as error:
        raise InvalidReply(f"The link to the next page is no URL: {target[:200]!r}.") from error
    if is_elsewhere or other.scheme not in ("http", "https", ""):
        raise InvalidReply(
            f"The link to the next page leads to {other.netloc or other.scheme + ':'}, not to {own.netloc}: it is not"
            " followed, and nobody there gets credentials."
        )
    return resolved


def _port(url: Any) -> int | None:
    """The port, None for the scheme's own: a service behind a proxy may write `http:` for its own `https:`."""
    return None if url.port == _DEFAULT_PORTS.get(url.scheme) else url.port


def _digest(items: Sequence[Any]) -> str:
    return blake2b(repr(items).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
