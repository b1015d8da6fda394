"""Builds the tenant permissions of an app's table as Hasura permission metadata.

Two roles per app. `app_{id}` reads and writes the rows of one organization, the one in `X-Hasura-Organization-Id`.
`app_{id}_span` reaches the organizations in `X-Hasura-Organization-Ids` (an array literal such as `{1,2}`) and is for
the owning organization's own scripts. Neither is granted anything on another app's tables, so they cannot name them.

`organization_id` can be inserted, because documented clients do, and the insert check binds it. It is not a preset:
Hasura would take it out of the insert type. Nobody can update it, so no row ever moves to another organization.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ORGANIZATION_VARIABLE = "x-hasura-organization-id"
ORGANIZATIONS_VARIABLE = "x-hasura-organization-ids"

ORGANIZATION_COLUMN = "organization_id"
# Kept by the database; readable only.
_READ_ONLY_COLUMNS = frozenset({"created_at", "updated_at"})
# Set when a row is created and never afterwards.
_IMMUTABLE_COLUMNS = frozenset({"id", ORGANIZATION_COLUMN})


class Operation(StrEnum):
    """Names what a permission permits; also the word in Hasura's `<operation>_permissions`."""

    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Permission:
    """Describes one role's permission on one table. `rules` is Hasura's `permission` object."""

    operation: Operation
    role: str
    rules: Mapping[str, Any]

    def to_metadata(self) -> dict[str, Any]:
        """Returns the permission as an entry of `<operation>_permissions` in a table's metadata."""
        return {"role": self.role, "permission": dict(self.rules)}


def organization_role(app_id: int) -> str:
    """Returns the role that reaches one organization's rows of the app."""
    return f"app_{app_id}"


def span_role(app_id: int) -> str:
    """Returns the role that reaches the rows of every organization that installed the app."""
    return f"app_{app_id}_span"


def array_literal(organization_ids: Iterable[int]) -> str:
    """Returns the value of `X-Hasura-Organization-Ids`: a PostgreSQL array literal."""
    return "{" + ",".join(str(int(organization_id)) for organization_id in organization_ids) + "}"


def table_permissions(app_id: int, *, columns: Sequence[str]) -> list[Permission]:
    """Returns the permissions of both roles on a table with these columns (the system's and the builder's)."""
    single = {ORGANIZATION_COLUMN: {"_eq": "X-Hasura-Organization-Id"}}
    several = {ORGANIZATION_COLUMN: {"_in": "X-Hasura-Organization-Ids"}}
    return [
        *_role_permissions(organization_role(app_id), rows=single, columns=columns),
        *_role_permissions(span_role(app_id), rows=several, columns=columns),
    ]


def _role_permissions(role: str, *, rows: Mapping[str, Any], columns: Sequence[str]) -> list[Permission]:
    insertable = [column for column in columns if column not in _READ_ONLY_COLUMNS]
    updatable = [column for column in insertable if column not in _IMMUTABLE_COLUMNS]
    # No check after an update: the only column it could look at is not updatable.
    rules: dict[Operation, dict[str, Any]] = {
        Operation.SELECT: {"columns": columns, "filter": rows, "allow_aggregations": True},
        Operation.INSERT: {"columns": insertable, "check": rows},
        Operation.UPDATE: {"columns": updatable, "filter": rows},
        Operation.DELETE: {"filter": rows},
    }
    return [Permission(operation, role, canonical_rules(rule)) for operation, rule in rules.items()]


def canonical_rules(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the rules in one spelling that can be compared: columns sorted, what is absent by default left out."""
    canonical: dict[str, Any] = {}
    for name, value in rules.items():
        if value is None or value is False or (name == "set" and not value):
            continue
        canonical[name] = sorted(value) if name == "columns" and isinstance(value, list | tuple) else value
    return canonical
