"""Who calls integrations, as a FastAPI dependency: a caller that may name the app it works for."""

from typing import Annotated

from fastapi import Depends, Header

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import DataActorDep
from platform_api.core.database import SessionDep
from platform_api.integrations.access import narrowed_to_app

AppHeader = Annotated[
    str | None,
    Header(
        alias="X-App-Id",
        max_length=130,
        description="The app that is calling (id, slug or `<org>/<app>`): only what is activated for it is used",
    ),
]


async def _calling_actor(actor: DataActorDep, session: SessionDep, app: AppHeader = None) -> Actor:
    return await narrowed_to_app(session, actor, app)


CallActorDep = Annotated[Actor, Depends(_calling_actor)]
"""May call integrations, through the connections that the app it works for may use."""
