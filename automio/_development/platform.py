"""What the commands for local development ask the platform: source trees, plugins, and what stubs are made of."""

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
    """A version of an app's source; version 0 is that of an app without any."""

    version: int
    files: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class RemoteInterface(WireModel):
    """A plugin interface."""

    namespace: str
    code: str
    version: int
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RemotePlugin(WireModel):
    """A plugin; `code` is None for those who may not change it."""

    id: int
    version: int
    code: str | None = None

    @property
    def integration_id(self) -> str:
        return str(as_object(self.raw.get("integration")).get("integration_id", ""))


@dataclass(frozen=True, kw_only=True)
class RemoteOperation(WireModel):
    """An operation that an integration's definition lists."""

    method: str
    path: str


@dataclass(frozen=True, kw_only=True)
class RemoteAction(WireModel):
    """An action, by what a run of it is told."""

    id: int
    entry: str
    action_type: str


class Development(Account):
    """The platform as a developer's commands see it."""

    @operation
    def source(self, app: AppId) -> Call[SourceTree]:
        """The latest source tree of an app."""
        return Call(
            Request(method="GET", path=f"/api/apps/{app_in_path(app)}/source/", repeatable=True), _read_source
        )

    @operation
    def change_source(
        self, app: AppId, changes: Mapping[str, str | None], base_version: int, message: str
    ) -> Call[int]:
        """Stores changes (None removes a file) as the next version and gives its number; Conflict when it is not."""
        body = {"base_version": base_version, "changes": dict(changes), "message": message}
        request = Request(
            method="PATCH", path=f"/api/apps/{app_in_path(app)}/source/", content=encode_json(body), timeout=60
        )
        return Call(request, lambda reply: int(as_object(read_json(reply))["number"]))

    @pages_operation
    def interfaces(self) -> Call[Batch[RemoteInterface]]:
        """The organization's plugin interfaces."""
        return numbered(lambda number: _page("/api/plugins/plugin-interfaces/", RemoteInterface, number))

    @pages_operation
    def plugins(self, namespace: str) -> Call[Batch[RemotePlugin]]:
        """The plugins of an interface."""
        path = f"{_interface(namespace)}plugins/"
        return numbered(lambda number: _page(path, RemotePlugin, number))

    @operation
    def create_interface(self, namespace: str, capabilities: Sequence[str], code: str) -> Call[RemoteInterface]:
        """Defines an interface."""
        body = {"namespace": namespace, "capabilities": list(capabilities), "code": code}
        request = Request(method="POST", path="/api/plugins/plugin-interfaces/", content=encode_json(body))
        return Call(request, lambda reply: RemoteInterface.from_wire(read_json(reply)))

    @operation
    def change_interface(
        self, namespace: str, code: str, base_version: int, accept_breaking: bool
    ) -> Call[RemoteInterface]:
        """Changes an interface's code; Conflict when `base_version` is not the latest or plugins would break."""
        body = {"base_version": base_version, "code": code, "accept_breaking": accept_breaking}
        request = Request(method="PUT", path=_interface(namespace), content=encode_json(body))
        return Call(request, lambda reply: RemoteInterface.from_wire(read_json(reply)))

    @operation
    def create_plugin(self, namespace: str, integration_id: str, code: str) -> Call[RemotePlugin]:
        """Implements an interface for an integration."""
        body = {"integration_id": integration_id, "code": code}
        request = Request(method="POST", path=f"{_interface(namespace)}plugins/", content=encode_json(body))
        return Call(request, lambda reply: RemotePlugin.from_wire(read_json(reply)))

    @operation
    def change_plugin(self, plugin_id: int, code: str, base_version: int, enable: bool) -> Call[RemotePlugin]:
        """Changes a plugin's code, and switches it on again if asked to."""
        body = {"base_version": base_version, "code": code, **({"is_enabled": True} if enable else {})}
        request = Request(method="PUT", path=f"/api/plugins/plugins/{plugin_id}/", content=encode_json(body))
        return Call(request, lambda reply: RemotePlugin.from_wire(read_json(reply)))

    @operation
    def delete_plugin(self, plugin_id: int) -> Call[None]:
        """Removes a plugin."""
        return Call(Request(method="DELETE", path=f"/api/plugins/plugins/{plugin_id}/"), raise_for_status)

    @operation
    def delete_interface(self, namespace: str) -> Call[None]:
        """Removes an interface that has no plugins."""
        return Call(Request(method="DELETE", path=_interface(namespace)), raise_for_status)

    @operation
    def tables(self, app: AppId) -> Call[list[dict[str, Any]]]:
        """The tables of an app with their columns."""
        request = Request(method="GET", path=f"/api/apps/{app_in_path(app)}/tables/", repeatable=True)
        return Call(
            request, lambda reply: [as_object(one) for one in as_list(as_object(read_json(reply)).get("tables"))]
        )

    @operation
    def actions(self, app: AppId) -> Call[list[RemoteAction]]:
        """The actions of an app."""
        request = Request(method="GET", path="/api/actions/", parameters={"app": str(app)}, repeatable=True)
        return Call(request, lambda reply: [RemoteAction.from_wire(one) for one in as_list(read_json(reply))])

    @pages_operation
    def integrations(self) -> Call[Batch[Integration]]:
        """The integrations that the organization can use."""
        return numbered(lambda number: _page("/api/integrations/", Integration, number))

    @pages_operation
    def operations(self, integration_id: str) -> Call[Batch[RemoteOperation]]:
        """The operations that an integration's definition lists; NotFound where none are known."""
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
    found = as_object(read_json(reply))
    files = as_object(found.get("files"))
    return SourceTree(int(found["number"]), {path: text for path, text in files.items() if isinstance(text, str)})
