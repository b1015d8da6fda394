"""Checks permissions against the tables that they are about."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from platform_api.tables.definition import TableDefinition
from platform_api.tables.permissions.definition import Permission
from platform_api.tables.permissions.rules import Definitions, InvalidRule, check_value, read_rule
from platform_api.tables.permissions.words import in_words


def check_permission(permission: Permission, table_id: int, definitions: Definitions) -> None:
    """Raises `InvalidRule` unless the permission can be enforced and makes sense."""
    check_enforceable(permission, table_id, definitions)
    definition = definitions[table_id]
    _check_readable_first(permission)
    _check_something_to_change(permission, definition)
    _check_required(permission, definition)


def check_enforceable(permission: Permission, table_id: int, definitions: Definitions) -> None:
    """Raises `InvalidRule` when the permission names what the tables do not have."""
    for path, rule in rules_of(permission):
        read_rule(rule, table_id, definitions, path=path)
    definition = definitions[table_id]
    for path, columns in column_lists(permission):
        _check_columns(columns, definition, path)
    for path, presets in preset_lists(permission):
        _check_presets(presets, definition, path)


def rules_of(permission: Permission) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the rules with their paths."""
    yield "read.rule", permission.read.rule
    yield "add.rule", permission.add.rule
    yield "change.rule", permission.change.rule
    yield "change.after", permission.change.after
    yield "delete.rule", permission.delete.rule


def column_lists(permission: Permission) -> Iterator[tuple[str, Sequence[str]]]:
    """Yields the lists of columns with their paths."""
    for name, columns in (
        ("read", permission.read.columns),
        ("add", permission.add.columns),
        ("change", permission.change.columns),
    ):
        if columns is not None:
            yield f"{name}.columns", columns


def preset_lists(permission: Permission) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yields the presets with their paths."""
    yield "add.presets", permission.add.presets
    yield "change.presets", permission.change.presets


def rules_in_words(permission: Permission, table_id: int, definitions: Definitions) -> dict[str, str]:
    """Returns the rules in words, by the name of what they limit."""
    return {
        path.removesuffix(".rule").removeprefix("change."): in_words(
            read_rule(rule, table_id, definitions, path=path)
        )
        for path, rule in rules_of(permission)
    }


def _check_columns(columns: Sequence[str], definition: TableDefinition, path: str) -> None:
    known = [column.name for column in definition.columns]
    for position, column in enumerate(columns):
        if column not in known:
            raise InvalidRule(
                f"the table has no column {column!r} of its own; it has: {', '.join(known) or 'none'}",
                field=f"{path}.{position}",
                column=column,
            )
        if column in columns[:position]:
            raise InvalidRule(f"column {column!r} is named more than once", field=f"{path}.{position}", column=column)


def _check_presets(presets: Mapping[str, Any], definition: TableDefinition, path: str) -> None:
    kinds = {column.name: column.type for column in definition.columns}
    for column, value in presets.items():
        if column not in kinds:
            raise InvalidRule(
                f"the table has no column {column!r} of its own; it has: {', '.join(kinds) or 'none'}",
                field=f"{path}.{column}",
                column=column,
            )
        if value is not None:
            check_value(kinds[column], value, path=f"{path}.{column}", column=column)


def _check_readable_first(permission: Permission) -> None:
    if permission.read.allowed:
        return
    for name, right in (("change", permission.change), ("delete", permission.delete)):
        if right.allowed:
            raise InvalidRule(
                f"who may {name} rows must be able to read them; allow read, or forbid {name}",
                field=f"{name}.allowed",
            )


def _check_something_to_change(permission: Permission, definition: TableDefinition) -> None:
    change = permission.change
    if change.allowed and change.columns == [] and definition.columns and not change.presets:
        raise InvalidRule("names no column; choose some, or forbid change", field="change.columns")


def _check_required(permission: Permission, definition: TableDefinition) -> None:
    add = permission.add
    if not add.allowed or add.columns is None:
        return
    for column in definition.columns:
        is_given = column.name in add.columns or add.presets.get(column.name) is not None
        if column.required and column.default is None and not is_given:
            raise InvalidRule(
                f"column {column.name!r} is required and has no default, so that no row could be added; include it,"
                " or give it a preset",
                field="add.columns",
                column=column.name,
            )
