"""Defines the bodies of requests and replies (contract §6)."""

from collections.abc import Mapping, Set
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from platform_api.core.http.pagination import Envelope
from platform_api.core.types import ConnectionId
from platform_api.integrations.definitions.addresses import check_icon, shown
from platform_api.integrations.definitions.after_connect import Choice
from platform_api.integrations.definitions.body_format import BodyFormat
from platform_api.integrations.definitions.definition import ApiKeyAuth, IntegrationDefinition
from platform_api.integrations.definitions.form import form_schema, needs_oauth_client
from platform_api.integrations.definitions.pagination import Pagination
from platform_api.integrations.definitions.refusal import Refusal
from platform_api.integrations.definitions.types import HeaderValue
from platform_api.integrations.models import ConnectionStatus, DescribedActivation

_MAX_SHOWN_OPERATIONS = 100

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "QUERY"]


class CategoryRead(BaseModel):
    name: str
    slug: str


class IntegrationRead(BaseModel):
    """Describes an integration (contract §6.1). Secrets are never sent; `connected_accounts` are connection ids."""

    integration_id: str
    name: str
    version: str
    description: str | None = None
    icon: str | None = None
    api_base_url: str
    other_base_urls: list[str] = []
    """Further addresses that calls may go to; an endpoint there is written as a whole URL."""
    api_docs_url: str | None = None
    website_url: str | None = None
    status_check_url: str | None = None
    categories: list[CategoryRead] = []
    tags: list[str] = []
    is_global: bool
    is_official: bool
    is_sandbox: bool
    activated: bool
    api_key_distribution: Literal["header", "query", "body"] | None = None
    client_id: None = None
    secret: None = None
    api_key: None = None
    account_fields: list[str]
    """Names of the values that a new connection needs."""
    asked_fields: list[str]
    """Names of the values that the service gives once an account is connected; see `connections/{id}/choices/`."""
    configuration_form: dict[str, Any]
    """The body of a new connection as JSON Schema. A page with this form is at `/accounts/connect/{id}/`."""
    auth_type: str
    body: BodyFormat
    """How the `data` of a call is encoded when the call has no Content-Type."""
    refusal: Refusal
    """Answers by which it rejects the credentials."""
    oauth_client: bool | None
    """Whether the organization has the OAuth client that connecting needs; null: it needs none."""
    pagination: Pagination | None = None
    """How lists are paged; the client's `paginate` goes by it."""
    connected_accounts: list[int]

    @classmethod
    def of(
        cls,
        definition: IntegrationDefinition,
        *,
        connected: list[int],
        oauth_clients: Set[str],
        is_built_in: bool = False,
    ) -> Self:
        """Returns the reply; `oauth_clients` are the integrations for which the organization has an OAuth client."""
        auth = definition.auth
        return cls(
            integration_id=definition.id,
            name=definition.name,
            version=definition.version,
            description=definition.description,
            icon=shown(definition.icon, check=check_icon),
            api_base_url=definition.base_url,
            other_base_urls=list(definition.other_base_urls),
            api_docs_url=shown(definition.docs_url),
            website_url=shown(definition.website_url),
            status_check_url=definition.status_check_url,
            categories=[CategoryRead(name=category.name, slug=category.slug) for category in definition.categories],
            is_global=is_built_in,
            is_official=is_built_in,
            is_sandbox=definition.is_sandbox,
            activated=bool(connected),
            api_key_distribution=auth.location if isinstance(auth, ApiKeyAuth) and auth.location != "path" else None,
            account_fields=[*definition.placeholders, *definition.credential_fields],
            asked_fields=list(definition.asked_values),
            configuration_form=form_schema(definition),
            auth_type=auth.type,
            body=definition.body,
            refusal=definition.refusal,
            oauth_client=definition.id in oauth_clients if needs_oauth_client(definition) else None,
            pagination=definition.pagination,
            connected_accounts=connected,
        )


class IntegrationPage(Envelope):
    results: list[IntegrationRead]


class ConnectionWrite(BaseModel):
    """Gives a new connection's name, its placeholders, and the secrets that its authentication needs."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=150)]
    credentials: dict[str, HeaderValue] = Field(default={}, repr=False)
    placeholders: dict[str, str] = {}


class ConnectionRead(BaseModel):
    """Describes a connection without its secrets."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    integration_id: str
    organization_id: int
    status: ConnectionStatus
    status_reason: str
    placeholders: dict[str, str]


class ConnectionPage(Envelope):
    results: list[ConnectionRead]


class ConnectionName(BaseModel):
    """Names a connection (contract §6.7)."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str


class ConnectionRename(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=150)]


class ConnectionTest(BaseModel):
    """Says whether the integration accepts the connection's credentials."""

    ok: bool
    status_code: int
    message: str


class ChoiceRead(BaseModel):
    """Describes something that an account can be used with, such as a tenant or a site."""

    name: str
    values: dict[str, str]
    """The placeholders of a connection that uses it."""
    is_chosen: bool

    @classmethod
    def of(cls, choice: Choice, placeholders: Mapping[str, str]) -> Self:
        return cls(name=choice.name, values=dict(choice.values), is_chosen=choice.is_in(placeholders))


class ChoiceWrite(BaseModel):
    """Names the choice that a connection should use; without one it keeps what it has."""

    model_config = ConfigDict(extra="forbid")

    choose: dict[str, Annotated[str, Field(min_length=1, max_length=500)]] = {}
    """The `values` of a choice, or as many of them as identify it."""


class ChoicesRead(BaseModel):
    """Lists a connection and all that its account can be used with."""

    connection: ConnectionRead
    choices: list[ChoiceRead]


class ConnectionMade(ConnectionRead):
    """Describes a new connection; `tested` is the result of its test call, where the integration has one."""

    tested: ConnectionTest | None = None
    choices: list[ChoiceRead] = []
    """What its account can be used with, for integrations that ask for it."""


class CallWrite(BaseModel):
    """Describes a call (contract §6.2). `data` of null or `{}` sends no body; `data_base64` is a body in Base64."""

    method: Annotated[Method, BeforeValidator(lambda value: str(value).upper() if value else "GET")] = "GET"
    endpoint: str | None = None
    request_headers: dict[str, Any] = {}
    request_params: dict[str, Any] | None = None
    data: Any = None
    data_base64: str | None = None
    url_params: dict[str, Any] = {}
    operation: Annotated[str, Field(max_length=300)] | None = None
    """Id of an operation of the imported document, called instead of `method` and `endpoint`."""
    arguments: dict[str, Any] | None = None
    """Values by name for the operation's path, query, headers and body."""


class ApiResponse(BaseModel):
    """Describes what the service answered; or, with `ok` false and no `url`, why the call was not made."""

    status_code: int
    text: str
    headers: dict[str, str]
    url: str
    ok: bool


class CallRead(BaseModel):
    """Returns the answer to a call (contract §6.2)."""

    api_data: Any
    api_response: ApiResponse
    connection_id: int
    organization_id: int
    invocation_id: str | None = Field(description="To look the call up; null for one without an `Idempotency-Key`")
    outcome: str = Field(description="`succeeded`, `failed` or `unknown`: it was sent, and no answer arrived")
    business_ok: bool | None = Field(description="Whether the service did it; null when nobody knows")
    may_have_executed: bool


class OAuthClientWrite(BaseModel):
    """Gives the credentials that a provider issued when the organization registered its application."""

    model_config = ConfigDict(extra="forbid")

    client_id: Annotated[str, Field(min_length=1, max_length=500)]
    client_secret: Annotated[SecretStr, Field(min_length=1, max_length=10_000)]
    """With `private_key_jwt` the private key: PEM without a password, or a JWK with the `kid` the provider knows."""


class OAuthClientRead(BaseModel):
    """Describes an OAuth client: `client_id` is null until one is set; the secret is never returned."""

    client_id: str | None
    redirect_uri: str
    """To register with the provider."""


class OAuthStart(BaseModel):
    """Starts a new connection, or reconnects `connection_id`."""

    model_config = ConfigDict(extra="forbid")

    connection_id: ConnectionId | None = None
    placeholders: dict[str, str] = {}


class OAuthStarted(BaseModel):
    """Gives the page to open in a browser, once, before `expires_at`."""

    url: str
    expires_at: datetime


class ActivationWrite(BaseModel):
    """Decides whether an app may use an integration, and through which connections; null: all, also future ones."""

    model_config = ConfigDict(extra="forbid")

    activated: bool
    connection_ids: Annotated[list[Annotated[int, Field(ge=1, le=2**63 - 1)]], Field(max_length=10_000)] | None = None


class ActivationRead(BaseModel):
    """Describes what an app may use of an integration."""

    integration_id: str
    activated: bool
    connection_ids: list[int] | None
    """The chosen connections; null: no selection was made."""
    is_default: bool
    """Whether no decision was made: the organization's own apps may use all connections, installed ones none."""
    usable_connections: list[ConnectionName]
    """The connections that the app may use now."""

    @classmethod
    def of(cls, described: DescribedActivation) -> Self:
        decision = described.decision
        return cls(
            integration_id=described.integration_id,
            activated=bool(described.usable) if decision is None else decision.is_activated,
            connection_ids=described.connection_ids,
            is_default=decision is None,
            usable_connections=[ConnectionName.model_validate(connection) for connection in described.usable],
        )


class OperationRead(BaseModel):
    """Describes an operation of an imported integration."""

    model_config = ConfigDict(from_attributes=True)

    method: str
    path: str
    operation_id: str | None
    summary: str
    parameters: list[dict[str, Any]]
    """Each with `name`, `location`, `type`, `required` and `description`."""
    request_body: dict[str, Any] | None
    """With `content` (its type), `required` and `shape`, an outline of the schema."""
    server: str | None = None
    """Its own address, where that is not the base URL: the endpoint of a call is then `server` followed by `path`."""


class OperationPage(BaseModel):
    count: int
    next: str | None
    previous: str | None
    results: list[OperationRead]
