"""Decides which plugin interfaces and plugins a caller sees: those of the organization acted in."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Role
from platform_api.accounts.tenancy import get_visible, visible_to
from platform_api.core.errors import NotFound
from platform_api.core.paging import Orders, Part, Window, contains, read_items
from platform_api.core.types import PluginId
from platform_api.integrations.access import may_use
from platform_api.integrations.models import Connection
from platform_api.plugins.models import Plugin, PluginInterface

_INTERFACE_MODULES = "interfaces."
_INTERFACE_ORDERS = Orders(
    "plugin-interfaces",
    PluginInterface.id,
    namespace=PluginInterface.namespace,
    created_at=PluginInterface.id,
    updated_at=PluginInterface.updated_at,
)
_PLUGIN_ORDERS = Orders(
    "plugins",
    Plugin.id,
    integration_id=Plugin.integration_id,
    created_at=Plugin.id,
    updated_at=Plugin.updated_at,
)


async def get_interface(session: AsyncSession, actor: Actor, namespace: str) -> PluginInterface:
    """Returns the interface of a namespace; raises NotFound."""
    statement = select(PluginInterface).where(
        PluginInterface.namespace == namespace.replace("\x00", ""), visible_to(actor, PluginInterface.organization_id)
    )
    interface: PluginInterface | None = await session.scalar(statement)
    if interface is None:
        raise NotFound(f"there is no plugin interface {namespace!r}")
    return interface


async def get_plugin(session: AsyncSession, actor: Actor, plugin_id: PluginId) -> tuple[Plugin, PluginInterface]:
    """Returns a plugin with its interface; raises NotFound."""
    plugin = await get_visible(session, Plugin, plugin_id, actor=actor, name="plugin")
    return plugin, await get_visible(
        session, PluginInterface, plugin.interface_id, actor=actor, name="plugin interface"
    )


async def list_interfaces(
    session: AsyncSession, actor: Actor, *, search: str | None, order: str, window: Window
) -> Part[PluginInterface]:
    """Returns a part of the interfaces; `search` looks in namespaces and titles."""
    visible = select(PluginInterface).where(visible_to(actor, PluginInterface.organization_id))
    if search:
        visible = visible.where(contains(search, PluginInterface.namespace, PluginInterface.title))
    return await read_items(session, visible, _INTERFACE_ORDERS.of(order), window)


async def list_plugins(
    session: AsyncSession,
    actor: Actor,
    interface: PluginInterface,
    *,
    search: str | None,
    order: str,
    window: Window,
) -> Part[Plugin]:
    """Returns a part of an interface's plugins, hidden ones for builders only; `search` looks in integration ids."""
    visible = select(Plugin).where(Plugin.interface_id == interface.id, visible_to(actor, Plugin.organization_id))
    if not actor.role.includes(Role.BUILDER):
        visible = visible.where(Plugin.is_visible)
    if search:
        visible = visible.where(contains(search, Plugin.integration_id))
    return await read_items(session, visible, _PLUGIN_ORDERS.of(order, within=interface.id), window)


async def list_enabled(
    session: AsyncSession, actor: Actor, interface: PluginInterface
) -> list[tuple[Plugin, list[int]]]:
    """Returns the enabled plugins of an interface, each with the connections it may use now."""
    enabled = select(Plugin).where(
        Plugin.interface_id == interface.id, Plugin.is_enabled, visible_to(actor, Plugin.organization_id)
    )
    plugins = (await session.scalars(enabled.order_by(Plugin.integration_id))).all()
    usable: dict[str, list[int]] = {}
    connections = select(Connection.integration_id, Connection.id).where(
        may_use(actor), Connection.integration_id.in_([plugin.integration_id for plugin in plugins])
    )
    for integration_id, connection_id in await session.execute(connections.order_by(Connection.id)):
        usable.setdefault(integration_id, []).append(connection_id)
    return [(plugin, _allowed_connections(plugin, usable.get(plugin.integration_id, []))) for plugin in plugins]


async def list_runnable(
    session: AsyncSession, actor: Actor, *, namespace: str | None, integration_id: str | None
) -> Sequence[tuple[Plugin, PluginInterface]]:
    """Returns the enabled plugins with their interfaces, of one namespace or integration where it is given."""
    enabled = (
        select(Plugin, PluginInterface)
        .join(PluginInterface, PluginInterface.id == Plugin.interface_id)
        .where(Plugin.is_enabled, visible_to(actor, Plugin.organization_id))
        .order_by(PluginInterface.namespace, Plugin.integration_id)
    )
    if namespace is not None:
        enabled = enabled.where(PluginInterface.namespace == namespace.replace("\x00", ""))
    if integration_id is not None:
        enabled = enabled.where(Plugin.integration_id == integration_id.replace("\x00", ""))
    return [(plugin, interface) for plugin, interface in await session.execute(enabled)]


async def find_module(session: AsyncSession, actor: Actor, module: str) -> tuple[PluginInterface, Plugin | None]:
    """Returns the interface, and the enabled plugin if it is one, of a module of `plugins`; raises NotFound."""
    if module.startswith(_INTERFACE_MODULES):
        return await get_interface(session, actor, module.removeprefix(_INTERFACE_MODULES)), None
    enabled = (
        select(Plugin, PluginInterface)
        .join(PluginInterface, PluginInterface.id == Plugin.interface_id)
        .where(
            visible_to(actor, Plugin.organization_id),
            Plugin.is_enabled,
            func.concat(PluginInterface.namespace, "_", Plugin.integration_id) == module.replace("\x00", ""),
        )
    )
    row = (await session.execute(enabled)).one_or_none()
    if row is None:
        raise NotFound(f"there is no enabled plugin with the module {module!r}")
    plugin, interface = row
    return interface, plugin


def _allowed_connections(plugin: Plugin, usable: list[int]) -> list[int]:
    if plugin.connection_ids is None:
        return usable
    # In the builder's order; a connection that no longer exists is left out.
    return [connection_id for connection_id in plugin.connection_ids if connection_id in usable]
