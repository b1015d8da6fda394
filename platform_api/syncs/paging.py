"""A walk through a list: where it stands, and how one page leads to the next.

A walk is stored with the rows of each page, so it is small whatever the length of the list, also what finds out that
the pages repeat (Brent's method: one remembered page, at growing distances).
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import orjson
from pydantic import BaseModel

from platform_api.core.errors import Unprocessable
from platform_api.integrations.definition import ApiKeyAuth, IntegrationDefinition
from platform_api.integrations.links import next_link
from platform_api.syncs.errors import RunFailed
from platform_api.syncs.paths import ABSENT, at
from platform_api.syncs.schemas import Declaration, Incremental, SyncPagination

Scalar = str | int | float
Query = dict[str, Any]
_LONGEST_QUERY = 20_000


class Walk(BaseModel):
    """A walk that has not come to its end. `query` is that of the next page; null when only the sweep is left."""

    kind: Literal["full", "incremental", "backfill"]
    version: int
    began: int
    """Id of the run with which it began."""
    query: Query | None
    mark: Scalar | None = None
    """The incremental value, as far as it is known."""
    seen_page: str = ""
    distance: int = 0
    limit: int = 1
    blind: int = 0
    """Items whose key could not be read: what they are is not known, so nothing is taken for gone."""
    swept: str | None = None
    """The last row that the sweep looked at."""

    def turn(self, query: Query | None) -> None:
        """Goes on to the next page. Raises RunFailed when that was there already."""
        if query is not None:
            encoded = orjson.dumps(query, option=orjson.OPT_SORT_KEYS)
            if len(encoded) > _LONGEST_QUERY:
                raise RunFailed("the service's way to the next page is too long to be kept", restart=True)
            page = hashlib.sha256(encoded).hexdigest()[:32]
            current = self.seen_page or _digest(self.query or {})
            if page in (current, _digest(self.query or {})):
                raise RunFailed(
                    f"the service's pages repeat: after {_shown(query)} comes that page again", restart=True
                )
            self.seen_page, self.distance = current, self.distance + 1
            if self.distance == self.limit:
                self.seen_page, self.distance, self.limit = page, 0, self.limit * 2
        self.query = query


def pagination_of(declaration: Declaration, definition: IntegrationDefinition) -> SyncPagination:
    """How the list goes on. Raises Unprocessable when nobody says."""
    if declaration.pagination is not None:
        return declaration.pagination
    if (known := definition.pagination) is None:
        raise Unprocessable(
            f"pagination: how the lists of {definition.id} go on is not known; give a style (single for one page)"
        )
    return SyncPagination(
        style=known.style,
        parameter=known.parameter,
        size_parameter=known.size_parameter,
        size=known.size,
        next=known.next,
    )


def first_query(declaration: Declaration, way: SyncPagination, start: Scalar | None) -> Query:
    """What is sent for the first page. `start` is the incremental value to begin after."""
    query: Query = {}
    if way.size_parameter and way.size:
        query[way.size_parameter] = way.size
    if way.style == "page":
        query[way.parameter or "page"] = declaration.request.params.get(way.parameter or "page", 1)
    if declaration.incremental is not None and start is not None:
        query[declaration.incremental.parameter] = start
    return query


def next_query(
    declaration: Declaration,
    way: SyncPagination,
    definition: IntegrationDefinition,
    walk: Walk,
    items: Sequence[Any],
    data: Any,
    headers: Mapping[str, str],
    mark: Scalar | None,
) -> Query | None:
    """What is sent for the page after this one; None when it was the last."""
    query = walk.query or {}
    parameter = way.parameter or way.style
    is_last = not items or (way.size is not None and len(items) < way.size)
    match way.style:
        case "link":
            url = next_link(headers)
            if url is None:
                return None
            # A service may repeat the key that the platform sent: it is not ours to keep.
            secret = definition.auth.name if isinstance(definition.auth, ApiKeyAuth) else None
            given = {name: value for name, value in parse_qsl(urlsplit(url).query) if name != secret}
            return {**query, **given}
        case "cursor":
            cursor = at(data, way.next or "next")
            return {**query, parameter: cursor} if cursor is not ABSENT and cursor else None
        case "page":
            return None if is_last else {**query, parameter: _number(query.get(parameter), 1) + 1}
        case "offset":
            begun = query.get(parameter, declaration.request.params.get(parameter))
            return None if is_last else {**query, parameter: _number(begun, 0) + len(items)}
        case "after":
            assert declaration.incremental is not None
            if is_last or mark is None or mark == walk.mark:
                return None
            return {**query, declaration.incremental.parameter: mark}
        case "single":
            return None


def mark_after(
    incremental: Incremental | None, mark: Scalar | None, items: Sequence[Any], data: Any
) -> Scalar | None:
    """The incremental value, this page taken into account."""
    if incremental is None:
        return None
    if incremental.source == "answer":
        found = at(data, incremental.path)
        return found if _is_scalar(found) else mark
    for item in items:
        found = at(item, incremental.path)
        if _is_scalar(found):
            mark = found if incremental.take == "last" or mark is None else larger(mark, found)
    return mark


def larger(one: Scalar, other: Scalar) -> Scalar:
    """The larger of two values: as numbers where both are, as times where both are, else as text."""
    for order in (_as_number, _as_time):
        first, second = order(one), order(other)
        if first is not None and second is not None:
            return other if second > first else one
    return other if str(other) > str(one) else one


def start_after(incremental: Incremental | None, cursor: Scalar | None) -> Scalar | None:
    """What the next incremental run sends: the checkpoint less the overlap, at first the initial value."""
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


def _digest(query: Query) -> str:
    return hashlib.sha256(orjson.dumps(query, option=orjson.OPT_SORT_KEYS)).hexdigest()[:32]


def _shown(query: Query) -> str:
    text = orjson.dumps(query).decode()
    return text if len(text) <= 200 else text[:199] + "…"


def _is_scalar(value: Any) -> bool:
    return (isinstance(value, str) and 0 < len(value) <= 2000) or (
        isinstance(value, int | float) and not isinstance(value, bool)
    )


def _number(value: Any, default: int) -> int:
    return default if value is None else int(value)


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
