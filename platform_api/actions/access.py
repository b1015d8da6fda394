"""Decides which actions a caller sees and may start.

The owning organization's members see every action of the app. Members of an organization that installed it see and
start the public ones, for their own organization.
"""

from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.actions.models import Action
from platform_api.apps.access import get_usable_app, is_installed, is_own
from platform_api.apps.access_summary import describes_access
from platform_api.apps.models import App
from platform_api.core.errors import NotFound, Unprocessable
from platform_api.core.types import AppId

_MAX_ID = 2**31 - 1


def is_visible(actor: Actor) -> ColumnElement[bool]:
    """Returns the condition that `actor` sees an action, for statements that also select from `App`."""
    visible = is_own(actor) | (App.is_active & Action.is_public & is_installed(actor, active_only=True))
    return visible if actor.app_id is None else visible & (App.id == actor.app_id)


async def get_action(
    session: AsyncSession, actor: Actor, reference: str, *, app: str | None = None
) -> tuple[Action, App]:
    """Returns an action by its id, or by its slug together with `app` (by default the token's); raises NotFound."""
    app_id = await _named_app_id(session, actor, app)
    statement = select(Action, App).join(App, App.id == Action.app_id).where(is_visible(actor))
    if app_id is not None:
        statement = statement.where(App.id == app_id)
    if reference.isascii() and reference.isdecimal():
        statement = statement.where(Action.id == min(int(reference[:12]), _MAX_ID))
    elif app_id is None:
        raise Unprocessable(
            f"{reference!r} is the slug of an action: say of which app with `?app=`, or use the action's id",
            field="app",
        )
    else:
        statement = statement.where(Action.slug == reference)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        raise NotFound(f"there is no action {reference}")
    return row[0], row[1]


async def _named_app_id(session: AsyncSession, actor: Actor, app: str | None) -> AppId | None:
    if app is None:
        return actor.app_id
    return AppId((await get_usable_app(session, actor, app)).id)


@describes_access("actions")
async def _describe(session: AsyncSession, app: App) -> list[Any]:
    """Lists what starts the app's code; shown before an install."""
    actions = await session.scalars(select(Action).where(Action.app_id == app.id).order_by(Action.slug))
    return [{"slug": action.slug, "name": action.name, "action_type": str(action.action_type)} for action in actions]
