"""Decides which integrations and connections a caller may use.

A caller that works for an app (a run, a token bound to the app, a request that names it in `X-App-Id`) uses the
connections that the organization activated for the app. Without such a decision, the organization's own apps may use
all of its connections, and installed apps of others none: installing an app does not open accounts to it.

Scripts of an app's owner that work for every install (`Actor.reaches_installs`) also *call* through the connections
that an organization with an active install activated for the app; see `may_call`. Such a call belongs to that
organization: its definition says where the credentials go, its budget pays, and its log has the call.
"""

import re
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, and_, any_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Organization
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.access import get_usable_app
from platform_api.apps.models import App, Install, InstallStatus
from platform_api.core.errors import BadRequest, Forbidden, NotFound
from platform_api.core.paging import Orders, Part, Window, contains, read_items
from platform_api.core.types import AppId, OrganizationId
from platform_api.integrations.definitions.catalogue import built_in
from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.models import Activation, Connection, OwnIntegration
from platform_api.tables.repository import get_table

_MAX_ID = 2**63 - 1
_ORDERS = Orders(
    "connections",
    Connection.id,
    created_at=Connection.id,
    name=func.lower(Connection.name),
    updated_at=Connection.updated_at,
)
_APP_OF_TABLE = re.compile(r"app_([0-9]{1,9})_")


class NoConnection(Forbidden):
    """Reports that the caller has no such connection to the integration, or may not use it."""

    code = "no_connection"


async def get_definition(session: AsyncSession, actor: Actor, integration_id: str) -> IntegrationDefinition:
    """Returns the definition of the caller's organization, else the built-in one. Raises NotFound."""
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
    """Returns the condition for connections that a caller may use; calls, lists and plugins all go by it."""
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
    own_app = (
        select(App.id)
        .where(App.id == actor.app_id, App.organization_id == Connection.organization_id)
        .correlate(Connection)
    )
    return and_(visible, or_(_is_activated(actor), and_(own_app.exists(), ~decision.exists())))


def may_call(actor: Actor) -> ColumnElement[bool]:
    """Returns the condition for connections that a call may name: `may_use`, and for owners' scripts the installs'.

    An organization's connection is open to the scripts of an app's owner while the install is active and the
    organization's activation for the app names it.
    """
    if not actor.reaches_installs or actor.app_id is None:
        return may_use(actor)
    owned = select(App.id).where(App.id == actor.app_id, App.is_active, visible_to(actor, App.organization_id))
    installed = (
        select(Install.app_id)
        .where(
            Install.app_id == actor.app_id,
            Install.status == InstallStatus.ACTIVE,
            # tenancy: the installer opened the connection to the app's owner by its install and its activation
            Install.organization_id == Connection.organization_id,
        )
        .correlate(Connection)
    )
    return or_(may_use(actor), and_(owned.exists(), installed.exists(), _is_activated(actor)))


def _is_activated(actor: Actor) -> ColumnElement[bool]:
    """Returns the condition that the connection's organization activated it for the caller's app."""
    return (
        select(Activation.app_id)
        .where(
            Activation.app_id == actor.app_id,
            Activation.integration_id == Connection.integration_id,
            # tenancy: narrows connections that the callers of this have made visible
            Activation.organization_id == Connection.organization_id,
            Activation.is_activated,
            or_(Activation.connection_ids.is_(None), Connection.id == any_(Activation.connection_ids)),
        )
        .correlate(Connection)
        .exists()
    )


async def connections_by_integration(
    session: AsyncSession, actor: Actor, *, limit: int
) -> dict[str, list[dict[str, Any]]] | None:
    """Returns the ids of the connections that `actor` may call through, by integration and organization.

    Of more than `limit` it returns None.
    """
    statement = (
        select(Connection.integration_id, Connection.organization_id, Connection.id)
        .where(may_call(actor))
        .order_by(Connection.integration_id, Connection.organization_id, Connection.id)
        .limit(limit + 1)
    )
    rows = (await session.execute(statement)).all()
    if len(rows) > limit:
        return None
    found: dict[str, dict[int, list[int]]] = {}
    for integration_id, organization_id, connection_id in rows:
        found.setdefault(integration_id, {}).setdefault(organization_id, []).append(connection_id)
    return {
        integration_id: [{"organization_id": owner, "connection_ids": ids} for owner, ids in groups.items()]
        for integration_id, groups in found.items()
    }


async def is_switched_off(session: AsyncSession, actor: Actor, integration_id: str) -> bool:
    """Returns whether the organization decided that the caller's app may not use the integration."""
    decision = select(Activation.is_activated).where(
        Activation.app_id == actor.app_id,
        Activation.integration_id == integration_id,
        visible_to(actor, Activation.organization_id),
    )
    return await session.scalar(decision) is False


async def narrowed_to_app(session: AsyncSession, actor: Actor, reference: str | None) -> Actor:
    """Returns the caller as working for the app that a request names. Raises NotFound, Forbidden."""
    # Published clients without an app send the text "None" (contract, section 2).
    if not reference or reference in ("None", str(actor.app_id)):
        return actor
    return replace(actor, app_id=(await get_usable_app(session, actor, reference)).id)


async def require_table(session: AsyncSession, actor: Actor, table: str | None) -> None:
    """Raises NotFound or BadRequest unless the table that a request names belongs to the caller's app.

    For a caller without an app, the table's name gives the app: `app_{id}_{name}`.
    """
    if not table or table == "None":
        return
    app_id = actor.app_id
    if app_id is None:
        match = _APP_OF_TABLE.match(table)
        if match is None:
            raise BadRequest(
                f"table: it is unclear which app {table!r} belongs to; write app_{{id}}_{table}, or name the app in"
                " X-App-Id",
                field="table",
            )
        app_id = AppId((await get_usable_app(session, actor, match[1])).id)
    await get_table(session, app_id, table)


async def list_callable_connections(session: AsyncSession, actor: Actor, integration_id: str) -> list[Connection]:
    """Returns the connections to an integration that a call may name, also those of installs, oldest first."""
    statement = select(Connection).where(Connection.integration_id == integration_id, may_call(actor))
    return list(await session.scalars(statement.order_by(Connection.id)))


async def read_connections(
    session: AsyncSession, actor: Actor, integration_id: str, *, search: str | None, order: str, window: Window
) -> Part[Connection]:
    """Returns a part of the connections to an integration that the caller may use; `search` looks in names."""
    statement = select(Connection).where(Connection.integration_id == integration_id, may_use(actor))
    if search:
        statement = statement.where(contains(search, Connection.name))
    return await read_items(session, statement, _ORDERS.of(order, within=integration_id), window)


async def list_connections(session: AsyncSession, actor: Actor, integration_id: str) -> list[Connection]:
    """Returns the connections to an integration that the caller may use, oldest first."""
    statement = select(Connection).where(Connection.integration_id == integration_id, may_use(actor))
    return list(await session.scalars(statement.order_by(Connection.id)))


async def choose_target(
    session: AsyncSession,
    actor: Actor,
    integration_id: str,
    *,
    reference: str | None,
    organization_id: OrganizationId | None = None,
) -> tuple[IntegrationDefinition, Connection]:
    """Returns the connection that a call names, and the definition of the organization that it belongs to.

    An owner's script names a connection of an install by its id, or by `organization_id`; a name alone, or nothing,
    means the caller's organization. Raises NotFound for an unknown integration, else Forbidden.
    """
    try:
        connection = await _choose(
            session,
            actor,
            integration_id,
            reference=reference,
            organization_id=organization_id,
            allowed=may_call(actor),
        )
    except Forbidden:
        await get_definition(session, actor, integration_id)  # "no such integration" is the better message
        raise
    return await _definition_of(session, connection), connection


async def _definition_of(session: AsyncSession, connection: Connection) -> IntegrationDefinition:
    """Returns the definition that the connection was made by: no other of that id may receive its credentials."""
    own = await session.scalar(
        select(OwnIntegration).where(
            OwnIntegration.integration_id == connection.integration_id,
            # tenancy: the organization of a connection that the caller may use
            OwnIntegration.organization_id == connection.organization_id,
        )
    )
    definition = own.definition if own is not None else built_in().get(connection.integration_id)
    if definition is None:
        raise NotFound(f"there is no integration {connection.integration_id!r}")
    return definition


async def choose_connection(
    session: AsyncSession,
    actor: Actor,
    integration_id: str,
    *,
    reference: str | None,
    organization_id: OrganizationId | None = None,
) -> Connection:
    """Returns the named connection (id or account name), else the default: the caller's own oldest one.

    Raises Forbidden (contract §4) when there is none that the caller may use.
    """
    return await _choose(
        session,
        actor,
        integration_id,
        reference=reference,
        organization_id=organization_id,
        allowed=may_use(actor),
    )


async def _choose(
    session: AsyncSession,
    actor: Actor,
    integration_id: str,
    *,
    reference: str | None,
    organization_id: OrganizationId | None,
    allowed: ColumnElement[bool],
) -> Connection:
    # tenancy: every caller above derives `allowed` from the actor
    statement = select(Connection).where(Connection.integration_id == integration_id, allowed)
    if organization_id is not None:
        # tenancy: narrows `allowed`, never widens it
        statement = statement.where(Connection.organization_id == organization_id)
    elif reference is None or not _is_id(reference):
        statement = statement.where(visible_to(actor, Connection.organization_id))
    if reference is not None:
        statement = statement.where(_named(reference))
    else:
        statement = statement.order_by((Connection.created_by == actor.user_id).desc().nulls_last(), Connection.id)
    connection = await session.scalar(statement.limit(1))
    if connection is None:
        if organization_id is not None:
            await _require_own_organization(session, actor, organization_id)
        app = "" if actor.app_id is None else f", or not activated for app {actor.app_id}"
        if reference is None:
            raise NoConnection(f"no account of yours is connected to {integration_id}{app}; connect one first")
        raise NoConnection(f"connection {reference!r} to {integration_id} does not exist or is not yours to use{app}")
    return connection


async def _require_own_organization(session: AsyncSession, actor: Actor, organization_id: OrganizationId) -> None:
    """Raises Forbidden for an organization other than the caller's, whether or not it exists."""
    own = select(Organization.id).where(Organization.id == organization_id, visible_to(actor, Organization.id))
    if await session.scalar(own) is None:
        if actor.reaches_installs:
            raise Forbidden(
                f"organization_id: {organization_id} has no active install of app {actor.app_id}"
                " with such a connection activated for it",
                field="organization_id",
            )
        raise Forbidden(
            f"organization_id: {organization_id} is not yours to work in; this call is made in organization"
            f" {actor.organization_id}",
            field="organization_id",
        )


def _named(reference: str) -> ColumnElement[bool]:
    return Connection.id == int(reference) if _is_id(reference) else Connection.name == reference


def _is_id(reference: str) -> bool:
    return reference.isascii() and reference.isdecimal() and len(reference) < 20 and int(reference) <= _MAX_ID
