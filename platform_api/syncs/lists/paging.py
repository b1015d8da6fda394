"""Walks through a list: knows the position, and how one page leads to the next.

A walk is stored with the rows of each page, so it is small whatever the length of the list, also what finds out that
the pages repeat (Brent's method: one remembered page, at growing distances).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel

from automio._exceptions import InvalidReply
from automio._pagination import Pagination
from automio._paging.answer import Answer
from automio._paging.state import Position, Progress
from automio._paging.walk import advance, begin
from automio._paths import at
from platform_api.core.errors import Unprocessable
from platform_api.integrations.definitions.definition import ApiKeyAuth, IntegrationDefinition
from platform_api.integrations.definitions.pagination import PagingKeys, walkable
from platform_api.integrations.requests.endpoint_path import without_parameters
from platform_api.syncs.errors import RunFailed
from platform_api.syncs.schemas import Declaration, Incremental

Scalar = str | int | float
Query = dict[str, Any]
_MAX_QUERY_BYTES = 20_000


class Walk(BaseModel):
    """Holds the state of a walk that has not come to its end.

    `query` is that of the next page, null when only the sweep is left; with `url` or `endpoint` the page is at that
    address.
    """

    kind: Literal["full", "incremental", "backfill"]
    version: int
    began: int
    """Id of the run that began it."""
    query: Query | None
    url: str | None = None
    endpoint: str | None = None
    progress: Progress = Progress()
    is_end_certain: bool = True
    """True if the service said that the list ended where the walk did: otherwise no row is taken for deleted."""
    mark: Scalar | None = None
    """The incremental value, as far as it is known."""
    seen_page: str = ""
    distance: int = 0
    limit: int = 1
    blind: int = 0
    """Number of items whose key could not be read: they are unknown, so no row is taken for deleted."""
    swept: str | None = None
    """The last row that the sweep checked."""

    @property
    def position(self) -> Position:
        """Returns what is sent for the current page."""
        return Position(self.query or {}, self.url, self.endpoint)

    def turn(self, following: "Following") -> None:
        """Advances to the next page. Raises RunFailed when the pages repeat."""
        position = following.position
        if position is not None:
            encoded = _encoded(position)
            if len(encoded) > _MAX_QUERY_BYTES:
                raise RunFailed("the service's address of the next page is too long to be stored", restart=True)
            page, here = _digest(encoded), _digest(_encoded(self.position))
            current = self.seen_page or here
            if page in (current, here):
                raise RunFailed(
                    f"the service's pages repeat: {_shown(encoded)} leads to a page that was read before",
                    restart=True,
                )
            self.seen_page, self.distance = current, self.distance + 1
            if self.distance == self.limit:
                self.seen_page, self.distance, self.limit = page, 0, self.limit * 2
        self.query = None if position is None else dict(position.values)
        self.url = None if position is None else position.url
        self.endpoint = None if position is None else position.endpoint
        self.progress = following.progress
        self.is_end_certain = following.is_end_certain


@dataclass(frozen=True, slots=True)
class Following:
    """Holds what comes after a page; no position at the end of the list."""

    position: Position | None
    progress: Progress
    is_end_certain: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """Describes how the list of a declaration is paged; `pagination` is None for the styles that only syncs have."""

    style: str
    items: str
    keys: PagingKeys
    pagination: Pagination | None

    def is_in_body(self, method: str) -> bool:
        """Returns true if what leads to a page goes into the request's body."""
        return method == "POST" if self.pagination is None else self.pagination.is_in_body(method)


def way_of(declaration: Declaration, definition: IntegrationDefinition) -> Way:
    """Returns how the list is paged. Raises Unprocessable when neither the sync nor the integration says it."""
    if (declared := declaration.pagination) is not None:
        is_walked = declared.style not in ("single", "after")
        walked = walkable(declared, declared.style, declaration.items) if is_walked else None
        return Way(declared.style, declaration.items, declared, walked)
    if (known := definition.pagination) is None:
        raise Unprocessable(
            f"pagination: it is not known how lists of {definition.id} are paged; give a style (single for one page)",
            field="pagination",
        )
    items = declaration.items or known.items
    return Way(known.style, items, known, walkable(known, known.style, items))


def first_position(declaration: Declaration, way: Way, start: Scalar | None) -> Position:
    """Returns what is sent for the first page, to begin after the incremental value `start`. Raises Unprocessable."""
    request = declaration.request
    is_in_body = way.is_in_body(request.method)
    given = (request.data if isinstance(request.data, dict) else {}) if is_in_body else request.params
    query: Query = {}
    if way.pagination is not None:
        try:
            query |= begin(way.pagination, given, is_body=is_in_body).values
        except (TypeError, ValueError) as error:
            raise Unprocessable(
                f"request: the first {way.style} must be a number: {error}", field="request"
            ) from error
    elif way.keys.size_parameter and way.keys.size:
        query[way.keys.size_parameter] = way.keys.size
    if declaration.incremental is not None and start is not None:
        query[declaration.incremental.parameter] = start
    return Position(query)


def following_page(
    declaration: Declaration,
    way: Way,
    definition: IntegrationDefinition,
    walk: Walk,
    items: Sequence[Any],
    answer: Answer,
    mark: Scalar | None,
) -> tuple[Sequence[Any], Following]:
    """Returns the items that count, and what comes after this page. Raises RunFailed when that is unclear."""
    if way.pagination is None:
        position = _after(declaration, way, walk, items, mark) if way.style == "after" else None
        return items, Following(position, walk.progress, is_end_certain=isinstance(items, list))
    try:
        step = advance(way.pagination, walk.position, walk.progress, answer, is_thorough=declaration.sweeps)
        if step.failure is not None:
            raise step.failure
    except InvalidReply as error:
        called = f"{declaration.request.method} {declaration.request.endpoint}"
        raise RunFailed(f"{called}: {error}", restart=True) from error
    position = step.position
    if position is not None and position.url is not None:
        position = Position(url=_without_key(position.url, definition))
    return step.items, Following(position, step.progress, step.is_certain)


def _after(
    declaration: Declaration, way: Way, walk: Walk, items: Sequence[Any], mark: Scalar | None
) -> Position | None:
    assert declaration.incremental is not None
    is_last = not items or (way.keys.size is not None and len(items) < way.keys.size)
    if is_last or mark is None or mark == walk.mark:
        return None
    return Position({**(walk.query or {}), declaration.incremental.parameter: mark})


def _without_key(url: str, definition: IntegrationDefinition) -> str:
    """Removes the platform's key from a URL: a service may repeat it, and it must not be stored."""
    if not isinstance(definition.auth, ApiKeyAuth) or definition.auth.location != "query":
        return url
    parts = urlsplit(url)
    return parts._replace(query=without_parameters(parts.query, {definition.auth.name})).geturl()


def mark_after(
    incremental: Incremental | None, mark: Scalar | None, items: Sequence[Any], data: Any
) -> Scalar | None:
    """Returns the incremental value with this page taken into account."""
    if incremental is None:
        return None
    if incremental.source == "answer":
        value = at(data, incremental.path)
        return value if _is_scalar(value) else mark
    for item in items:
        value = at(item, incremental.path)
        if _is_scalar(value):
            mark = value if incremental.take == "last" or mark is None else larger(mark, value)
    return mark


def larger(left: Scalar, right: Scalar) -> Scalar:
    """Returns the larger of two values: as numbers where both are, as times where both are, else as text."""
    for order in (_as_number, _as_time):
        first, second = order(left), order(right)
        if first is not None and second is not None:
            return right if second > first else left
    return right if str(right) > str(left) else left


def start_after(incremental: Incremental | None, cursor: Scalar | None) -> Scalar | None:
    """Returns what the next incremental run sends: the checkpoint less the overlap, at first the initial value."""
    if incremental is None:
        return None
    if cursor is None:
        return incremental.initial
    if not incremental.overlap:
        return cursor
    if (number := _as_number(cursor)) is not None:
        less = number - incremental.overlap
        whole = int(less) if float(less).is_integer() else less
        return str(whole) if isinstance(cursor, str) else whole
    if (moment := _as_time(cursor)) is not None:
        text = (moment - timedelta(seconds=incremental.overlap)).isoformat()
        return text.replace("+00:00", "Z") if str(cursor).endswith("Z") else text
    return cursor


def _encoded(position: Position) -> bytes:
    if position.is_alone:
        return orjson.dumps([position.url, position.endpoint, position.values], option=orjson.OPT_SORT_KEYS)
    return orjson.dumps(position.values, option=orjson.OPT_SORT_KEYS)


def _digest(encoded: bytes) -> str:
    return hashlib.sha256(encoded).hexdigest()[:32]


def _shown(encoded: bytes) -> str:
    text = encoded.decode()
    return text if len(text) <= 200 else text[:199] + "…"


def _is_scalar(value: Any) -> bool:
    return (isinstance(value, str) and 0 < len(value) <= 2000) or (
        isinstance(value, int | float) and not isinstance(value, bool)
    )


def _as_number(value: Scalar) -> Any:
    if isinstance(value, int | float):
        return value
    text = value.strip()
    if not text.isascii() or len(text) > 30 or not text.lstrip("-").replace(".", "", 1).isdigit():
        return None
    return float(text) if "." in text else int(text)


def _as_time(value: Scalar) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    # Times without a zone are compared with each other, not with those that have one.
    return moment if moment.tzinfo is not None else None
