"""`api.plugins`: which plugins there are, and calling one.

A plugin is a module `plugins.<namespace>_<integration id>` on the interpreter's path; calling it makes no HTTP
request.
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

# Where a module keeps the state of the file it was loaded from.
_STAMP = "__automio_stamp__"


class PluginsOperations(Resource):
    """Plugins of the organization."""

    @operation
    def get_list(self, namespace: str) -> Call[list[PluginConnections]]:
        """The enabled plugins of an interface: per integration, the connections it may use."""
        return Call(
            Request(
                method="GET", path=f"/api/plugins/plugins/get_list/{quote(namespace, safe='')}/", repeatable=True
            ),
            lambda reply: [PluginConnections.from_wire(item) for item in as_list(read_json(reply))],
        )

    @operation
    def get_plugins(self, namespace: str, page: int | None = None, per_page: int | None = None) -> Call[Page[Plugin]]:
        """One page of the plugins of an interface, enabled or not."""
        return _plugins_page(namespace, page, per_page)

    @pages_operation
    def iterate_plugins(self, namespace: str, per_page: int = 100) -> Call[Batch[Plugin]]:
        """All plugins of an interface, page by page as they are needed."""
        return numbered(lambda number: _plugins_page(namespace, number, per_page))


class Plugins(PluginsOperations, SyncResource):
    """Plugins of the organization."""

    def invoke(
        self,
        plugin: str,
        integration: str | Integration,
        connection_ids: Sequence[int | str] | None = None,
        **payload: Any,
    ) -> Any:
        """Calls a capability (`"<namespace>.<capability>"`) of an integration's plugin and gives what it returns.

        Whatever the plugin's code raises arrives unchanged. PluginNotFound when there is no plugin for this
        integration, CapabilityNotImplemented when it has no such function.
        """
        capability = _capability(plugin, integration, self)
        return capability(connection_ids=list(connection_ids or ()), **payload)


class AsyncPlugins(PluginsOperations, AsyncResource):
    """Plugins of the organization."""

    async def invoke(
        self,
        plugin: str,
        integration: str | Integration,
        connection_ids: Sequence[int | str] | None = None,
        **payload: Any,
    ) -> Any:
        """As `Plugins.invoke`; what the capability returns is awaited if it can be."""
        result = _capability(plugin, integration, self)(connection_ids=list(connection_ids or ()), **payload)
        return await result if isinstance(result, Awaitable) else result


def _capability(plugin: str, integration: str | Integration, resource: Resource) -> Any:
    namespace, separator, name = plugin.partition(".")
    if not separator or not namespace.isidentifier() or not name.isidentifier():
        raise ValueError(f'A capability is written "<namespace>.<capability>", not {plugin!r}.')
    integration_id = integration.integration_id if isinstance(integration, Integration) else integration
    module = _load(f"plugins.{namespace}_{integration_id}", namespace, integration_id, resource._context.client)
    # The documented plugin code uses `api` without importing it.
    module.__dict__.setdefault("api", resource._context.client)
    try:
        return module.__dict__[name]
    except KeyError:
        raise CapabilityNotImplemented(
            f"The plugin of {namespace!r} for {integration_id!r} has no function {name!r}.",
            hint=f"Define `def {name}(connection_ids, …)` in it or in the interface's code.",
        ) from None


def _load(name: str, namespace: str, integration_id: str, client: Any) -> ModuleType:
    """The plugin's module, loaded anew when its file has changed since."""
    try:
        # Before the module: its top level may use `api` too. A package of the user's own need not know of it.
        use_api = getattr(importlib.import_module("plugins"), "use_api", None)
        if use_api is not None:
            use_api(client)
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        # Only the plugin itself missing; a module that its code imports in vain is the plugin's own error.
        if error.name not in (name, "plugins"):
            raise
        raise PluginNotFound(
            f"There is no plugin of {namespace!r} for integration {integration_id!r} (module {name}).",
            hint="Is it enabled? `api.plugins.get_list(namespace)` lists the enabled ones.",
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
