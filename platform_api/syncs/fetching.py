"""One page of a list, called for as scripts' calls are: credentials, guard, retries, call log and budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.core.errors import BadRequest, Unprocessable
from platform_api.core.types import ConnectionId
from platform_api.integrations.access import choose_connection, get_definition
from platform_api.integrations.gateway import Gateway, OpenConnection
from platform_api.integrations.schemas import CallWrite
from platform_api.syncs.errors import RunFailed
from platform_api.syncs.paging import Query, Scalar, Walk, mark_after, next_query, pagination_of
from platform_api.syncs.paths import ABSENT, at
from platform_api.syncs.schemas import Declaration


@dataclass(frozen=True, slots=True)
class Page:
    """The items of one page, and what is known after it."""

    items: Sequence[Any]
    following: Query | None
    mark: Scalar | None


async def open_connection(
    session: AsyncSession, gateway: Gateway, actor: Actor, declaration: Declaration, connection_id: ConnectionId
) -> OpenConnection:
    """A connection that the app may use now. Raises NotFound, Forbidden."""
    definition = await get_definition(session, actor, declaration.integration_id)
    connection = await choose_connection(session, actor, definition.id, reference=str(connection_id))
    return gateway.open(definition, connection, actor=actor)


async def fetch(gateway: Gateway, opened: OpenConnection, declaration: Declaration, walk: Walk) -> Page:
    """The page of `walk`. Raises RunFailed, NotEnoughCredits."""
    request = declaration.request
    try:
        way = pagination_of(declaration, opened.definition)
        answer = await gateway.send(opened, _call(declaration, walk.query or {}))
    except (BadRequest, Unprocessable, ValueError) as error:
        raise RunFailed(f"the request cannot be made: {error}") from error
    called = f"{request.method} {request.endpoint}"
    if answer.failure is not None:
        raise RunFailed(f"{called}: {answer.failure[:500]}")
    if not 200 <= answer.status < 300:
        raise RunFailed(f"{called} answered {answer.status}: {answer.text[:300]}")
    items = _items(declaration, opened, answer.data, called)
    try:
        mark = mark_after(declaration.incremental, walk.mark, items, answer.data)
        following = next_query(declaration, way, opened.definition, walk, items, answer.data, answer.headers, mark)
    except (TypeError, ValueError) as error:
        raise RunFailed(f"{called}: how the list goes on cannot be read: {error}") from error
    return Page(items, following, mark)


def _call(declaration: Declaration, query: Query) -> CallWrite:
    """A GET takes what pages need as parameters, a POST in its JSON body."""
    request = declaration.request
    params, data = dict(request.params), request.data
    if request.method == "POST":
        if data is not None and not isinstance(data, dict):
            raise ValueError("request.data of a POST must be an object: pages and cursors are put into it")
        data = {**(data or {}), **query}
    else:
        params |= query
    return CallWrite(
        method=request.method,
        endpoint=request.endpoint,
        request_headers=dict(request.headers),
        request_params=params,
        data=data,
    )


def _items(declaration: Declaration, opened: OpenConnection, data: Any, called: str) -> Sequence[Any]:
    path = declaration.items
    if not path and declaration.pagination is None and opened.definition.pagination is not None:
        path = opened.definition.pagination.items
    if data is None:
        raise RunFailed(f"{called} did not answer JSON")
    items = at(data, path)
    if not isinstance(items, list):
        found = "nothing" if items is ABSENT else type(items).__name__
        raise RunFailed(f"{called}: there is no list {f'at {path}' if path else 'as the whole answer'}, but {found}")
    return items
