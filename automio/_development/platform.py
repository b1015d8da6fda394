"""Sends the requests of the commands for local development: source trees, plugins, and the data for type stubs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from automio._account import Account
from automio._decode import WireModel, as_list, as_object
from automio._exchange import Batch, Call, Reply, Request, numbered
from automio._integration_models import Integration
from automio._json import encode_json
from automio._models import Page
from automio._operation import operation, pages_operation
from automio._replies import raise_for_status, read_json
from automio._settings import AppId, app_in_path


@dataclass(frozen=True)
class SourceTree:
    """Describes a version of an app's source tree; an app without source has version 0."""

    version: int
    files: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RemoteInterface(WireModel):
    """Describes a plugin interface."""

    namespace: str
    code: str
    version: int
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RemotePlugin(WireModel):
    """Describes a plugin; `code` is None if the caller may not change it."""

    id: int
    version: int
    code: str | None = None

    @property
    def integration_id(self) -> str:
        return str(as_object(self.raw.get("integration")).get("integration_id", ""))


@dataclass(frozen=True, kw_only=True)
class RemoteOperation(WireModel):
    """Describes an operation that an integration's definition lists."""

    method: str
    path: str


@dataclass(frozen=True, kw_only=True)
class RemoteAction(WireModel):
    """Describes an action, with the fields that its run sees."""

    id: int
    entry: str
    action_type: str


class Development(Account):
    """Offers the platform's API as the development commands use it."""

    @operation
    def source(self, app: AppId) -> Call[SourceTree]:
        """Returns the latest source tree of an app."""
        return Call(
            Request(method="GET", path=f"/api/apps/{app_in_path(app)}/source/", repeatable=True), _read_source
        )

    @operation
    def change_source(
        self, app: AppId, changes: Mapping[str, str | None], base_version: int, message: str
    ) -> Call[int]:
        """Stores changes (None removes a file) as a new version and returns its number.

        Raises Conflict when `base_version` is not the latest version.
        """
        body = {"base_version": base_version, "changes": dict(changes), "message": message}
        request = Request(
            method="PATCH", path=f"/api/apps/{app_in_path(app)}/source/", content=encode_json(body), timeout=60
        )
        return Call(request, lambda reply: int(as_object(read_json(reply))["number"]))

    @pages_operation
    def interfaces(self) -> Call[Batch[RemoteInterface]]:
        """Yields the organization's plugin interfaces."""
        return numbered(lambda number: _page("/api/plugins/plugin-interfaces/", RemoteInterface, number))

    @pages_operation
    def plugins(self, namespace: str) -> Call[Batch[RemotePlugin]]:
        """Yields the plugins of an interface."""
        path = f"{_interface(namespace)}plugins/"
        return numbered(lambda number: _page(path, RemotePlugin, number))

    @operation
    def create_interface(self, namespace: str, capabilities: Sequence[str], code: str) -> Call[RemoteInterface]:
        """Creates an interface."""
        body = {"namespace": namespace, "capabilities": list(capabilities), "code": code}
        request = Request(method="POST", path="/api/plugins/plugin-interfaces/", content=encode_json(body))
        return Call(request, lambda reply: RemoteInterface.from_wire(read_json(reply)))

    @operation
    def change_interface(
        self, namespace: str, code: str, base_version: int, accept_breaking: bool
    ) -> Call[RemoteInterface]:
        """Changes an interface's code; raises Conflict if `base_version` is not the latest or plugins would break."""
        body = {"base_version": base_version, "code": code, "accept_breaking": accept_breaking}
        request = Request(method="PUT", path=_interface(namespace), content=encode_json(body))
        return Call(request, lambda reply: RemoteInterface.from_wire(read_json(reply)))

    @operation
    def create_plugin(self, namespace: str, integration_id: str, code: str) -> Call[RemotePlugin]:
        """Creates a plugin: the implementation of an interface for an integration."""
        body = {"integration_id": integration_id, "code": code}
        request = Request(method="POST", path=f"{_interface(namespace)}plugins/", content=encode_json(body))
        return Call(request, lambda reply: RemotePlugin.from_wire(read_json(reply)))

    @operation
    def change_plugin(self, plugin_id: int, code: str, base_version: int, enable: bool) -> Call[RemotePlugin]:
        """Changes a plugin's code, and enables the plugin if `enable` is true."""
        body = {"base_version": base_version, "code": code, **({"is_enabled": True} if enable else {})}
        request = Request(method="PUT", path=f"/api/plugins/plugins/{plugin_id}/", content=encode_json(body))
        return Call(request, lambda reply: RemotePlugin.from_wire(read_json(reply)))

    @operation
    def delete_plugin(self, plugin_id: int) -> Call[None]:
        """Deletes a plugin."""
        return Call(Request(method="DELETE", path=f"/api/plugins/plugins/{plugin_id}/"), raise_for_status)

    @operation
    def delete_interface(self, namespace: str) -> Call[None]:
        """Deletes an interface that has no plugins."""
        return Call(Request(method="DELETE", path=_interface(namespace)), raise_for_status)

    @operation
    def tables(self, app: AppId) -> Call[list[dict[str, Any]]]:
        """Returns the tables of an app with their columns."""
        request = Request(method="GET", path=f"/api/apps/{app_in_path(app)}/tables/", repeatable=True)
        return Call(
            request, lambda reply: [as_object(table) for table in as_list(as_object(read_json(reply)).get("tables"))]
        )

    @operation
    def actions(self, app: AppId) -> Call[list[RemoteAction]]:
        """Returns the actions of an app."""
        request = Request(method="GET", path="/api/actions/", parameters={"app": str(app)}, repeatable=True)
        return Call(request, lambda reply: [RemoteAction.from_wire(item) for item in as_list(read_json(reply))])

    @pages_operation
    def integrations(self) -> Call[Batch[Integration]]:
        """Yields the integrations that the organization can use."""
        return numbered(lambda number: _page("/api/integrations/", Integration, number))

    @pages_operation
    def operations(self, integration_id: str) -> Call[Batch[RemoteOperation]]:
        """Yields the operations that an integration's definition lists; raises NotFound when it lists none."""
        path = f"/api/integrations/{quote(integration_id, safe='')}/operations/"
        return numbered(lambda number: _page(path, RemoteOperation, number))


def _interface(namespace: str) -> str:
    return f"/api/plugins/plugin-interfaces/{quote(namespace, safe='')}/"


def _page(path: str, model: Any, number: int) -> Call[Page[Any]]:
    request = Request(method="GET", path=path, parameters={"page": str(number), "per_page": "100"}, repeatable=True)
    return Call(request, lambda reply: Page.from_wire(read_json(reply), model.from_wire))


def _read_source(reply: Reply) -> SourceTree:
    if reply.status == 404 and b"no source yet" in reply.body:
        return SourceTree(0, {})
    payload = as_object(read_json(reply))
    files = as_object(payload.get("files"))
    return SourceTree(int(payload["number"]), {path: text for path, text in files.items() if isinstance(text, str)})
