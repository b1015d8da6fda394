"""Serves presences to windows, over a WebSocket: unlike a stream it hears when a window falls silent."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, WebSocket
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.sockets import access_of_socket, actor_of_socket
from platform_api.core.database import Database
from platform_api.core.errors import PlatformError
from platform_api.core.http.sockets import Closed, close_socket, closed_by
from platform_api.core.services import services_of
from platform_api.presence import service
from platform_api.presence.access import find_place
from platform_api.presence.connection import Window, WindowConnection
from platform_api.presence.hub import PresenceHub
from platform_api.presence.models import Place

router = APIRouter(prefix="/apps", tags=["presence"])

AppReference = Annotated[str, Path(max_length=130)]


@router.websocket("/{app}/presence/")
async def serve_presence(
    socket: WebSocket,
    app: AppReference,
    document: Annotated[str, Query(max_length=300)] = "",
    organization: Annotated[str | None, Query(max_length=63)] = None,
) -> None:
    """Tells who else has the document open, as long as this window has it."""
    # Accepted first: a page is not shown why a connection was refused, but it is shown why one is closed.
    await socket.accept()
    services = services_of(socket)
    database = services[Database]

    async def find(session: AsyncSession) -> tuple[Actor, Place]:
        actor = await actor_of_socket(session, socket, organization=organization)
        return actor, await find_place(session, actor, app, document)

    try:
        async with database.transaction() as session:
            actor, place = await find(session)
            await service.require_room(session, actor)
        window = Window(socket, actor, place, find, access_of_socket(socket))
        await WindowConnection(database, services[PresenceHub], window).run()
    except Closed as closed:
        await close_socket(socket, closed)
    except PlatformError as error:
        await close_socket(socket, closed_by(error))
