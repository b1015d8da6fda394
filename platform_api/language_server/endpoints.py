"""Serves language servers to editors, over a WebSocket."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, WebSocket
from fastapi.websockets import WebSocketDisconnect
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.core.database import Database
from platform_api.core.errors import Forbidden, NotFound, PlatformError, Unauthenticated
from platform_api.core.services import services_of
from platform_api.core.types import AppId
from platform_api.language_server.callers import find_builder
from platform_api.language_server.errors import CloseCode, Closed
from platform_api.language_server.hub import Hub
from platform_api.language_server.relay import Editor, Relay

router = APIRouter(prefix="/apps", tags=["language server"])

AppReference = Annotated[str, Path(max_length=130)]

_CODES = (
    (Unauthenticated, CloseCode.UNAUTHENTICATED),
    (Forbidden, CloseCode.FORBIDDEN),
    (NotFound, CloseCode.NOT_FOUND),
)


@router.websocket("/{app}/language-server/")
async def serve_language_server(
    socket: WebSocket,
    app: AppReference,
    organization: Annotated[str | None, Query(max_length=63)] = None,
) -> None:
    """Carries the language server protocol, one JSON message in each text frame."""
    # Accepted first: a page is not shown why a connection was refused, but it is shown why one is closed.
    await socket.accept()
    services = services_of(socket)
    database = services[Database]

    async def still_allowed(session: AsyncSession) -> Actor:
        caller, _ = await find_builder(session, socket, app, organization=organization)
        return caller

    try:
        async with database.transaction() as session:
            actor, found = await find_builder(session, socket, app, organization=organization)
        editor = Editor(socket, actor, AppId(found.id), still_allowed)
        await Relay(database, services[Hub], editor).run()
    except Closed as closed:
        await _close(socket, closed)
    except PlatformError as error:
        await _close(socket, Closed(_code_of(error), error.message))


def _code_of(error: PlatformError) -> CloseCode:
    return next((code for kind, code in _CODES if isinstance(error, kind)), CloseCode.UNAVAILABLE)


async def _close(socket: WebSocket, closed: Closed) -> None:
    try:
        await socket.close(code=closed.code, reason=closed.reason)
    except (RuntimeError, WebSocketDisconnect):
        # The browser has closed it.
        return
