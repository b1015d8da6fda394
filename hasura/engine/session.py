"""Tells who makes a request: a role and session variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field

ADMIN_ROLE = "admin"
ROLE_VARIABLE = "x-hasura-role"


@dataclass(frozen=True, slots=True)
class Session:
    """Identifies the caller of one request (or of one websocket connection).

    `variables` are the `x-hasura-*` session variables, names in lower case, values always text. They hold
    `x-hasura-role` too. `is_admin` means that the caller proved to hold the admin secret (or a JWT naming the
    admin role); a role called `admin` is the admin role. `use_backend_only` says that backend-only permissions
    are visible: the admin secret plus the header `x-hasura-use-backend-only-permissions: true`.
    """

    role: str
    variables: Mapping[str, str] = field(default_factory=dict)
    is_admin: bool = False
    use_backend_only: bool = False
    # Root fields may be named without this prefix of their tables (`orders` for `app_3_orders`), beside their names.
    root_prefix: str = ""
    # Wide numbers (bigint, numeric, double precision) are answered as strings, also where the server's option is off.
    stringify_numeric_types: bool = False
    # Whose share of the engine's connections the requests take: tenants take turns. None: they are not shared out.
    tenant: str | None = None

    @classmethod
    def admin(cls) -> "Session":
        """Returns the engine's own all-powerful caller."""
        return cls(role=ADMIN_ROLE, variables={ROLE_VARIABLE: ADMIN_ROLE}, is_admin=True)

    def has_admin_role(self) -> bool:
        """Returns whether no permission applies."""
        return self.role == ADMIN_ROLE
