"""Defines plugins on the wire (contract §9)."""

import keyword
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from platform_api.accounts.models import Organization
from platform_api.core.http.pagination import Envelope
from platform_api.plugins.checks import implemented
from platform_api.plugins.models import Plugin, PluginInterface

MAX_CODE_LENGTH = 64_000
"""Compiling holds the interpreter: the most expensive code of this length takes some tenths of a second."""


def _not_reserved(name: str) -> str:
    if keyword.iskeyword(name):
        raise ValueError(f"{name!r} is a keyword of Python; choose another name")
    return name


def _storable(code: str) -> str:
    if "\x00" in code:
        raise ValueError("the code contains a NUL character; remove it")
    return code


Namespace = Annotated[
    str,
    Field(max_length=50, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="One Python identifier"),
    AfterValidator(_not_reserved),
]
Capability = Annotated[str, Field(max_length=70, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"), AfterValidator(_not_reserved)]
Code = Annotated[str, Field(max_length=MAX_CODE_LENGTH), AfterValidator(_storable)]
BaseVersion = Annotated[int, Field(ge=1, le=2**31 - 1, description="The latest version, as the caller knows it")]
ConnectionIds = Annotated[list[Annotated[int, Field(ge=1, le=2**63 - 1)]], Field(max_length=1000)]


class _Write(BaseModel):
    model_config = ConfigDict(extra="forbid")


class InterfaceCreate(_Write):
    namespace: Namespace
    title: Annotated[str, Field(max_length=150)] = ""
    capabilities: Annotated[list[Capability], Field(max_length=100)]
    code: Code = ""


class InterfaceReplace(_Write):
    """Changes an interface; what is left out stays as it is."""

    base_version: BaseVersion
    title: Annotated[str, Field(max_length=150)] | None = None
    capabilities: Annotated[list[Capability], Field(max_length=100)] | None = None
    code: Code | None = None
    accept_breaking: bool = False
    """Stores a change even if it breaks plugins, and disables those."""


class PluginCreate(_Write):
    integration_id: Annotated[str, Field(min_length=1, max_length=100)]
    code: Code = ""
    is_enabled: bool = True
    is_visible: bool = True
    connection_ids: ConnectionIds | None = None
    """The connections it may use; null: every connection of the organization to the integration."""


class PluginReplace(_Write):
    """Changes a plugin; what is left out stays as it is. `connection_ids` of null means every connection."""

    base_version: BaseVersion
    code: Code | None = None
    is_enabled: bool | None = None
    is_visible: bool | None = None
    connection_ids: ConnectionIds | None = None


class ProblemRead(BaseModel):
    """Describes a problem of a plugin's code."""

    model_config = ConfigDict(from_attributes=True)

    file: str
    line: int
    message: str


class BrokenPlugin(BaseModel):
    """Describes a plugin that does not fulfil its changed interface."""

    integration_id: str
    problems: list[ProblemRead]


class InterfaceRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    namespace: str
    title: str
    capabilities: list[str]
    code: str
    version: int
    created_at: datetime
    updated_at: datetime


class InterfaceChanged(InterfaceRead):
    """Shows the interface after a change, and the plugins that the change disabled."""

    broken: list[BrokenPlugin] = []


InterfaceOrder = Literal["namespace", "-namespace", "created_at", "-created_at", "updated_at", "-updated_at"]
PluginOrder = Literal["integration_id", "-integration_id", "created_at", "-created_at", "updated_at", "-updated_at"]


class InterfacePage(Envelope):
    results: list[InterfaceRead]


class VersionRead(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    number: int
    author_id: int | None
    created_at: datetime


class DiffRead(BaseModel):
    """Shows how two versions differ, as `diff -u` writes it; empty when they do not."""

    from_version: int
    to_version: int
    diff: str


class PluginListed(BaseModel):
    """Lists a plugin (contract §9, row 12): `id` is the integration's id."""

    id: str
    connection_ids: list[int]


class ModuleRead(BaseModel):
    """Shows a module of `plugins` as a developer's machine fetches it. Its code runs only if it matches `sha256`."""

    module: str = Field(description="`interfaces.<namespace>` or `<namespace>_<integration id>`")
    organization: str = Field(description="Slug of the organization whose code it is")
    interface: str | None = Field(description="A plugin's namespace; null for an interface")
    sha256: str
    code: str | None = Field(description="Null when the caller knows it: `known` was its `sha256`")

    @classmethod
    def of(
        cls,
        module: str,
        organization: Organization,
        interface: PluginInterface,
        plugin: Plugin | None,
        *,
        known: str | None,
    ) -> Self:
        code, digest = (interface.code, interface.digest) if plugin is None else (plugin.code, plugin.digest)
        return cls(
            module=module,
            organization=organization.slug,
            interface=None if plugin is None else interface.namespace,
            sha256=digest,
            code=None if known == digest else code,
        )


class InterfaceName(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    namespace: str
    title: str


class IntegrationName(BaseModel):
    name: str
    icon: str
    integration_id: str


class PluginRead(BaseModel):
    """Shows a plugin (contract §9, row 13). `code` is sent to those who may change it."""

    id: int
    organization: int
    organization_slug: str
    plugin_interface: InterfaceName
    integration: IntegrationName
    implemented_capabilities: list[str]
    capabilities: list[str]
    connection_ids: list[int] | None
    is_enabled: bool
    is_visible: bool
    is_official: bool
    is_mine: bool
    code: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(
        cls,
        plugin: Plugin,
        interface: PluginInterface,
        organization: Organization,
        *,
        integration: IntegrationName,
        shows_code: bool,
    ) -> Self:
        return cls(
            id=plugin.id,
            organization=plugin.organization_id,
            organization_slug=organization.slug,
            plugin_interface=InterfaceName.model_validate(interface),
            integration=integration,
            implemented_capabilities=implemented(interface.capabilities, plugin.code),
            capabilities=interface.capabilities,
            connection_ids=plugin.connection_ids,
            is_enabled=plugin.is_enabled,
            is_visible=plugin.is_visible,
            is_official=False,
            is_mine=True,
            code=plugin.code if shows_code else None,
            version=plugin.version,
            created_at=plugin.created_at,
            updated_at=plugin.updated_at,
        )


class PluginPage(Envelope):
    results: list[PluginRead]


class RuntimePluginRead(BaseModel):
    """Shows a plugin to a script that looks for what it can invoke."""

    id: int
    plugin_id: int
    namespace: str
    integration: str
    integration_name: str
    enabled_for_organization_id: int
    plugin_owner_organization_id: int
    is_official: bool = Field(description="True: the client invokes it in the run that asks, by its module")
    is_mine: bool
    implemented_capabilities: list[str]

    @classmethod
    def of(cls, plugin: Plugin, interface: PluginInterface, *, integration: IntegrationName) -> Self:
        return cls(
            id=plugin.id,
            plugin_id=plugin.id,
            namespace=interface.namespace,
            integration=plugin.integration_id,
            integration_name=integration.name,
            enabled_for_organization_id=plugin.organization_id,
            plugin_owner_organization_id=plugin.organization_id,
            is_official=True,
            is_mine=True,
            implemented_capabilities=implemented(interface.capabilities, plugin.code),
        )
