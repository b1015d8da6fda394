"""Saves plugin interfaces and plugins: checks them first, then stores them as a new version."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Organization
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.source_tree import file_digest
from platform_api.core.errors import Conflict, NameTaken, StaleVersion, Unprocessable
from platform_api.core.types import PluginId
from platform_api.integrations.access import get_definition, may_use
from platform_api.integrations.models import Connection
from platform_api.plugins.access import get_interface, get_plugin
from platform_api.plugins.checks import check_interface, check_plugin
from platform_api.plugins.models import Plugin, PluginInterface, PluginInterfaceVersion, PluginVersion
from platform_api.plugins.schemas import InterfaceCreate, InterfaceReplace, PluginCreate, PluginReplace
from platform_api.plugins.signatures import Problem


class PluginRefused(Unprocessable):
    """Reports code that does not compile or does not fulfil the interface; `problems` beside `detail` says where."""

    code = "plugin_refused"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(
            "; ".join(str(problem) for problem in problems[:5]),
            field="code",
            extra={"problems": [asdict(problem) for problem in problems]},
        )


class BreakingChange(Conflict):
    """Reports that a change breaks plugins; with `accept_breaking` it is stored and they are disabled."""

    code = "breaking_change"


class HasPlugins(Conflict):
    """Reports that an interface cannot be removed while it has plugins."""

    code = "has_plugins"


@dataclass(frozen=True, slots=True)
class Broken:
    """Holds a plugin that no longer fulfils its interface."""

    plugin: Plugin
    problems: list[Problem]


async def create_interface(session: AsyncSession, actor: Actor, data: InterfaceCreate) -> PluginInterface:
    """Creates an interface of the organization. Raises Conflict when the namespace is taken, PluginRefused."""
    await _lock(session, actor)
    taken = select(PluginInterface.id).where(
        PluginInterface.namespace == data.namespace, visible_to(actor, PluginInterface.organization_id)
    )
    if await session.scalar(taken) is not None:
        raise NameTaken(
            f"the plugin interface {data.namespace!r} exists already; change it with PUT", field="namespace"
        )
    _raise_problems(_check_interface(data.namespace, data.capabilities, data.code))
    interface = PluginInterface(
        organization_id=actor.organization_id,
        namespace=data.namespace,
        title=data.title,
        capabilities=data.capabilities,
        code=data.code,
        digest=file_digest(data.code),
        version=1,
    )
    session.add(interface)
    await session.flush()
    await _refuse_ambiguous_modules(session, actor)
    _keep_interface_version(session, actor, interface)
    return interface


async def replace_interface(
    session: AsyncSession, actor: Actor, namespace: str, data: InterfaceReplace
) -> tuple[PluginInterface, list[Broken]]:
    """Changes an interface and returns the plugins that this disabled.

    Raises Conflict when there is a newer version, or when plugins would break and that was not accepted.
    """
    await _lock(session, actor)
    interface = await get_interface(session, actor, namespace)
    _require_base(interface.version, data.base_version, f"the interface {namespace!r}")
    capabilities = interface.capabilities if data.capabilities is None else data.capabilities
    code = interface.code if data.code is None else data.code
    _raise_problems(_check_interface(namespace, capabilities, code))
    broken = await _broken_by(session, actor, interface, capabilities, code)
    if broken and not data.accept_breaking:
        raise _would_break(namespace, broken)
    for item in broken:
        item.plugin.is_enabled = False
    if data.title is not None:
        interface.title = data.title
    if (capabilities, code) != (interface.capabilities, interface.code):
        interface.capabilities, interface.code, interface.digest = capabilities, code, file_digest(code)
        interface.version += 1
        _keep_interface_version(session, actor, interface)
    await session.flush()
    return interface, broken


async def delete_interface(session: AsyncSession, actor: Actor, namespace: str) -> None:
    """Removes an interface with its versions. Raises Conflict while it has plugins."""
    await _lock(session, actor)
    interface = await get_interface(session, actor, namespace)
    names = [plugin.integration_id for plugin in await _plugins_of(session, actor, interface)]
    if names:
        raise HasPlugins(f"the interface {namespace!r} has plugins ({', '.join(sorted(names))}); remove them first")
    await session.delete(interface)


async def create_plugin(
    session: AsyncSession, actor: Actor, namespace: str, data: PluginCreate
) -> tuple[Plugin, PluginInterface]:
    """Creates a plugin. Raises NotFound for an unknown interface or integration, Conflict, PluginRefused."""
    await _lock(session, actor)
    interface = await get_interface(session, actor, namespace)
    definition = await get_definition(session, actor, data.integration_id)
    if any(plugin.integration_id == definition.id for plugin in await _plugins_of(session, actor, interface)):
        raise NameTaken(
            f"{namespace!r} has a plugin for {definition.id!r} already; change it with PUT", field="integration_id"
        )
    _raise_problems(_check(interface, definition.id, data.code))
    await _check_connections(session, actor, definition.id, data.connection_ids)
    plugin = Plugin(
        organization_id=actor.organization_id,
        interface_id=interface.id,
        integration_id=definition.id,
        is_enabled=data.is_enabled,
        is_visible=data.is_visible,
        connection_ids=data.connection_ids,
        code=data.code,
        digest=file_digest(data.code),
        version=1,
    )
    session.add(plugin)
    await session.flush()
    await _refuse_ambiguous_modules(session, actor)
    _keep_plugin_version(session, actor, plugin)
    return plugin, interface


async def replace_plugin(
    session: AsyncSession, actor: Actor, plugin_id: PluginId, data: PluginReplace
) -> tuple[Plugin, PluginInterface]:
    """Changes what the request contains; changed code becomes a new version. Raises Conflict, PluginRefused."""
    await _lock(session, actor)
    plugin, interface = await get_plugin(session, actor, plugin_id)
    _require_base(plugin.version, data.base_version, f"the plugin {interface.namespace}/{plugin.integration_id}")
    code = plugin.code if data.code is None else data.code
    will_be_enabled = plugin.is_enabled if data.is_enabled is None else data.is_enabled
    if will_be_enabled or data.code is not None:
        _raise_problems(_check(interface, plugin.integration_id, code))
    if "connection_ids" in data.model_fields_set:
        await _check_connections(session, actor, plugin.integration_id, data.connection_ids)
        plugin.connection_ids = data.connection_ids
    if data.is_visible is not None:
        plugin.is_visible = data.is_visible
    plugin.is_enabled = will_be_enabled
    if code != plugin.code:
        plugin.code, plugin.digest = code, file_digest(code)
        plugin.version += 1
        _keep_plugin_version(session, actor, plugin)
    await session.flush()
    return plugin, interface


async def delete_plugin(session: AsyncSession, actor: Actor, plugin_id: PluginId) -> None:
    """Removes a plugin with its versions; runs that were started with it keep it."""
    await _lock(session, actor)
    plugin, _ = await get_plugin(session, actor, plugin_id)
    await session.delete(plugin)


async def _lock(session: AsyncSession, actor: Actor) -> None:
    """Allows one change of an organization's plugins at a time, since they are checked against each other."""
    organization = select(Organization.id).where(Organization.id == actor.organization_id)
    await session.execute(organization.with_for_update(key_share=True))


async def _plugins_of(session: AsyncSession, actor: Actor, interface: PluginInterface) -> Sequence[Plugin]:
    statement = select(Plugin).where(Plugin.interface_id == interface.id, visible_to(actor, Plugin.organization_id))
    return (await session.scalars(statement.order_by(Plugin.integration_id))).all()


def _check_interface(namespace: str, capabilities: Sequence[str], code: str) -> list[Problem]:
    repeated = sorted({name for name in capabilities if capabilities.count(name) > 1})
    if repeated:
        raise Unprocessable(
            f"capabilities: {', '.join(repeated)} is listed more than once; list each name once", field="capabilities"
        )
    return check_interface(namespace, capabilities, code)


def _check(
    interface: PluginInterface,
    integration_id: str,
    code: str,
    *,
    capabilities: Sequence[str] | None = None,
    interface_code: str | None = None,
) -> list[Problem]:
    return check_plugin(
        namespace=interface.namespace,
        integration_id=integration_id,
        capabilities=interface.capabilities if capabilities is None else capabilities,
        interface_code=interface.code if interface_code is None else interface_code,
        code=code,
    )


def _raise_problems(problems: Sequence[Problem]) -> None:
    if problems:
        raise PluginRefused(problems)


async def _broken_by(
    session: AsyncSession, actor: Actor, interface: PluginInterface, capabilities: Sequence[str], code: str
) -> list[Broken]:
    """Returns the enabled plugins that would not fulfil the changed interface."""
    broken = []
    for plugin in await _plugins_of(session, actor, interface):
        problems = _check(
            interface, plugin.integration_id, plugin.code, capabilities=capabilities, interface_code=code
        )
        if plugin.is_enabled and problems:
            broken.append(Broken(plugin, problems))
    return broken


def _would_break(namespace: str, broken: Sequence[Broken]) -> BreakingChange:
    details: list[dict[str, Any]] = [
        {"integration_id": item.plugin.integration_id, "problems": [asdict(problem) for problem in item.problems]}
        for item in broken
    ]
    names = ", ".join(item.plugin.integration_id for item in broken)
    return BreakingChange(
        f"the change of {namespace!r} breaks its plugins for {names} ({broken[0].problems[0]}); change them first, or"
        " send `accept_breaking` to store it and disable them",
        extra={"broken": details},
    )


def _require_base(current: int, base: int, name: str) -> None:
    if base != current:
        raise StaleVersion(
            f"base_version: {name} is at version {current}, not {base}; load it and merge your change",
            extra={"current_version": current},
            field="base_version",
        )


async def _check_connections(
    session: AsyncSession, actor: Actor, integration_id: str, connection_ids: Sequence[int] | None
) -> None:
    if not connection_ids:
        return
    usable = select(Connection.id).where(
        Connection.id.in_(connection_ids), Connection.integration_id == integration_id, may_use(actor)
    )
    unknown = sorted(set(connection_ids) - set(await session.scalars(usable)))
    if unknown:
        ids = ", ".join(map(str, unknown))
        raise Unprocessable(
            f"connection_ids: your organization has no connection {ids} to {integration_id}", field="connection_ids"
        )


async def _refuse_ambiguous_modules(session: AsyncSession, actor: Actor) -> None:
    """Refuses a name of a module that can be read in two ways: it belongs to the longest namespace it begins with."""
    interfaces = select(PluginInterface.namespace).where(visible_to(actor, PluginInterface.organization_id))
    namespaces = list(await session.scalars(interfaces))
    plugins = (
        select(PluginInterface.namespace, Plugin.integration_id)
        .join(Plugin, Plugin.interface_id == PluginInterface.id)
        .where(visible_to(actor, Plugin.organization_id))
    )
    for namespace, integration_id in await session.execute(plugins):
        module = f"{namespace}_{integration_id}"
        read_as = max((name for name in namespaces if module.startswith(f"{name}_")), key=len)
        if read_as != namespace:
            raise NameTaken(
                f"the module plugins.{module} of {namespace!r} would be taken for one of {read_as!r}:"
                " choose another namespace"
            )


def _keep_interface_version(session: AsyncSession, actor: Actor, interface: PluginInterface) -> None:
    session.add(
        PluginInterfaceVersion(
            interface_id=interface.id,
            number=interface.version,
            capabilities=interface.capabilities,
            code=interface.code,
            author_id=actor.user_id,
        )
    )


def _keep_plugin_version(session: AsyncSession, actor: Actor, plugin: Plugin) -> None:
    session.add(PluginVersion(plugin_id=plugin.id, number=plugin.version, code=plugin.code, author_id=actor.user_id))
