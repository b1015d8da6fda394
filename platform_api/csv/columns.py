"""Which column of the file is which column of the table, and rows made of records."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from platform_api.csv.cells import Convert, converter, shown
from platform_api.csv.errors import JobFailed, LineRejected
from platform_api.csv.records import Record
from platform_api.csv.schemas import ImportOptions, OnConflict
from platform_api.tables.column_types import ColumnType
from platform_api.tables.definition import Column, TableDefinition

IMPORTABLE_SYSTEM_COLUMNS = (
    Column(name="id", type=ColumnType.UUID),
    Column(name="connection_id", type=ColumnType.BIGINT),
)
LEFT_OUT = frozenset({"organization_id", "created_at", "updated_at", "automio_line", "automio_reason"})
"""What an export or a list of rejected lines has beside the columns that can be written."""


@dataclass(frozen=True, slots=True)
class Target:
    """A column of the file and where it goes."""

    position: int
    header: str
    column: Column
    convert: Convert

    @property
    def is_needed(self) -> bool:
        """Whether an empty cell is a fault."""
        return self.column.required and self.column.default is None


@dataclass(frozen=True, slots=True)
class Key:
    """The unique key by which lines are compared with rows."""

    constraint: str
    columns: tuple[str, ...]
    is_update: bool


def importable_columns(definition: TableDefinition) -> dict[str, Column]:
    """Columns of the table that a file may fill, by name."""
    return {column.name: column for column in (*IMPORTABLE_SYSTEM_COLUMNS, *definition.columns)}


def find_targets(header: Sequence[str], definition: TableDefinition, options: ImportOptions) -> list[Target]:
    """Where the file's columns go. Raises JobFailed naming the first thing that is wrong."""
    known = importable_columns(definition)
    targets: list[Target] = []
    if absent := sorted(options.mapping.keys() - set(header)):
        raise JobFailed(f"mapping: the file has no column {shown(absent[0])}; its columns are: {_listed(header)}")
    for position, name in enumerate(header):
        column_name = options.mapping.get(name, name)
        if column_name is None or (name not in options.mapping and name in LEFT_OUT):
            continue
        column = known.get(column_name)
        if column is None:
            raise JobFailed(
                f"the file's column {shown(name)} is no column of the table {definition.name}"
                + (f" (mapped to {shown(column_name)})" if column_name != name else "")
                + f'; send a mapping, {{"{name[:60]}": "<column>"}}, or {{"{name[:60]}": null}} to leave it out.'
                f" Its columns are: {_listed(list(known))}"
            )
        if any(target.column is column for target in targets):
            raise JobFailed(f"two columns of the file go into {column.name}; leave one out with a mapping to null")
        targets.append(Target(position, name, column, converter(column, decimal=options.decimal)))
    _require_columns(definition, targets)
    return targets


def _require_columns(definition: TableDefinition, targets: Sequence[Target]) -> None:
    if not targets:
        raise JobFailed("none of the file's columns goes into the table")
    given = {target.column.name for target in targets}
    for column in definition.columns:
        if column.required and column.default is None and column.name not in given:
            raise JobFailed(f"the table needs a value for {column.name}, and no column of the file gives it")


def find_key(definition: TableDefinition, wanted: OnConflict | None) -> Key | None:
    """The unique key that `wanted` names. Raises JobFailed when the table has none such."""
    if wanted is None:
        return None
    physical = definition.physical
    keys: dict[str, tuple[str, ...]] = {physical.primary_key: ("id",)}
    keys |= {physical.unique_key(key.columns, name=key.name): key.columns for key in definition.unique}
    for constraint, columns in keys.items():
        if constraint == wanted.constraint or (wanted.columns and sorted(columns) == sorted(wanted.columns)):
            return Key(constraint, tuple(columns), wanted.action == "update")
    listed = "; ".join(", ".join(columns) for columns in keys.values())
    named = wanted.constraint or ", ".join(wanted.columns)
    raise JobFailed(f"on_conflict: the table has no unique key {shown(named)}; it has: {listed}")


def row_of(record: Record, targets: Sequence[Target], *, width: int, namespace: uuid.UUID) -> dict[str, Any]:
    """The row that a record is. Raises LineRejected.

    A row without an id of its own gets one made from its line: the same line of the same job is the same row, however
    often it is written.
    """
    if record.problem is not None:
        raise record.problem
    if len(record.fields) != width:
        few_or_many = "few" if len(record.fields) < width else "many"
        raise LineRejected(f"too {few_or_many} fields: {len(record.fields)} where the header has {width}")
    row: dict[str, Any] = {}
    for target in targets:
        text = record.fields[target.position]
        if not text.strip():
            if target.is_needed:
                raise LineRejected("a value is required", target.header)
            # No value: the column's default, or null.
            continue
        try:
            row[target.column.name] = target.convert(text)
        except LineRejected as error:
            raise LineRejected(error.reason, target.header) from None
    row.setdefault("id", str(uuid.uuid5(namespace, str(record.line))))
    return row


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:40]) + (", …" if len(names) > 40 else "")
