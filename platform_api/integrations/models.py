"""Defines the tables of integrations: own definitions, connections, OAuth, the log and the budget of calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from platform_api.accounts.models import EnumText
from platform_api.core.crypto import Sealed
from platform_api.core.database import Base, Timestamps, identity
from platform_api.core.types import AppId, ConnectionId, OrganizationId, RunId, UserId
from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.definitions.pagination import STORED


class ConnectionStatus(StrEnum):
    """Says whether a connection's credentials are believed to work."""

    ACTIVE = "active"
    BROKEN = "broken"


class OwnIntegration(Timestamps, Base):
    """Stores a definition that an organization made for itself."""

    __tablename__ = "integrations"
    __table_args__ = (UniqueConstraint("organization_id", "integration_id"),)

    id: Mapped[int] = mapped_column(Integer, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    integration_id: Mapped[str] = mapped_column(String(100))
    stored_definition: Mapped[dict[str, Any]] = mapped_column("definition")

    @property
    def definition(self) -> IntegrationDefinition:
        """Returns the stored definition."""
        return IntegrationDefinition.model_validate(self.stored_definition, context=STORED)


class Operation(Base):
    """Stores an operation of an own integration, as its OpenAPI document describes it."""

    __tablename__ = "integration_operations"
    __table_args__ = (UniqueConstraint("integration", "position"),)

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    integration: Mapped[int] = mapped_column(ForeignKey("platform.integrations.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    """Its position in the document, counted from 0."""
    method: Mapped[str]
    path: Mapped[str]
    operation_id: Mapped[str | None]
    summary: Mapped[str] = mapped_column(server_default="")
    parameters: Mapped[list[Any]] = mapped_column(server_default="[]")
    request_body: Mapped[dict[str, Any] | None]
    server: Mapped[str | None]
    """Its own address, which is then one of the definition's other base URLs, or below one."""


class Connection(Timestamps, Base):
    """Stores an organization's account at an integration."""

    __tablename__ = "connections"
    __table_args__ = (
        UniqueConstraint("organization_id", "integration_id", "name"),
        CheckConstraint("status in ('active', 'broken')", name="status_known"),
        Index("ix_connections_organization_id_integration_id", "organization_id", "integration_id"),
    )

    id: Mapped[ConnectionId] = mapped_column(BigInteger, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    integration_id: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(150))
    """An account name such as an e-mail address, shown to people and accepted as `connection_id`."""
    status: Mapped[ConnectionStatus] = mapped_column(EnumText(ConnectionStatus), server_default="active")
    status_reason: Mapped[str] = mapped_column(server_default="")
    placeholders: Mapped[dict[str, str]] = mapped_column(server_default="{}")
    sealed_credentials: Mapped[bytes] = mapped_column(Sealed)
    created_by: Mapped[UserId | None] = mapped_column(ForeignKey("platform.users.id", ondelete="SET NULL"))
    last_used_at: Mapped[datetime | None]
    refreshing_until: Mapped[datetime | None]
    """The end of a claim: until then one process may ask the provider for new tokens and store them."""


class Activation(Timestamps, Base):
    """Stores an organization's decision about an app and an integration; `access.may_use` says what no row means."""

    __tablename__ = "integration_activations"
    __table_args__ = (Index("ix_integration_activations_app_id", "app_id"),)

    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    app_id: Mapped[AppId] = mapped_column(
        ForeignKey("platform.apps.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    integration_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    is_activated: Mapped[bool]
    connection_ids: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    """The connections that the app may use; null: all, also future ones. Ids are never reused."""


class OAuthClient(Timestamps, Base):
    """Stores the application that an organization registered with an integration's provider."""

    __tablename__ = "oauth_clients"
    __table_args__ = (UniqueConstraint("organization_id", "integration_id"),)

    id: Mapped[int] = mapped_column(Integer, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    integration_id: Mapped[str] = mapped_column(String(100))
    client_id: Mapped[str]
    sealed_secret: Mapped[bytes] = mapped_column(Sealed)


class OAuthSignIn(Base):
    """Stores a sign-in at a provider's consent page; deleted when it ends."""

    __tablename__ = "oauth_sign_ins"
    __table_args__ = (UniqueConstraint("ticket_digest"), UniqueConstraint("state_digest"))

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    user_id: Mapped[UserId] = mapped_column(ForeignKey("platform.users.id", ondelete="CASCADE"))
    integration_id: Mapped[str] = mapped_column(String(100))
    connection_id: Mapped[ConnectionId | None] = mapped_column(
        ForeignKey("platform.connections.id", ondelete="CASCADE")
    )
    """The connection that the sign-in reconnects; null: a new one."""
    ticket_digest: Mapped[bytes] = mapped_column(LargeBinary)
    """Digest of the secret in the URL of our connect page."""
    state_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Digest of what the browser brings back: our `state`, in OAuth 1 the temporary token."""
    browser_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Digest of the cookie that the connect page set: the callback must come from the same browser."""
    sealed: Mapped[bytes] = mapped_column(Sealed)
    """The placeholders and the PKCE verifier, in OAuth 1 the temporary credential, encrypted."""
    expires_at: Mapped[datetime]


class LoggedCall(Base):
    """Stores the log entry of a call: no bodies, no query, no secrets. It outlives the rows that it refers to."""

    __tablename__ = "integration_calls"
    __table_args__ = (
        Index("ix_integration_calls_organization_id_id", "organization_id", "id"),
        Index("ix_integration_calls_created_at", "created_at"),
        Index(
            "ix_integration_calls_app_id_organization_id",
            *("app_id", "organization_id", "id"),
            postgresql_where=text("app_id is not null"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, identity(), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(Integer)
    """The owner of the connection."""
    app_id: Mapped[AppId | None] = mapped_column(Integer)
    """The app that called, if any."""
    user_id: Mapped[UserId | None] = mapped_column(Integer)
    """Null when a script of another organization called, which owns an app that this one installed."""
    run_id: Mapped[RunId | None] = mapped_column(BigInteger)
    integration_id: Mapped[str] = mapped_column(String(100))
    connection_id: Mapped[ConnectionId] = mapped_column(BigInteger)
    method: Mapped[str]
    endpoint: Mapped[str]
    """As the caller gave it: placeholders unfilled, without the query."""
    status_code: Mapped[int] = mapped_column(Integer)
    ok: Mapped[bool]
    elapsed_ms: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]


class IntegrationUsage(Base):
    """Counts the calls of an organization in a calendar month (UTC)."""

    __tablename__ = "integration_usage"

    organization_id: Mapped[OrganizationId] = mapped_column(Integer, primary_key=True, autoincrement=False)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)


class IntegrationBudget(Base):
    """Limits how many calls an organization may make in a month; without a row: any number."""

    __tablename__ = "integration_budgets"

    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    calls_per_month: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True, slots=True)
class DescribedActivation:
    """Holds a decision, if there is one, and the connections that the app may use now."""

    integration_id: str
    decision: Activation | None
    usable: Sequence[Connection]

    @property
    def connection_ids(self) -> list[int] | None:
        """Returns the chosen connections, without those that were disconnected since."""
        if self.decision is None or self.decision.connection_ids is None or not self.decision.is_activated:
            return None if self.decision is None else self.decision.connection_ids
        usable = {connection.id for connection in self.usable}
        return [connection_id for connection_id in self.decision.connection_ids if connection_id in usable]
