"""Defines integrations, connections and plugins, and the answers of calls through them."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypedDict, overload

from automio._decode import WireModel, as_boolean, as_integer, as_list, as_object, as_text
from automio._exceptions import InvalidReply
from automio._json import decode_json


@dataclass(frozen=True, kw_only=True)
class IntegrationCategory(WireModel):
    """Describes a category of the integration catalogue."""

    id: int | None = None
    name: str
    slug: str


@dataclass(frozen=True, kw_only=True)
class IntegrationType(WireModel):
    """Describes the kind of service an integration talks to."""

    code: str | None = None
    name: str
    icon: str | None = None


@dataclass(frozen=True, kw_only=True)
class Integration(WireModel):
    """Describes a third-party HTTP API. Fields of the platform that have no attribute here are in `raw`.

    `connected_accounts` holds the ids of the connections that this app may use.
    """

    integration_id: str
    name: str
    version: str
    id: int | None = None
    owner: int | None = None
    type: IntegrationType | None = None
    tags: tuple[str, ...] = ()
    categories: tuple[IntegrationCategory, ...] = ()
    icon: str | None = None
    description: str | None = None
    website_url: str | None = None
    api_base_url: str | None = None
    api_docs_url: str | None = None
    openapi_json_scheme_url: str | None = None
    scope: str | None = None
    activated: bool | None = None
    is_global: bool | None = None
    is_official: bool | None = None
    is_sandbox: bool
    account_fields: Any = None
    configuration_form: Any = None
    extra_headers: Any = None
    countries: tuple[str, ...] = ()
    connected_accounts: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Connection(WireModel):
    """Describes a connected account of an integration; `connection["id"]` works like `connection.id`."""

    id: int
    name: str

    def __getitem__(self, key: str) -> Any:
        return self.raw[key]


class ConnectionsByOrganization:
    """Holds connections as a flat list (iterate it) and by organization (`items()`, `[organization_id]`)."""

    def __init__(self, connections: Mapping[str, Sequence[Connection]]) -> None:
        self._connections = {str(key): list(value) for key, value in connections.items()}

    @classmethod
    def from_wire(cls, payload: Any) -> "ConnectionsByOrganization":
        return cls(
            {
                organization: [Connection.from_wire(item) for item in as_list(items)]
                for organization, items in as_object(payload).items()
            }
        )

    def __iter__(self) -> Iterator[Connection]:
        return (connection for connections in self._connections.values() for connection in connections)

    def __len__(self) -> int:
        return sum(map(len, self._connections.values()))

    def __contains__(self, item: object) -> bool:
        return str(item) in self._connections or any(item == connection for connection in self)

    @overload
    def __getitem__(self, organization_id: slice) -> list[Connection]: ...
    @overload
    def __getitem__(self, organization_id: int | str) -> list[Connection]: ...
    def __getitem__(self, organization_id: int | str | slice) -> list[Connection]:
        if isinstance(organization_id, slice):
            return list(self)[organization_id]
        return self._connections[str(organization_id)]

    def get(self, organization_id: int | str, default: Any = None) -> Any:
        return self._connections.get(str(organization_id), default)

    def keys(self) -> list[str]:
        """Returns the organization ids, as text."""
        return list(self._connections)

    def values(self) -> list[list[Connection]]:
        return list(self._connections.values())

    def items(self) -> list[tuple[str, list[Connection]]]:
        return list(self._connections.items())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connections!r})"


@dataclass(frozen=True)
class ApiResponse:
    """Describes the answer of the third-party service."""

    status_code: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    url: str
    ok: bool
    content_base64: str | None = field(default=None, repr=False)
    """The body in Base64, if it is not text."""

    @property
    def content(self) -> bytes:
        """Returns the body as bytes; text is encoded as UTF-8."""
        return self.text.encode() if self.content_base64 is None else base64.b64decode(self.content_base64)

    def json(self) -> Any:
        """Returns the body parsed as JSON, with exact numbers; raises ValueError when it is not JSON."""
        return decode_json(self.text)

    @classmethod
    def from_wire(cls, payload: Any) -> "ApiResponse":
        source = as_object(payload)
        status = as_integer(source.get("status_code"))
        if status is None:
            raise InvalidReply("The platform's answer to a call lacks the service's answer (`status_code`).")
        ok = as_boolean(source.get("ok"))
        return cls(
            status_code=status,
            text=as_text(source.get("text")) or "",
            headers={str(name): str(value) for name, value in as_object(source.get("headers")).items()},
            url=as_text(source.get("url")) or "",
            ok=200 <= status < 400 if ok is None else ok,
            content_base64=as_text(source.get("content_base64")),
        )


@dataclass(frozen=True)
class ParallelCallResponse:
    """Describes one answer of a parallel call, in the order of the requests."""

    api_data: Any
    api_response: ApiResponse
    organization_id: int | None = None
    connection_id: int | None = None

    @classmethod
    def from_wire(cls, payload: Any) -> "ParallelCallResponse":
        source = as_object(payload)
        return cls(
            api_data=source.get("api_data"),
            api_response=ApiResponse.from_wire(source.get("api_response")),
            organization_id=as_integer(source.get("organization_id")),
            connection_id=as_integer(source.get("connection_id")),
        )


class StreamedAnswer(TypedDict, total=False):
    """Describes one item of `parallel_call_stream`.

    Every answer has all keys but the last two; `index` is the position of its request in `data_list`. The last item
    has only `final` (true) and `total_processed`.
    """

    data: Any
    response: ApiResponse
    index: int
    total: int
    connection_id: int | None
    organization_id: int | None
    final: Literal[True]
    total_processed: int


@dataclass(frozen=True, kw_only=True)
class PluginConnections(WireModel):
    """Describes an enabled plugin: `id` is its integration, `connection_ids` are the connections it may use."""

    id: str
    connection_ids: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PluginInterface(WireModel):
    """Describes the interface a plugin implements."""

    id: int | None = None
    namespace: str
    title: str | None = None


@dataclass(frozen=True, kw_only=True)
class PluginIntegration(WireModel):
    """Describes the integration a plugin is for."""

    integration_id: str
    name: str | None = None
    icon: str | None = None


@dataclass(frozen=True, kw_only=True)
class Plugin(WireModel):
    """Describes an implementation of a plugin interface for one integration."""

    id: int | None = None
    organization: int | None = None
    organization_slug: str | None = None
    plugin_interface: PluginInterface | None = None
    integration: PluginIntegration | None = None
    implemented_capabilities: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    is_enabled: bool | None = None
    is_visible: bool | None = None
    is_official: bool | None = None
    is_mine: bool | None = None
    code: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
