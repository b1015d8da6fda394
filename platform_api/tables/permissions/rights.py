"""Turns stored permissions into what Hasura's metadata is made of."""

from collections.abc import Mapping, Sequence
from typing import Any

from hasura.permissions import Operation, Right, Rights
from platform_api.accounts.models import Role
from platform_api.tables.definition import TableDefinition
from platform_api.tables.names import SYSTEM_COLUMNS
from platform_api.tables.permissions.definition import Permission

Limits = Mapping[Role, Mapping[int, Permission]]
"""Holds the permissions of an app by role and table id."""


def rights_of(permission: Permission, definition: TableDefinition) -> Rights:
    """Returns the rights of a permission on its table.

    Hasura applies the filter of a change alone, and returns the rows that it changed: the rule for reading is and'ed,
    so that nobody changes or deletes, and thereby sees, a row that they may not read.
    """
    read, add, change, delete = permission.read, permission.add, permission.change, permission.delete
    rights: dict[Operation, Right] = {}
    if read.allowed:
        rights[Operation.SELECT] = Right(_open(read.columns, definition), read.rule)
    if add.allowed:
        rights[Operation.INSERT] = Right(_open(add.columns, definition), add.rule, presets=add.presets)
    if change.allowed:
        columns = _open(change.columns, definition)
        rights[Operation.UPDATE] = Right(columns, _both(read.rule, change.rule), change.after, change.presets)
    if delete.allowed:
        rights[Operation.DELETE] = Right((), _both(read.rule, delete.rule))
    return rights


def _both(*rules: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"_and": [rule for rule in rules if rule]}


def own_columns(columns: Sequence[str] | None, definition: TableDefinition) -> list[str]:
    """Returns the builder's columns that a list opens, in the order of the table."""
    return [column.name for column in definition.columns if columns is None or column.name in columns]


def _open(columns: Sequence[str] | None, definition: TableDefinition) -> tuple[str, ...]:
    return (*SYSTEM_COLUMNS, *own_columns(columns, definition))
