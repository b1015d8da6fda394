"""Fetches one page of a list, as scripts' calls are made: with credentials, guard, retries, call log and budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from automio._exceptions import InvalidReply
from automio._paging.answer import Answer, told_error
from automio._paging.state import Position
from automio._paging.walk import is_end_status
from automio._paths import ABSENT, all_at, put
from platform_api.accounts.actor import Actor
from platform_api.core.errors import BadRequest, Unprocessable
from platform_api.core.types import ConnectionId
from platform_api.integrations.access import choose_connection, get_definition
from platform_api.integrations.calls.gateway import Gateway, OpenConnection
from platform_api.integrations.schemas import CallWrite
from platform_api.syncs.errors import RunFailed
from platform_api.syncs.lists.paging import Following, Scalar, Walk, Way, following_page, mark_after, way_of
from platform_api.syncs.schemas import Declaration


@dataclass(frozen=True, slots=True)
class Page:
    """Holds the items of one page, and what is known after it."""

    items: Sequence[Any]
    following: Following
    mark: Scalar | None


async def open_connection(
    session: AsyncSession, gateway: Gateway, actor: Actor, declaration: Declaration, connection_id: ConnectionId
) -> OpenConnection:
    """Opens a connection that the app may use now. Raises NotFound, Forbidden."""
    definition = await get_definition(session, actor, declaration.integration_id)
    connection = await choose_connection(session, actor, definition.id, reference=str(connection_id))
    return gateway.open(definition, connection, actor=actor)


async def fetch(gateway: Gateway, opened: OpenConnection, declaration: Declaration, walk: Walk) -> Page:
    """Fetches the page of `walk`. Raises RunFailed, NotEnoughCredits."""
    request = declaration.request
    try:
        way = way_of(declaration, opened.definition)
        answer = await gateway.send(opened, _call(declaration, way, walk.position))
    except (BadRequest, Unprocessable, ValueError) as error:
        raise RunFailed(f"the request cannot be made: {error}") from error
    called = f"{request.method} {request.endpoint}"
    if answer.failure is not None:
        raise RunFailed(f"{called}: {answer.failure[:500]}")
    is_end = way.pagination is not None and is_end_status(way.pagination, answer.status, walk.progress.pages)
    if not 200 <= answer.status < 300 and not is_end:
        raise RunFailed(f"{called} answered {answer.status}: {answer.text[:300]}")
    try:
        answered = Answer.of(
            status=answer.status,
            headers=answer.headers,
            data=answer.data,
            text=answer.text,
            is_binary=bool(answer.content),
            url=answer.url,
        )
    except InvalidReply as error:
        raise RunFailed(f"{called}: {error}") from error
    items = () if is_end or answered.is_empty else _items(way, answered.data, called)
    if not items and not is_end and (reason := told_error(answered.data)) is not None:
        raise RunFailed(f"{called}: the service answered an error instead of items: {reason}", restart=True)
    mark = mark_after(declaration.incremental, walk.mark, items, answered.data)
    counted, following = following_page(declaration, way, opened.definition, walk, items, answered, mark)
    return Page(counted, following, mark)


def _call(declaration: Declaration, way: Way, position: Position) -> CallWrite:
    """Builds the call for a page: what leads to it is added to the parameters, or to the body."""
    request = declaration.request
    params = {} if position.is_alone else dict(request.params)
    data = None if position.endpoint is not None else request.data
    if not way.is_in_body(request.method):
        params |= position.values
    elif position.values:
        if data is not None and not isinstance(data, dict):
            raise ValueError("request.data must be an object: pages and cursors are put into it")
        data = dict(data or {})
        for path, value in position.values.items():
            put(data, path, value)
    return CallWrite(
        method=request.method,
        endpoint=position.url or position.endpoint or request.endpoint,
        request_headers=dict(request.headers),
        request_params=params,
        data=data,
    )


def _items(way: Way, data: Any, called: str) -> Sequence[Any]:
    try:
        items = all_at(data, way.items)
    except ValueError as error:
        raise RunFailed(f"{called}: {error}") from error
    if isinstance(items, list):
        return items
    if items is None or (items is ABSENT and way.keys.omits_empty):
        return ()
    actual = "nothing" if items is ABSENT else type(items).__name__
    where = f"at {way.items}" if way.items else "as the whole answer"
    raise RunFailed(f"{called}: expected a list {where}, found {actual}")
