"""Maps items to rows: the table, the unique key, and the row of each item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automio._paths import ABSENT, at
from platform_api.core.errors import Unprocessable
from platform_api.core.types import ConnectionId
from platform_api.syncs.errors import ItemRejected
from platform_api.syncs.rows.values import convert, shown
from platform_api.syncs.schemas import Declaration, Mapped, Tombstones
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import Column, TableDefinition
from platform_api.tables.names import SYSTEM_COLUMNS

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """Holds the change of one item: its row, or None where it is deleted. `number` is its place, from 1."""

    number: int
    key: Key
    row: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Describes an item that cannot be stored; `key` where it could be read."""

    number: int
    key: Key | None
    reason: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Holds a table as a declaration uses it."""

    definition: TableDefinition
    columns: Mapping[str, Column]
    sources: Mapping[str, Mapped]
    key: Sequence[str]
    constraint: str
    tombstones: Tombstones | None
    tombstone_column: Column | None

    def changes(self, items: Sequence[Any], connection_id: ConnectionId) -> tuple[list[Change], list[Refused]]:
        """Returns the changes of a page's items; of several with the same key the last one counts."""
        changes: dict[Key, Change] = {}
        refused: list[Refused] = []
        for number, item in enumerate(items, 1):
            key: Key | None = None
            try:
                key = tuple(
                    connection_id if name == "connection_id" else self._key_value(item, name) for name in self.key
                )
                row = None if self._is_deleted(item) else self._row(item, connection_id)
            except ItemRejected as error:
                refused.append(Refused(number, key, error.reason, error.column))
                continue
            changes.pop(key, None)
            changes[key] = Change(number, key, row)
        return list(changes.values()), refused

    def _row(self, item: Any, connection_id: ConnectionId) -> dict[str, Any]:
        row = {name: self._value(item, name) for name in self.sources}
        for name, value in row.items():
            if value is None and self.columns[name].required:
                raise ItemRejected(f"a value is required{self._where(name)}", name)
        row["connection_id"] = connection_id
        if self.tombstone_column is not None:
            # It may have been marked as deleted: now it exists again.
            row[self.tombstone_column.name] = False if self.tombstone_column.type is ColumnType.BOOLEAN else None
        return row

    def _key_value(self, item: Any, name: str) -> Any:
        value = self._value(item, name)
        if value is None:
            raise ItemRejected(f"the key needs a value{self._where(name)}", name)
        return value

    def _value(self, item: Any, name: str) -> Any:
        source = self.sources[name]
        value = source.value if source.path is None else at(item, source.path)
        if value is ABSENT or (value is None and source.path is not None):
            value = source.default
        return convert(self.columns[name], value)

    def _where(self, name: str) -> str:
        path = self.sources[name].path
        return "" if path is None else f"; the item has none at {path}"

    def _is_deleted(self, item: Any) -> bool:
        if self.tombstones is None or not self.tombstones.path:
            return False
        value = at(item, self.tombstones.path)
        if self.tombstones.values is None:
            return value is not ABSENT and value is not None and value is not False
        return any(type(value) is type(item) and value == item for item in self.tombstones.values)


def find_target(declaration: Declaration, definition: TableDefinition) -> Target:
    """Returns the table as the declaration uses it. Raises Unprocessable naming the first thing that is wrong."""
    columns = {column.name: column for column in definition.columns}
    listed = ", ".join(list(columns)[:40])
    for name in declaration.mapping:
        if name in SYSTEM_COLUMNS:
            raise Unprocessable(
                f"mapping.{name}: the platform fills this column; leave it out", field=f"mapping.{name}"
            )
        if name not in columns:
            raise Unprocessable(
                f"mapping.{name}: the table {definition.name} has no such column; its columns are: {listed}",
                field=f"mapping.{name}",
            )
    for name, source in declaration.sources.items():
        field, value = ("value", source.value) if source.path is None else ("default", source.default)
        try:
            convert(columns[name], value)
        except ItemRejected as error:
            raise Unprocessable(f"mapping.{name}.{field}: {error.reason}", field=f"mapping.{name}.{field}") from error
    for column in definition.columns:
        if column.required and column.default is None and column.name not in declaration.mapping:
            raise Unprocessable(f"mapping: the table needs a value for {column.name}", field="mapping")
    return Target(
        definition=definition,
        columns=columns,
        sources=declaration.sources,
        key=list(declaration.key),
        constraint=_constraint(declaration, definition),
        tombstones=declaration.tombstones,
        tombstone_column=_tombstone_column(declaration, columns, listed),
    )


def _constraint(declaration: Declaration, definition: TableDefinition) -> str:
    for key in definition.unique:
        if sorted(key.columns) == sorted(declaration.key):
            break
    else:
        known = "; ".join(", ".join(key.columns) for key in definition.unique) or "none"
        raise Unprocessable(
            f"key: the table {definition.name} has no unique key {', '.join(declaration.key)}; it has: {known}",
            field="key",
        )
    for name in declaration.key:
        if name != "connection_id" and name not in declaration.mapping:
            raise Unprocessable(
                f"key: {name} is not in the mapping, so no item would have a value for it", field="key"
            )
    if list(declaration.key) == ["connection_id"]:
        raise Unprocessable(
            "key: with connection_id alone, each connection would have only one row; add the item's id", field="key"
        )
    return definition.physical.unique_key(key.columns, name=key.name)


def _tombstone_column(declaration: Declaration, columns: Mapping[str, Column], listed: str) -> Column | None:
    if declaration.tombstones is None or declaration.tombstones.column is None:
        return None
    name = declaration.tombstones.column
    if name not in columns:
        raise Unprocessable(
            f"tombstones.column: the table has no column {shown(name)}; its columns are: {listed}",
            field="tombstones.column",
        )
    column = columns[name]
    if column.type not in (ColumnType.BOOLEAN, ColumnType.TIMESTAMPTZ):
        raise Unprocessable(
            f"tombstones.column: {name} is {column.type}; use a boolean or a timestamptz", field="tombstones.column"
        )
    if name in declaration.mapping or name in declaration.key:
        raise Unprocessable(
            f"tombstones.column: {name} is filled from the items already; use another column",
            field="tombstones.column",
        )
    if column.type is ColumnType.TIMESTAMPTZ and column.required:
        raise Unprocessable(
            f"tombstones.column: {name} is required, but empty for rows that are not deleted; use an optional one",
            field="tombstones.column",
        )
    return column
