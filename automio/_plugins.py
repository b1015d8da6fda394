"""Provides `api.plugins`: list plugins and call their capabilities.

A plugin is a module `plugins.<namespace>_<integration id>` on the interpreter's path; calling it sends no request to
the platform.
"""

import importlib
import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

from automio._decode import as_list
from automio._exceptions import CapabilityNotImplemented, PluginNotFound
from automio._exchange import Batch, Call, Reply, Request, numbered
from automio._integration_models import Integration, Plugin, PluginConnections
from automio._models import Page
from automio._operation import AsyncResource, Resource, SyncResource, operation, pages_operation
from automio._replies import read_json

# Attribute of a module with time and size of the file it was loaded from.
_STAMP = "__automio_stamp__"


class PluginsOperations(Resource):
    """Offers plugins of the organization."""

    @operation
    def get_list(self, namespace: str) -> Call[list[PluginConnections]]:
        """Returns the enabled plugins of an interface: integrations with the connections that they may use."""
        return Call(
            Request(
                method="GET", path=f"/api/plugins/plugins/get_list/{quote(namespace, safe='')}/", repeatable=True
            ),
            lambda reply: [PluginConnections.from_wire(item) for item in as_list(read_json(reply))],
        )

    @operation
    def get_plugins(self, namespace: str, page: int | None = None, per_page: int | None = None) -> Call[Page[Plugin]]:
        """Returns one page of the plugins of an interface, enabled or not."""
        return _plugins_page(namespace, page, per_page)

    @pages_operation
    def iterate_plugins(self, namespace: str, per_page: int = 100) -> Call[Batch[Plugin]]:
        """Yields all plugins of an interface; a page is fetched when it is needed."""
        return numbered(lambda number: _plugins_page(namespace, number, per_page))


class Plugins(PluginsOperations, SyncResource):
    """Offers plugins of the organization."""

    def invoke(
        self,
        plugin: str,
        integration: str | Integration,
        connection_ids: Sequence[int | str] | None = None,
        **payload: Any,
    ) -> Any:
        """Calls a capability (`"<namespace>.<capability>"`) of an integration's plugin and returns its value.

        Exceptions of the plugin's code are not changed. Raises PluginNotFound when this integration has no plugin,
        CapabilityNotImplemented when the plugin does not have the function.
        """
        capability = _capability(plugin, integration, self)
        return capability(connection_ids=list(connection_ids or ()), **payload)


class AsyncPlugins(PluginsOperations, AsyncResource):
    """Offers plugins of the organization."""

    async def invoke(
        self,
        plugin: str,
        integration: str | Integration,
        connection_ids: Sequence[int | str] | None = None,
        **payload: Any,
    ) -> Any:
        """Does the same as `Plugins.invoke`, and awaits the capability's value if it is awaitable."""
        result = _capability(plugin, integration, self)(connection_ids=list(connection_ids or ()), **payload)
        return await result if isinstance(result, Awaitable) else result


def _capability(plugin: str, integration: str | Integration, resource: Resource) -> Any:
    namespace, separator, name = plugin.partition(".")
    if not separator or not namespace.isidentifier() or not name.isidentifier():
        raise ValueError(f'A capability has the form "<namespace>.<capability>", not {plugin!r}.')
    integration_id = integration.integration_id if isinstance(integration, Integration) else integration
    module = _load(f"plugins.{namespace}_{integration_id}", namespace, integration_id, resource._context.client)
    # Plugin code may use `api` without importing it.
    module.__dict__.setdefault("api", resource._context.client)
    try:
        return module.__dict__[name]
    except KeyError:
        raise CapabilityNotImplemented(
            f"The plugin of {namespace!r} for {integration_id!r} has no function {name!r}.",
            hint=f"Define `def {name}(connection_ids, …)` in the plugin or in its interface.",
        ) from None


def _load(name: str, namespace: str, integration_id: str, client: Any) -> ModuleType:
    """Returns the plugin's module; reloads it when its file has changed."""
    try:
        # Set before the import, as the module may use `api` at its top level. A `plugins` package of the user's own
        # does not have `use_api`.
        use_api = getattr(importlib.import_module("plugins"), "use_api", None)
        if use_api is not None:
            use_api(client)
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A missing module that the plugin imports is the plugin's own error.
        if error.name not in (name, "plugins"):
            raise
        raise PluginNotFound(
            f"There is no plugin of {namespace!r} for integration {integration_id!r} (module {name}).",
            hint="Check that it is enabled: `api.plugins.get_list(namespace)` lists the enabled plugins.",
        ) from error
    stamp = _stamp(module)
    if module.__dict__.setdefault(_STAMP, stamp) != stamp:
        module = importlib.reload(sys.modules[name])
        setattr(module, _STAMP, stamp)
    return module


def _stamp(module: ModuleType) -> tuple[int, int] | None:
    if module.__file__ is None:
        return None
    try:
        status = Path(module.__file__).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _plugins_page(namespace: str, page: int | None, per_page: int | None) -> Call[Page[Plugin]]:
    parameters = {name: str(value) for name, value in (("page", page), ("per_page", per_page)) if value is not None}
    path = f"/api/plugins/plugin-interfaces/{quote(namespace, safe='')}/plugins/"
    return Call(Request(method="GET", path=path, parameters=parameters, repeatable=True), _read_plugins)


def _read_plugins(reply: Reply) -> Page[Plugin]:
    return Page.from_wire(read_json(reply), Plugin.from_wire)
