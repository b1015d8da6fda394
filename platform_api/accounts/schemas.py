"""Defines the JSON of accounts."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from platform_api.accounts.actor import Actor, ActorKind
from platform_api.accounts.common_passwords.checking import refuse_common
from platform_api.accounts.models import Membership, Organization, Role, Scope, TokenKind, User
from platform_api.core.http.pagination import Envelope

Slug = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$", max_length=63), Field(description="`[a-z][a-z0-9-]*`")
]
# Not pydantic's EmailStr, which refuses the internal domains (`.local`, `.lan`) of self-hosted installations.
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[^@\s\x00-\x1f<>,;]+@[^@\s\x00-\x1f<>,;]+$", max_length=254),
]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=150)]
Password = Annotated[
    str,
    StringConstraints(min_length=10, max_length=512),
    AfterValidator(refuse_common),
    Field(description="10 to 512 characters; none of the most common passwords"),
]


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _Write(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OrganizationRead(_Read):
    id: int
    slug: str
    name: str
    role: Role = Field(description="The caller's role in the organization")
    created_at: datetime

    @classmethod
    def of(cls, organization: Organization, role: Role) -> Self:
        return cls(
            id=organization.id,
            slug=organization.slug,
            name=organization.name,
            role=role,
            created_at=organization.created_at,
        )


class OrganizationCreate(_Write):
    name: Name
    slug: Slug | None = Field(default=None, description="Made from the name when absent; unique on the platform")


class OrganizationUpdate(_Write):
    name: Name


class UserRead(_Read):
    id: int
    email: str
    name: str
    is_operator: bool
    is_active: bool
    created_at: datetime


class UserCreate(_Write):
    email: Email
    password: Password
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=150)] = ""
    is_operator: bool = False


class UserUpdate(_Write):
    """Changes a user; what is absent stays."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=150)] | None = None
    is_active: bool | None = Field(
        default=None, description="false: the user cannot sign in, and their tokens stop working"
    )
    is_operator: bool | None = None
    password: Password | None = Field(default=None, description="A new password; ends every sign-in of the user")


class MeUpdate(_Write):
    name: Name


class PasswordChange(_Write):
    current_password: str = Field(max_length=512)
    new_password: Password


class MemberRead(_Read):
    user_id: int
    email: str
    name: str
    role: Role
    created_at: datetime = Field(description="When the user joined")
    last_seen_at: datetime | None = Field(
        description="When they last used the web pages here, to within five minutes; null when unknown"
    )

    @classmethod
    def of(cls, user: User, membership: Membership) -> Self:
        return cls(
            user_id=user.id,
            email=user.email,
            name=user.name,
            role=membership.role,
            created_at=membership.created_at,
            last_seen_at=membership.last_seen_at,
        )


class MemberPage(Envelope):
    results: list[MemberRead]


class UserPage(Envelope):
    results: list[UserRead]


MemberOrder = Literal["created_at", "-created_at", "name", "-name", "email", "-email"]
TokenOrder = Literal["created_at", "-created_at", "name", "-name"]


class MemberAdd(_Write):
    email: Email
    role: Role
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=150)] = ""
    password: Password | None = Field(
        default=None, description="Creates the user with this password; leave out to add an existing user"
    )


class MemberUpdate(_Write):
    role: Role


class TokenRead(_Read):
    id: int
    kind: TokenKind
    name: str
    hint: str = Field(description="The token's first characters")
    organization_id: int | None
    user_id: int | None
    app_id: int | None
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class TokenPage(Envelope):
    results: list[TokenRead]


class TokenCreate(_Write):
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=150)] = ""
    kind: Literal[TokenKind.APP, TokenKind.RUNNER] = TokenKind.APP
    organization_id: int | None = Field(
        default=None, description="When absent, the organization that the caller acts in"
    )
    app: int | str | None = Field(default=None, description="Binds the token to one app: id, slug or `<org>/<app>`")
    scopes: list[Scope] = Field(default=[Scope.BUILD, Scope.DATA, Scope.RUN], min_length=1)
    expires_at: AwareDatetime | None = None


class TokenCreated(TokenRead):
    token: str = Field(description="The secret, which is shown only this once")


class SignInRequest(_Write):
    email: str = Field(max_length=320)
    password: str = Field(max_length=512)


class Me(_Read):
    kind: ActorKind
    user: UserRead
    organization: OrganizationRead
    role: Role
    scopes: list[Scope]
    app_id: int | None
    run_id: int | None

    @classmethod
    def of(cls, actor: Actor, user: User, organization: Organization) -> Self:
        return cls(
            kind=actor.kind,
            user=UserRead.model_validate(user),
            organization=OrganizationRead.of(organization, actor.role),
            role=actor.role,
            scopes=sorted(actor.scopes),
            app_id=actor.app_id,
            run_id=actor.run_id,
        )
