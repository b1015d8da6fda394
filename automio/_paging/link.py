"""Implements the style `link`: the service sends the next page's URL, which is followed unchanged."""

from urllib.parse import SplitResult, urljoin, urlsplit

from automio._exceptions import InvalidReply
from automio._link_header import links_of, next_link
from automio._pagination import Pagination
from automio._paging.answer import Answer
from automio._paging.state import End, Page, Position
from automio._paths import ABSENT

_DEFAULT_PORTS = {"http": 80, "https": 443}


def by_link(page: Page) -> Position | End:
    """Returns the URL of the next page, or the end; raises InvalidReply when it is missing or at another host."""
    more = page.has_more
    if more is False:
        return End(is_certain=True)
    if page.is_empty_end:
        return End(is_certain=page.progress.items > 0)
    target, is_explicit = _target(page.pagination, page.answer)
    if target is None:
        if more:
            raise InvalidReply("The service says that there are more pages, but sends no link to the next one.")
        return End(is_certain=is_explicit or page.pagination.omits_empty)
    return Position(url=_resolved(page.answer.url, target))


def _target(pagination: Pagination, answer: Answer) -> tuple[str | None, bool]:
    """Returns the link to the next page; without one, None and whether the service said so explicitly."""
    if pagination.next is None:
        link = next_link(answer.headers)
        if link is None:
            return None, bool(links_of(answer.headers))
        # Some services always send a link, with a parameter that tells whether the next page has results.
        is_empty = link.parameters.get("results", "").lower() in ("false", "0")
        return (None, True) if is_empty else (link.target, False)
    url = answer.value(pagination.next)
    if url is ABSENT or not url:
        return None, url is not ABSENT
    if isinstance(url, str):
        return url, False
    raise InvalidReply(f"The value at {pagination.next!r} must be a URL, not a {type(url).__name__}.")


def _resolved(url: str, target: str) -> str:
    """Returns a link as an absolute URL; raises InvalidReply when it leads to another host than the service's."""
    try:
        resolved = urljoin(url, target.strip())
        own, other = urlsplit(url), urlsplit(resolved)
        is_elsewhere = bool(own.netloc) and (
            "@" in other.netloc or "\\" in resolved or own.hostname != other.hostname or _port(own) != _port(other)
        )
    except ValueError as error:
        raise InvalidReply(f"The link to the next page is not a URL: {target[:200]!r}.") from error
    if is_elsewhere or other.scheme not in ("http", "https", ""):
        raise InvalidReply(
            f"The link to the next page leads to {other.netloc or other.scheme + ':'}, not to {own.netloc}. It is not"
            " followed, so that the credentials are not sent there."
        )
    return resolved


def _port(url: SplitResult) -> int | None:
    """Returns the port; None for the default ports, as a service behind a proxy may link to `http:` for `https:`."""
    return None if url.port == _DEFAULT_PORTS.get(url.scheme) else url.port
