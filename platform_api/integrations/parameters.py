"""Defines how requests name an integration, a connection, and the table and the app that a call works for."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import DataActorDep
from platform_api.core.database import SessionDep
from platform_api.integrations.access import narrowed_to_app

IntegrationReference = Annotated[str, Path(description="Id of the integration", max_length=100)]
ConnectionReference = Annotated[
    str | None, Query(max_length=320, description="Id or account name; the caller's own connection when absent")
]
TableReference = Annotated[
    str | None, Query(max_length=130, description="A table of the app, `app_{id}_{name}` or bare; others are refused")
]
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
"""A caller that may use integrations, through the connections that its app may use."""
