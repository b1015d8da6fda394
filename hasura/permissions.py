"""Builds the tenant permissions of an app's table as Hasura permission metadata.

Two roles per app, and one more for each role in an organization that its builder limited (`app_{id}_member`).
`app_{id}` reads and writes the rows of one organization, the one in `X-Hasura-Organization-Id`. `app_{id}_span`
reaches the organizations in `X-Hasura-Organization-Ids` (an array literal such as `{1,2}`) and is for the owning
organization's own scripts. None is granted anything on another app's tables, so they cannot name them.

`organization_id` can be inserted, because documented clients do, and the insert check binds it. It is not a preset:
Hasura would take it out of the insert type. Nobody can update it, so no row ever moves to another organization.
What a builder writes for a limited role only adds conditions to these: it is and'ed, and cannot widen them.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

ORGANIZATION_VARIABLE = "x-hasura-organization-id"
ORGANIZATIONS_VARIABLE = "x-hasura-organization-ids"

ORGANIZATION_COLUMN = "organization_id"
# Kept by the database; readable only.
_READ_ONLY_COLUMNS = frozenset({"created_at", "updated_at"})
# Set when a row is created and never afterwards.
_IMMUTABLE_COLUMNS = frozenset({"id", ORGANIZATION_COLUMN})
_ONE_ORGANIZATION = {ORGANIZATION_COLUMN: {"_eq": "X-Hasura-Organization-Id"}}


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


@dataclass(frozen=True, slots=True)
class Right:
    """Describes how a limited role may use one operation.

    `rows` is the condition on the rows that it reaches, for an insert on the new row; `after` that on a changed row.
    `columns` are those that it may read or write. `presets` gives columns values, of the session or constant.
    """

    columns: Collection[str]
    rows: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    presets: Mapping[str, Any] = field(default_factory=dict)


Rights = Mapping[Operation, Right]
"""Holds what a limited role may do with a table; an operation that is absent is not allowed."""


def organization_role(app_id: int) -> str:
    """Returns the role that reaches one organization's rows of the app."""
    return f"app_{app_id}"


def span_role(app_id: int) -> str:
    """Returns the role that reaches the rows of every organization that installed the app."""
    return f"app_{app_id}_span"


def limited_role(app_id: int, role: str) -> str:
    """Returns the role of those who have `role` in an organization, where the app's builder limited it."""
    return f"app_{app_id}_{role}"


def array_literal(organization_ids: Iterable[int]) -> str:
    """Returns the value of `X-Hasura-Organization-Ids`: a PostgreSQL array literal."""
    return "{" + ",".join(str(int(organization_id)) for organization_id in organization_ids) + "}"


def table_permissions(app_id: int, *, columns: Sequence[str]) -> list[Permission]:
    """Returns the permissions of both roles on a table with these columns (the system's and the builder's)."""
    several = {ORGANIZATION_COLUMN: {"_in": "X-Hasura-Organization-Ids"}}
    return [
        *_role_permissions(organization_role(app_id), rows=_ONE_ORGANIZATION, columns=columns),
        *_role_permissions(span_role(app_id), rows=several, columns=columns),
    ]


def limited_permissions(app_id: int, role: str, *, columns: Sequence[str], rights: Rights | None) -> list[Permission]:
    """Returns the permissions of a limited role on a table; without `rights` they are those of the app's role."""
    name = limited_role(app_id, role)
    if rights is None:
        return _role_permissions(name, rows=_ONE_ORGANIZATION, columns=columns)
    return [
        Permission(operation, name, canonical_rules(_limited_rules(operation, right, columns)))
        for operation, right in rights.items()
    ]


def _limited_rules(operation: Operation, right: Right, columns: Sequence[str]) -> dict[str, Any]:
    rows = {"_and": [_ONE_ORGANIZATION, right.rows]}
    open_columns = [column for column in columns if column in right.columns]
    written = [column for column in _writable(operation, open_columns) if column not in right.presets]
    match operation:
        case Operation.SELECT:
            return {"columns": open_columns, "filter": rows, "allow_aggregations": True}
        case Operation.INSERT:
            return {"columns": written, "check": rows, "set": dict(right.presets)}
        case Operation.UPDATE:
            check = {"_and": [_ONE_ORGANIZATION, right.after]} if right.after else None
            return {"columns": written, "filter": rows, "check": check, "set": dict(right.presets)}
        case Operation.DELETE:
            return {"filter": rows}


def _writable(operation: Operation, columns: Iterable[str]) -> list[str]:
    insertable = [column for column in columns if column not in _READ_ONLY_COLUMNS]
    if operation is Operation.INSERT:
        return insertable
    return [column for column in insertable if column not in _IMMUTABLE_COLUMNS]


def _role_permissions(role: str, *, rows: Mapping[str, Any], columns: Sequence[str]) -> list[Permission]:
    # No check after an update: the only column it could look at is not updatable.
    rules: dict[Operation, dict[str, Any]] = {
        Operation.SELECT: {"columns": columns, "filter": rows, "allow_aggregations": True},
        Operation.INSERT: {"columns": _writable(Operation.INSERT, columns), "check": rows},
        Operation.UPDATE: {"columns": _writable(Operation.UPDATE, columns), "filter": rows},
        Operation.DELETE: {"filter": rows},
    }
    return [Permission(operation, role, canonical_rules(rule)) for operation, rule in rules.items()]


def canonical_rules(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the rules in one spelling that can be compared.

    Columns are sorted, what is absent by default is left out, conditions are as `canonical_condition` writes them.
    """
    canonical: dict[str, Any] = {}
    for name, value in rules.items():
        if value is None or value is False or (name == "set" and not value):
            continue
        if name in ("filter", "check"):
            canonical[name] = canonical_condition(value)
        else:
            canonical[name] = sorted(value) if name == "columns" and isinstance(value, list | tuple) else value
    return canonical


def canonical_condition(condition: Any) -> Any:
    """Returns a boolean expression in one spelling: a Hasura exports `_and` as an object where the keys differ."""
    if not isinstance(condition, Mapping):
        return condition
    entries = {json.dumps(entry, sort_keys=True): entry for entry in _conjuncts(condition)}
    ordered = [entries[text] for text in sorted(entries)]
    if len(ordered) == 1:
        return ordered[0]
    return {"_and": ordered} if ordered else {}


def _conjuncts(condition: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields objects of one entry each that must all hold."""
    for name, value in condition.items():
        if name == "_and" and isinstance(value, list):
            for item in value:
                yield from _conjuncts(item) if isinstance(item, Mapping) else ({name: [item]},)
        elif name == "_or" and isinstance(value, list):
            yield {name: [canonical_condition(item) for item in value]}
        else:
            yield {name: canonical_condition(value) if name == "_not" else value}
