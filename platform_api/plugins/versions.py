"""Shows the history of interfaces and plugins: which versions there are and how two differ."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.apps.source_tree import unified_diff
from platform_api.core.errors import NotFound
from platform_api.plugins.checks import interface_file, plugin_file
from platform_api.plugins.models import Plugin, PluginInterface, PluginInterfaceVersion, PluginVersion

_MAX_LISTED = 100


async def list_interface_versions(
    session: AsyncSession, interface: PluginInterface
) -> Sequence[PluginInterfaceVersion]:
    """Returns the latest versions, newest first."""
    statement = select(PluginInterfaceVersion).where(PluginInterfaceVersion.interface_id == interface.id)
    statement = statement.order_by(PluginInterfaceVersion.number.desc()).limit(_MAX_LISTED)
    return (await session.scalars(statement)).all()


async def list_plugin_versions(session: AsyncSession, plugin: Plugin) -> Sequence[PluginVersion]:
    """Returns the latest versions, newest first."""
    statement = select(PluginVersion).where(PluginVersion.plugin_id == plugin.id)
    return (await session.scalars(statement.order_by(PluginVersion.number.desc()).limit(_MAX_LISTED))).all()


async def diff_interface(session: AsyncSession, interface: PluginInterface, before: int, after: int) -> str:
    """Shows the change of capabilities and code between two versions; raises NotFound for an unknown version."""
    trees = []
    for number in (before, after):
        version = await session.get(PluginInterfaceVersion, (interface.id, number))
        if version is None:
            raise NotFound(f"the interface {interface.namespace!r} has no version {number}")
        capabilities = "".join(f"{name}\n" for name in version.capabilities)
        trees.append({"capabilities": capabilities, interface_file(interface.namespace): version.code})
    return unified_diff(*trees)


async def diff_plugin(
    session: AsyncSession, plugin: Plugin, interface: PluginInterface, before: int, after: int
) -> str:
    """Shows the change of code between two versions; raises NotFound for an unknown version."""
    file = plugin_file(interface.namespace, plugin.integration_id)
    trees = []
    for number in (before, after):
        version = await session.get(PluginVersion, (plugin.id, number))
        if version is None:
            raise NotFound(f"the plugin {file} has no version {number}")
        trees.append({file: version.code})
    return unified_diff(*trees)
