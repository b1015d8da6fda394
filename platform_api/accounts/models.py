"""Maps organizations, users, memberships, tokens and sign-ins."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text, TypeDecorator

from platform_api.core.database import Base, Timestamps, identity
from platform_api.core.types import AppId, OrganizationId, RunId, TokenId, UserId


class Role(StrEnum):
    """Grants rights in an organization; each role includes the rights of those after it."""

    OWNER = "owner"
    BUILDER = "builder"
    MEMBER = "member"

    @property
    def rank(self) -> int:
        """Returns 0 for the role with the most rights."""
        return list(Role).index(self)

    def includes(self, other: "Role") -> bool:
        """Returns whether this role has all rights of `other`."""
        return self.rank <= other.rank


class Scope(StrEnum):
    """Limits what a token may be used for."""

    ACCOUNT = "account"
    """Organizations, members and tokens, in every organization of the user."""
    BUILD = "build"
    """Create and change apps, tables, actions, integrations and connections."""
    RUN = "run"
    """Start actions, follow and cancel runs."""
    DATA = "data"
    """Read and write table rows and the cache, call integrations, send notifications."""
    CACHE = "cache"
    """Read and write the cache, and nothing else; for a cache credential."""


class TokenKind(StrEnum):
    """Names who holds a token."""

    APP = "app"
    """A person or program of an organization."""
    RUN = "run"
    """The script of one run; revoked when the run ends."""
    RUNNER = "runner"
    """A sandbox runner of this installation; belongs to no organization."""


class EnumText(TypeDecorator[StrEnum]):
    """Stores a `StrEnum` as text, so that adding a value needs no change of a database type."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[StrEnum]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: StrEnum | None, dialect: Any) -> str | None:
        return None if value is None else str(self.enum(value))

    def process_result_value(self, value: str | None, dialect: Any) -> StrEnum | None:
        return None if value is None else self.enum(value)


def known_values(column: str, enum: type[StrEnum]) -> CheckConstraint:
    """Returns the rule that a column holds values of `enum` only."""
    values = ", ".join(f"'{member}'" for member in enum)
    return CheckConstraint(f"{column} in ({values})", name=f"{column}_known")


class Organization(Timestamps, Base):
    """Stores a tenant."""

    __tablename__ = "organizations"

    id: Mapped[OrganizationId] = mapped_column(Integer, identity(), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class User(Timestamps, Base):
    """Stores a person. `email` is in lower case."""

    __tablename__ = "users"
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    id: Mapped[UserId] = mapped_column(Integer, identity(), primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(server_default="")
    password_hash: Mapped[str | None]
    """An argon2 hash; null when the user cannot sign in with a password."""
    is_operator: Mapped[bool] = mapped_column(server_default="false")
    """Runs this installation: creates users and runner tokens. Sees only organizations they are a member of."""
    is_active: Mapped[bool] = mapped_column(server_default="true")


class Membership(Timestamps, Base):
    """Stores a user's role in an organization."""

    __tablename__ = "memberships"
    __table_args__ = (known_values("role", Role), Index("ix_memberships_organization_id", "organization_id"))

    user_id: Mapped[UserId] = mapped_column(ForeignKey("platform.users.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[OrganizationId] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE"), primary_key=True
    )
    role: Mapped[Role] = mapped_column(EnumText(Role))
    last_seen_at: Mapped[datetime | None]
    """When the member last used the web pages in this organization, to within a few minutes."""


class Token(Base):
    """Stores a credential for programs, as its SHA-256 only: tokens are random and need no slow hash."""

    __tablename__ = "tokens"
    __table_args__ = (
        known_values("kind", TokenKind),
        CheckConstraint(
            "kind = 'runner' or (organization_id is not null and user_id is not null)", name="belongs_to_member"
        ),
        CheckConstraint("(kind = 'run') = (run_id is not null)", name="run_token_names_run"),
        CheckConstraint("kind = 'run' or not reaches_installs", name="only_runs_reach_installs"),
        Index("ix_tokens_organization_id", "organization_id"),
        Index("ix_tokens_user_id", "user_id"),
        Index("ix_tokens_run_id", "run_id"),
        # Run tokens are many: lists of the others must not read past them.
        Index("ix_tokens_listed", "organization_id", "id", postgresql_where=text("kind <> 'run'")),
    )

    id: Mapped[TokenId] = mapped_column(BigInteger, identity(), primary_key=True)
    kind: Mapped[TokenKind] = mapped_column(EnumText(TokenKind))
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    hint: Mapped[str]
    """The first characters of the token, which identify it in a list."""
    name: Mapped[str] = mapped_column(server_default="")
    organization_id: Mapped[OrganizationId | None] = mapped_column(
        ForeignKey("platform.organizations.id", ondelete="CASCADE")
    )
    user_id: Mapped[UserId | None] = mapped_column(ForeignKey("platform.users.id", ondelete="CASCADE"))
    app_id: Mapped[AppId | None] = mapped_column(ForeignKey("platform.apps.id", ondelete="CASCADE"))
    run_id: Mapped[RunId | None] = mapped_column(BigInteger)
    reaches_installs: Mapped[bool] = mapped_column(server_default="false")
    """For a run token: the script works on the rows of every organization that installed its app."""
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    """For a run token: when its run ended."""


class SignIn(Base):
    """Stores one sign-in on the web pages, as the SHA-256 of its cookie."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("ix_sign_ins_user_id", "user_id"),)

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[UserId] = mapped_column(ForeignKey("platform.users.id", ondelete="CASCADE"))
    id: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid())
    """Names it in the user's list; it is found together with the user, and needs no index."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime | None]
    """To within a few minutes; null until it is used after it was made."""
    expires_at: Mapped[datetime]
    user_agent: Mapped[str] = mapped_column(server_default="")
    """The beginning of what the browser called itself."""
    address: Mapped[str] = mapped_column(server_default="")
    """The network address that it was made from."""


class SignInAttempts(Base):
    """Counts recent attempts at what can be guessed or abused; the key is a digest of what they have in common."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = {"prefixes": ["UNLOGGED"]}  # noqa: RUF012

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    attempts: Mapped[int]
    since: Mapped[datetime]
