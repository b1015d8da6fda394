"""Which integrations and connections a caller may use.

A caller that works for an app (a run, a token bound to the app, a request that names it in `X-App-Id`) uses the
connections that the organization activated for the app. Where the organization decided nothing, its own apps may use
all of its connections, and apps of others that it installed none: their consent said nothing of accounts.
"""

from dataclasses import replace

from sqlalchemy import ColumnElement, and_, any_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.access import get_usable_app
from platform_api.apps.models import App
from platform_api.core.errors import Forbidden, NotFound
from platform_api.core.types import OrganizationId
from platform_api.integrations.catalogue import built_in
from platform_api.integrations.definition import IntegrationDefinition
from platform_api.integrations.models import Activation, Connection, OwnIntegration

_LARGEST_ID = 2**63 - 1


async def get_definition(session: AsyncSession, actor: Actor, integration_id: str) -> IntegrationDefinition:
    """The caller's organization's own definition, else the built-in one of that id. Raises NotFound."""
    own = await session.scalar(
        select(OwnIntegration).where(
            OwnIntegration.integration_id == integration_id, visible_to(actor, OwnIntegration.organization_id)
        )
    )
    if own is not None:
        return own.definition
    if (definition := built_in().get(integration_id)) is None:
        raise NotFound(f"there is no integration {integration_id!r}")
    return definition


def may_use(actor: Actor) -> ColumnElement[bool]:
    """The connections that a caller may call through. Calling, listing and handing out all ask it."""
    visible = visible_to(actor, Connection.organization_id)
    if actor.app_id is None:
        return visible
    decision = (
        select(Activation.app_id)
        .where(
            Activation.app_id == actor.app_id,
            Activation.integration_id == Connection.integration_id,
            Activation.organization_id == Connection.organization_id,
        )
        .correlate(Connection)
    )
    activated = decision.where(
        Activation.is_activated,
        or_(Activation.connection_ids.is_(None), Connection.id == any_(Activation.connection_ids)),
    )
    own_app = (
        select(App.id)
        .where(App.id == actor.app_id, App.organization_id == Connection.organization_id)
        .correlate(Connection)
    )
    return and_(visible, or_(activated.exists(), and_(own_app.exists(), ~decision.exists())))


async def is_switched_off(session: AsyncSession, actor: Actor, integration_id: str) -> bool:
    """Whether the organization said that the caller's app does not use the integration."""
    decision = select(Activation.is_activated).where(
        Activation.app_id == actor.app_id,
        Activation.integration_id == integration_id,
        visible_to(actor, Activation.organization_id),
    )
    return await session.scalar(decision) is False


async def narrowed_to_app(session: AsyncSession, actor: Actor, reference: str | None) -> Actor:
    """The caller, working for the app that a request names; raises NotFound, and Forbidden for a token of another."""
    # Published clients without an app send the text "None" (contract, section 2).
    if not reference or reference in ("None", str(actor.app_id)):
        return actor
    return replace(actor, app_id=(await get_usable_app(session, actor, reference)).id)


async def list_connections(session: AsyncSession, actor: Actor, integration_id: str) -> list[Connection]:
    """Usable connections to one integration, the oldest first."""
    statement = select(Connection).where(Connection.integration_id == integration_id, may_use(actor))
    return list(await session.scalars(statement.order_by(Connection.id)))


async def choose_connection(
    session: AsyncSession,
    actor: Actor,
    integration_id: str,
    *,
    reference: str | None,
    organization_id: OrganizationId | None = None,
) -> Connection:
    """The connection that a call names (id or account name), else the default: the caller's own oldest one.

    Raises Forbidden, as the contract's §4 wants it, when there is none that the caller may use.
    """
    statement = select(Connection).where(Connection.integration_id == integration_id, may_use(actor))
    if organization_id is not None:
        # tenancy: narrows what may_use() allows, never widens it
        statement = statement.where(Connection.organization_id == organization_id)
    if reference is not None:
        statement = statement.where(_named(reference))
    else:
        statement = statement.order_by((Connection.created_by == actor.user_id).desc().nulls_last(), Connection.id)
    found = await session.scalar(statement.limit(1))
    if found is None:
        app = "" if actor.app_id is None else f", or not activated for app {actor.app_id}"
        if reference is None:
            raise Forbidden(f"no account of yours is connected to {integration_id}{app}; connect one first")
        raise Forbidden(f"connection {reference!r} to {integration_id} does not exist or is not yours to use{app}")
    return found


def _named(reference: str) -> ColumnElement[bool]:
    if reference.isascii() and reference.isdecimal() and int(reference) <= _LARGEST_ID:
        return Connection.id == int(reference)
    return Connection.name == reference
