"""Serves language servers to editors, over a WebSocket."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, WebSocket
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.sockets import access_of_socket
from platform_api.core.database import Database
from platform_api.core.errors import PlatformError
from platform_api.core.http.sockets import Closed, close_socket, closed_by
from platform_api.core.services import services_of
from platform_api.core.types import AppId
from platform_api.language_server.callers import find_builder
from platform_api.language_server.hub import Hub
from platform_api.language_server.relay import Editor, Relay

router = APIRouter(prefix="/apps", tags=["language server"])

AppReference = Annotated[str, Path(max_length=130)]


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
        editor = Editor(socket, actor, AppId(found.id), still_allowed, access_of_socket(socket))
        await Relay(database, services[Hub], editor).run()
    except Closed as closed:
        await close_socket(socket, closed)
    except PlatformError as error:
        await close_socket(socket, closed_by(error))
