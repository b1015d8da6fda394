"""Serves plugin interfaces and plugins over HTTP (contract §9)."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import BuildActorDep, DataActorDep
from platform_api.accounts.models import Role
from platform_api.accounts.service import load_organization
from platform_api.apps.access import get_usable_app
from platform_api.apps.parameters import AppQuery
from platform_api.core.database import SessionDep
from platform_api.core.errors import NotFound
from platform_api.core.http.pagination import ListingDep, SearchQuery
from platform_api.core.types import PluginId
from platform_api.integrations.access import get_definition
from platform_api.integrations.parameters import CallActorDep
from platform_api.plugins import access, service, versions
from platform_api.plugins.models import Plugin, PluginInterface
from platform_api.plugins.schemas import (
    BrokenPlugin,
    DiffRead,
    IntegrationName,
    InterfaceChanged,
    InterfaceCreate,
    InterfaceOrder,
    InterfacePage,
    InterfaceRead,
    InterfaceReplace,
    ModuleRead,
    PluginCreate,
    PluginListed,
    PluginOrder,
    PluginPage,
    PluginRead,
    PluginReplace,
    ProblemRead,
    RuntimePluginRead,
    VersionRead,
)

router = APIRouter(prefix="/plugins", tags=["plugins"])

NamespaceReference = Annotated[str, Path(description="Namespace of the plugin interface", max_length=50)]
PluginReference = Annotated[PluginId, Path(ge=1, le=2**31 - 1)]
ModuleName = Annotated[
    str, Path(description="`interfaces.<namespace>` or `<namespace>_<integration id>`", max_length=160)
]
FromVersion = Annotated[int, Query(ge=1, le=2**31 - 1)]
ToVersion = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="The latest when left out")]


@router.get(
    "/plugins/get_list/{namespace}/", summary="List the enabled plugins of an interface and their connections"
)
async def get_list(actor: CallActorDep, session: SessionDep, namespace: NamespaceReference) -> list[PluginListed]:
    interface = await access.get_interface(session, actor, namespace)
    enabled = await access.list_enabled(session, actor, interface)
    return [PluginListed(id=plugin.integration_id, connection_ids=connections) for plugin, connections in enabled]


@router.get("/plugins/runtime/", summary="List the plugins that a script can invoke")
async def list_runtime_plugins(
    actor: CallActorDep,
    session: SessionDep,
    app: AppQuery = None,
    use_users_plugins: Annotated[bool, Query(description="Changes nothing: a script has its organization's")] = False,
    interface: Annotated[str | None, Query(max_length=50, description="Namespace of the interface")] = None,
    capability: Annotated[str | None, Query(max_length=100, description="One that the plugin implements")] = None,
    integration: Annotated[str | None, Query(max_length=100, description="Id of the integration")] = None,
) -> list[RuntimePluginRead]:
    """Returns the enabled ones of the organization; a script invokes them in its own run."""
    if app is not None:
        await get_usable_app(session, actor, app)
    found = await access.list_runnable(session, actor, namespace=interface, integration_id=integration)
    listed = [
        RuntimePluginRead.of(plugin, its, integration=await _integration(session, actor, plugin.integration_id))
        for plugin, its in found
    ]
    return [one for one in listed if capability is None or capability in one.implemented_capabilities]


@router.get("/modules/{module}/", summary="Return the code of an interface or an enabled plugin")
async def get_module(
    actor: DataActorDep,
    session: SessionDep,
    module: Annotated[
        str, Path(description="`interfaces.<namespace>` or `<namespace>_<integration>`", max_length=160)
    ],
    known: Annotated[str | None, Query(max_length=64, description="SHA-256 of the code that the caller has")] = None,
) -> ModuleRead:
    # A developer's scripts work with a token that need not be able to change anything; its user builds all the same.
    actor.require_role(Role.BUILDER)
    interface, plugin = await access.find_module(session, actor, module)
    organization = await load_organization(session, interface.organization_id)
    return ModuleRead.of(module, organization, interface, plugin, known=known)


@router.get("/plugin-interfaces/{namespace}/plugins/", summary="List the plugins of an interface, enabled or not")
async def list_plugins(
    actor: DataActorDep,
    session: SessionDep,
    namespace: NamespaceReference,
    listing: ListingDep,
    search: SearchQuery = None,
    order: PluginOrder = "integration_id",
    app: AppQuery = None,
) -> PluginPage:
    """Returns those of the organization, whichever `app` is named: published clients name one."""
    if app is not None:
        await get_usable_app(session, actor, app)
    interface = await access.get_interface(session, actor, namespace)
    part = await access.list_plugins(session, actor, interface, search=search, order=order, window=listing.window)
    return PluginPage(
        **listing.links(part),
        results=[await _plugin(session, actor, plugin, interface) for plugin in part.items],
    )


@router.get("/plugin-interfaces/", summary="List the organization's plugin interfaces")
async def list_interfaces(
    actor: BuildActorDep,
    session: SessionDep,
    listing: ListingDep,
    search: SearchQuery = None,
    order: InterfaceOrder = "namespace",
) -> InterfacePage:
    part = await access.list_interfaces(session, actor, search=search, order=order, window=listing.window)
    return InterfacePage(
        **listing.links(part),
        results=[InterfaceRead.model_validate(interface) for interface in part.items],
    )


@router.post("/plugin-interfaces/", status_code=201, summary="Define a plugin interface")
async def create_interface(actor: BuildActorDep, session: SessionDep, body: InterfaceCreate) -> InterfaceRead:
    return InterfaceRead.model_validate(await service.create_interface(session, actor, body))


@router.get("/plugin-interfaces/{namespace}/", summary="Return a plugin interface with its code")
async def get_interface(actor: BuildActorDep, session: SessionDep, namespace: NamespaceReference) -> InterfaceRead:
    return InterfaceRead.model_validate(await access.get_interface(session, actor, namespace))


@router.put("/plugin-interfaces/{namespace}/", summary="Change a plugin interface; lists the plugins it breaks")
async def replace_interface(
    actor: BuildActorDep, session: SessionDep, namespace: NamespaceReference, body: InterfaceReplace
) -> InterfaceChanged:
    interface, broken = await service.replace_interface(session, actor, namespace, body)
    changed = InterfaceChanged.model_validate(interface)
    changed.broken = [
        BrokenPlugin(
            integration_id=one.plugin.integration_id,
            problems=[ProblemRead.model_validate(problem) for problem in one.problems],
        )
        for one in broken
    ]
    return changed


@router.delete("/plugin-interfaces/{namespace}/", status_code=204, summary="Remove a plugin interface")
async def delete_interface(actor: BuildActorDep, session: SessionDep, namespace: NamespaceReference) -> None:
    await service.delete_interface(session, actor, namespace)


@router.get("/plugin-interfaces/{namespace}/versions/", summary="List the latest versions of a plugin interface")
async def list_interface_versions(
    actor: BuildActorDep, session: SessionDep, namespace: NamespaceReference
) -> list[VersionRead]:
    interface = await access.get_interface(session, actor, namespace)
    found = await versions.list_interface_versions(session, interface)
    return [VersionRead.model_validate(one) for one in found]


@router.get("/plugin-interfaces/{namespace}/diff/", summary="Compare two versions of a plugin interface")
async def diff_interface(
    actor: BuildActorDep,
    session: SessionDep,
    namespace: NamespaceReference,
    from_version: FromVersion,
    to_version: ToVersion = None,
) -> DiffRead:
    interface = await access.get_interface(session, actor, namespace)
    after = to_version or interface.version
    diff = await versions.diff_interface(session, interface, from_version, after)
    return DiffRead(from_version=from_version, to_version=after, diff=diff)


@router.post("/plugin-interfaces/{namespace}/plugins/", status_code=201, summary="Implement an interface")
async def create_plugin(
    actor: BuildActorDep, session: SessionDep, namespace: NamespaceReference, body: PluginCreate
) -> PluginRead:
    return await _plugin(session, actor, *await service.create_plugin(session, actor, namespace, body))


@router.get("/plugins/{plugin_id}/", summary="Return a plugin with its code")
async def get_plugin(actor: BuildActorDep, session: SessionDep, plugin_id: PluginReference) -> PluginRead:
    return await _plugin(session, actor, *await access.get_plugin(session, actor, plugin_id))


@router.put("/plugins/{plugin_id}/", summary="Change a plugin")
async def replace_plugin(
    actor: BuildActorDep, session: SessionDep, plugin_id: PluginReference, body: PluginReplace
) -> PluginRead:
    return await _plugin(session, actor, *await service.replace_plugin(session, actor, plugin_id, body))


@router.delete("/plugins/{plugin_id}/", status_code=204, summary="Remove a plugin")
async def delete_plugin(actor: BuildActorDep, session: SessionDep, plugin_id: PluginReference) -> None:
    await service.delete_plugin(session, actor, plugin_id)


@router.get("/plugins/{plugin_id}/versions/", summary="List the latest versions of a plugin")
async def list_plugin_versions(
    actor: BuildActorDep, session: SessionDep, plugin_id: PluginReference
) -> list[VersionRead]:
    plugin, _ = await access.get_plugin(session, actor, plugin_id)
    return [VersionRead.model_validate(one) for one in await versions.list_plugin_versions(session, plugin)]


@router.get("/plugins/{plugin_id}/diff/", summary="Compare two versions of a plugin")
async def diff_plugin(
    actor: BuildActorDep,
    session: SessionDep,
    plugin_id: PluginReference,
    from_version: FromVersion,
    to_version: ToVersion = None,
) -> DiffRead:
    plugin, interface = await access.get_plugin(session, actor, plugin_id)
    after = to_version or plugin.version
    diff = await versions.diff_plugin(session, plugin, interface, from_version, after)
    return DiffRead(from_version=from_version, to_version=after, diff=diff)


async def _plugin(session: AsyncSession, actor: Actor, plugin: Plugin, interface: PluginInterface) -> PluginRead:
    organization = await load_organization(session, plugin.organization_id)
    return PluginRead.of(
        plugin,
        interface,
        organization,
        integration=await _integration(session, actor, plugin.integration_id),
        shows_code=actor.role.includes(Role.BUILDER),
    )


async def _integration(session: AsyncSession, actor: Actor, integration_id: str) -> IntegrationName:
    try:
        definition = await get_definition(session, actor, integration_id)
    except NotFound:
        # Left out of the catalogue since; the plugin is shown all the same.
        return IntegrationName(name=integration_id, icon="", integration_id=integration_id)
    return IntegrationName(name=definition.name, icon=definition.icon or "", integration_id=definition.id)
