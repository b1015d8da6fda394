"""Defines the caller of a request, as every domain sees them."""

from dataclasses import dataclass
from enum import StrEnum

from platform_api.accounts.models import Role, Scope
from platform_api.core.errors import Forbidden
from platform_api.core.types import AppId, OrganizationId, RunId, TokenId, UserId


class ActorKind(StrEnum):
    """Names how the caller authenticated."""

    SESSION = "session"
    APP_TOKEN = "app_token"
    RUN_TOKEN = "run_token"


class MissingScope(Forbidden):
    """Reports that the token does not cover this; another token of the same user may."""

    code = "missing_scope"


class MissingRole(Forbidden):
    """Reports that the user's role, in the organization or the installation, does not cover this."""

    code = "missing_role"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Represents a user acting in one organization, through a sign-in or a token.

    `app_id` is set for a token bound to one app, `run_id` for the token of a run. An actor reaches the data of
    `organization_id` only, whatever other organizations the user is a member of. The exception is a script of an
    app's owner with `reaches_installs`: it works on the rows of every organization that installed the app.
    Who `is_viewing` has the role of another, in rows also the user id if it is that of one member, and only reads.
    """

    kind: ActorKind
    user_id: UserId
    organization_id: OrganizationId
    role: Role
    scopes: frozenset[Scope]
    is_operator: bool = False
    app_id: AppId | None = None
    run_id: RunId | None = None
    token_id: TokenId | None = None
    reaches_installs: bool = False
    works_for: OrganizationId | None = None
    """The one organization that such a script works for in this request, if it names one."""
    is_viewing: bool = False
    viewed_user_id: UserId | None = None

    @property
    def is_run(self) -> bool:
        """Returns whether the caller is a script in the sandbox."""
        return self.kind is ActorKind.RUN_TOKEN

    def has_scope(self, scope: Scope) -> bool:
        """Returns whether the credential covers `scope`."""
        return scope in self.scopes

    def require_scope(self, scope: Scope) -> None:
        """Raises Forbidden unless the credential covers `scope`."""
        if scope not in self.scopes:
            has = ", ".join(sorted(self.scopes)) or "none"
            raise MissingScope(f"this needs a token with the scope {scope!s}; this one has: {has}")

    def require_role(self, role: Role) -> None:
        """Raises Forbidden unless the user is at least `role` in the organization."""
        if not self.role.includes(role):
            raise MissingRole(f"this needs the role {role!s} in the organization; yours is {self.role!s}")

    def require_app(self, app_id: AppId) -> None:
        """Raises Forbidden when the token is bound to another app."""
        if self.app_id is not None and self.app_id != app_id:
            raise Forbidden(f"this token is bound to app {self.app_id}; it cannot be used for app {app_id}")

    def require_operator(self) -> None:
        """Raises Forbidden unless the user is an operator and the credential has the scope `account`."""
        self.require_scope(Scope.ACCOUNT)
        if not self.is_operator:
            raise MissingRole("only an operator of this installation may do this")
