"""The style `link`: the service gives the next page's URL, which is followed as it stands."""

from urllib.parse import SplitResult, urljoin, urlsplit

from automio._exceptions import InvalidReply
from automio._link_header import links_of, next_link
from automio._pagination import Pagination
from automio._paging.answer import Answer
from automio._paging.state import End, Page, Position
from automio._paths import ABSENT

_DEFAULT_PORTS = {"http": 80, "https": 443}


def by_link(page: Page) -> Position | End:
    """The next page's URL. Raises InvalidReply for one at another host, or when it is missing."""
    more = page.has_more
    if more is False:
        return End(is_certain=True)
    if page.is_empty_end:
        return End(is_certain=page.progress.items > 0)
    target, is_told = _target(page.pagination, page.answer)
    if target is None:
        if more:
            raise InvalidReply("The service says that the list goes on, but gives no link to the next page.")
        return End(is_certain=is_told or page.pagination.omits_empty)
    return Position(url=_resolved(page.answer.url, target))


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


def _port(url: SplitResult) -> int | None:
    """The port, None for the scheme's own: a service behind a proxy may write `http:` for its own `https:`."""
    return None if url.port == _DEFAULT_PORTS.get(url.scheme) else url.port
