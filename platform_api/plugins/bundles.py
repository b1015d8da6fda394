"""Brings plugins to a run: their modules are in the run's bundle, beside the app's source tree.

The folder `.plugins/` cannot be in a source tree (no part of a path there starts with a dot), so no file of an app is
hidden by it. Bundles stay immutable: the digest covers the source and every module, and a run executes what it
was started with, however plugins change meanwhile.
"""

import hashlib
import json
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.models import SourceVersion
from platform_api.apps.source import load_files
from platform_api.core.errors import NotFound
from platform_api.plugins.models import Plugin, PluginBundle, PluginInterface

_FOLDER = ".plugins"


async def bundle_for(session: AsyncSession, actor: Actor, source_digest: str) -> str:
    """Returns the digest of the bundle of a source tree and the plugins of the organization that `actor` acts in."""
    digests = await _modules(session, actor, PluginInterface.digest, Plugin.digest)
    if not digests:
        return source_digest
    digest = _digest(source_digest, digests)
    if await session.scalar(select(PluginBundle.digest).where(PluginBundle.digest == digest)) is None:
        modules = await _modules(session, actor, PluginInterface.code, Plugin.code)
        values = {"digest": digest, "source_digest": source_digest, "modules": modules}
        await session.execute(insert(PluginBundle).values(values).on_conflict_do_nothing())
    return digest


async def load_bundle(session: AsyncSession, digest: str) -> dict[str, str]:
    """Returns the files of a bundle, text by path: the source tree, and the modules of plugins. Raises NotFound."""
    bundle = await session.get(PluginBundle, digest)
    source_digest, modules = (digest, {}) if bundle is None else (bundle.source_digest, bundle.modules)
    # Equal digests are equal trees, whichever app's version is found.
    version = await session.scalar(select(SourceVersion).where(SourceVersion.digest == source_digest).limit(1))
    if version is None:
        raise NotFound(f"there is no bundle {digest}")
    return {**await load_files(session, version), **modules}


async def _modules(
    session: AsyncSession,
    actor: Actor,
    of_interface: InstrumentedAttribute[str],
    of_plugin: InstrumentedAttribute[str],
) -> dict[str, str]:
    """Maps paths to the requested column, for every interface and enabled plugin of the organization."""
    interfaces = select(PluginInterface.namespace, of_interface).where(
        visible_to(actor, PluginInterface.organization_id)
    )
    plugins = (
        select(PluginInterface.namespace, Plugin.integration_id, of_plugin)
        .join(PluginInterface, PluginInterface.id == Plugin.interface_id)
        .where(visible_to(actor, Plugin.organization_id), Plugin.is_enabled)
    )
    modules = {f"{_FOLDER}/interfaces/{name}.py": value for name, value in await session.execute(interfaces)}
    if modules:
        for name, integration_id, value in await session.execute(plugins):
            modules[f"{_FOLDER}/{name}_{integration_id}.py"] = value
    return modules


def _digest(source_digest: str, modules: Mapping[str, str]) -> str:
    canonical = json.dumps([source_digest, sorted(modules.items())], separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
