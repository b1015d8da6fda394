"""Decides who may use a language server: who may change the app, from the platform's own pages or with a token."""

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from platform_api.accounts.actor import Actor
from platform_api.accounts.sockets import actor_of_socket
from platform_api.apps.access import get_buildable_app
from platform_api.apps.models import App


async def find_builder(
    session: AsyncSession, connection: HTTPConnection, app: str, *, organization: str | None
) -> tuple[Actor, App]:
    """Returns who opens the connection, and the app that they may change. Raises what refuses them."""
    actor = await actor_of_socket(session, connection, organization=organization)
    return actor, await get_buildable_app(session, actor, app)
