"""Lists of a third-party service that come in pages: how one page leads to the next."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from automio._decode import as_integer, as_object, as_text
from automio._exceptions import CallFailed, InvalidReply
from automio._exchange import Batch, Call, Reply
from automio._integration_models import ApiResponse, Integration

_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s;,=]+\s*=\s*(?:\"[^\"]*\"|[^\s;,]+))*)")
_NEXT = re.compile(r";\s*rel\s*=\s*(?:\"[^\"]*\bnext\b[^\"]*\"|next\b)", re.IGNORECASE)

Style = Literal["link", "cursor", "page", "offset"]


@dataclass(frozen=True, kw_only=True)
class Pagination:
    """How the lists of a service go on.

    `style`: `link` (a `Link` header with `rel="next"`), `cursor` (a value of the answer is sent with the next
    request), `page` (a number that grows by one) or `offset` (the number of items so far). `items` is where the items
    stand in the answer, as `data.orders`; empty when the answer is the list. `parameter` is the query parameter of
    cursor, page or offset, `next` where the next cursor stands. `size` items are asked for with `size_parameter`; a
    page with fewer is taken for the last.
    """

    style: Style
    items: str = ""
    parameter: str | None = None
    size_parameter: str | None = None
    size: int | None = None
    next: str | None = None

    @classmethod
    def of(cls, integration: Integration | str) -> "Pagination":
        """What the integration's definition says; ValueError when it says nothing."""
        declared = as_object(integration.raw.get("pagination")) if isinstance(integration, Integration) else {}
        style = declared.get("style")
        if style not in ("link", "cursor", "page", "offset"):
            raise ValueError("How this service's lists go on is not known; say it with pagination=Pagination(…).")
        return cls(
            style=style,
            items=as_text(declared.get("items")) or "",
            parameter=as_text(declared.get("parameter")),
            size_parameter=as_text(declared.get("size_parameter")),
            size=as_integer(declared.get("size")),
            next=as_text(declared.get("next")),
        )


@dataclass(frozen=True)
class Walk:
    """A walk through the pages of one list: the query so far, and how a query becomes a call."""

    pagination: Pagination
    call: Callable[[Mapping[str, Any]], Call[tuple[Any, ApiResponse]]]
    query: Mapping[str, Any]

    def first(self) -> Call[Batch[Any]]:
        """The call for the first page."""
        way = self.pagination
        query = dict(self.query)
        if way.size_parameter and way.size:
            query.setdefault(way.size_parameter, way.size)
        if way.style == "page":
            query.setdefault(self._parameter, 1)
        return replace(self, query=query)._page()

    def _page(self) -> Call[Batch[Any]]:
        call = self.call(self.query)

        def read(reply: Reply) -> Batch[Any]:
            data, response = call.read(reply)
            if not response.ok:
                raise CallFailed(response)
            items = self._items(data)
            query = self._next_query(items, data, response)
            if query == self.query:
                raise InvalidReply(f"The page after {dict(self.query)} is that page again.")
            following = None if query is None else replace(self, query=query)._page()
            return Batch(items, following)

        return Call(call.request, read)

    def _items(self, data: Any) -> Sequence[Any]:
        items = _at(data, self.pagination.items)
        if isinstance(items, list):
            return items
        where = f"under {self.pagination.items!r}" if self.pagination.items else "as the whole answer"
        raise InvalidReply(f"The service's answer has no list {where}.")

    def _next_query(self, items: Sequence[Any], data: Any, response: ApiResponse) -> Mapping[str, Any] | None:
        way = self.pagination
        if way.style == "link":
            url = next_link(response.headers)
            return None if url is None else {**self.query, **dict(parse_qsl(urlsplit(url).query))}
        if way.style == "cursor":
            cursor = _at(data, way.next or "next")
            return {**self.query, self._parameter: cursor} if cursor else None
        if not items or (way.size is not None and len(items) < way.size):
            return None
        if way.style == "page":
            return {**self.query, self._parameter: int(self.query[self._parameter]) + 1}
        start = int(self.query.get(self._parameter, 0))
        return {**self.query, self._parameter: start + len(items)}

    @property
    def _parameter(self) -> str:
        return self.pagination.parameter or self.pagination.style


def next_link(headers: Mapping[str, str]) -> str | None:
    """The target of `rel="next"` in a `Link` header, if any."""
    text = next((value for name, value in headers.items() if name.lower() == "link"), "")
    return next((target for target, parameters in _LINK.findall(text) if _NEXT.search(parameters)), None)


def _at(data: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        data = data.get(name) if isinstance(data, Mapping) else None
    return data
