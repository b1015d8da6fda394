"""Maps columns of the file to columns of the table, and converts records to rows."""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from platform_api.csv.errors import JobFailed, LineRejected
from platform_api.csv.records.records import Record
from platform_api.csv.schemas import ImportOptions, OnConflict
from platform_api.csv.values.cells import Cell, is_blank, quoted, text_of
from platform_api.csv.values.converting import Convert, Reading, converter
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import Column, TableDefinition
from platform_api.tables.permissions.limits import Own

IMPORTABLE_SYSTEM_COLUMNS = (
    Column(name="id", type=ColumnType.UUID),
    Column(name="connection_id", type=ColumnType.BIGINT),
)
REASON_COLUMN = "automio_reason"
"""Is the last column in the file of rejected lines."""
IGNORED_COLUMNS = frozenset({"organization_id", "created_at", "updated_at", "automio_line", REASON_COLUMN})
"""Are the columns of exports and of rejected lines that an import ignores."""
_POSITION = re.compile(r"#([1-9][0-9]{0,4})")
_REASON = re.compile(
    r"(?P<name>automio_reason: )?line [0-9]+(?:, .*)?: .*?"
    r"(?: \[import (?P<import>[0-9]{1,18}), line (?P<line>[0-9]{1,18})\])?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Target:
    """Maps a column of the file to a column of the table."""

    position: int
    header: str
    column: Column
    convert: Convert
    is_null: Callable[[Cell], bool]

    @property
    def is_needed(self) -> bool:
        """Returns whether an empty cell is an error."""
        return self.column.required and self.column.default is None

    @property
    def is_nullable(self) -> bool:
        """Returns whether the column can be null instead of having its default."""
        return not self.column.required and self.column.name != "id"


@dataclass(frozen=True, slots=True)
class Key:
    """Names the unique key that matches lines with existing rows."""

    constraint: str
    columns: tuple[str, ...]
    is_update: bool


@dataclass(frozen=True, slots=True)
class Origin:
    """Names the line that a row comes from first, however often it was rejected and imported again since."""

    import_id: int
    line: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Describes the positions of values in a record."""

    targets: tuple[Target, ...]
    width: int
    """Number of fields of a record, without empty columns at the end and without the reason of a rejected line."""
    full_width: int
    """Number of fields of the header, including both."""
    unnamed: tuple[int, ...]
    """Positions of columns without a header or mapping: a value there would be lost."""
    reason_position: int
    """Position of the reason's column in the header; -1 without it."""
    is_headless: bool
    is_ragged: bool
    import_id: int | None = None
    """The import that rejects lines; None while a file is only looked at."""

    def without_reason(self, fields: tuple[Cell, ...]) -> tuple[Cell, ...]:
        """Returns the fields without the reason of an earlier rejection.

        The reason is the last value of the line, in whichever column: the line may be too short or too long.
        """
        if not (self.has_reason or self.is_headless):
            return fields
        filled = len(fields)
        while filled and is_blank(fields[filled - 1]):
            filled -= 1
        if filled and is_reason(fields[filled - 1], is_named=self.is_headless):
            return fields[: filled - 1]
        if self.has_reason and len(fields) == self.full_width and filled <= self.reason_position + 1:
            return fields[: self.reason_position]
        return fields

    @property
    def has_reason(self) -> bool:
        """Returns whether the header contains the reason's column."""
        return self.reason_position >= 0

    def reason(self, record: Record, rejected: LineRejected) -> str:
        """Returns the reason of a rejection as written at the end of the line in the file of rejected lines."""
        # Without a header, the value itself names its column.
        name = f"{REASON_COLUMN}: " if self.is_headless else ""
        column = f", {rejected.column}" if rejected.column else ""
        origin = self.origin(record)
        if origin is None and self.import_id is not None:
            origin = Origin(self.import_id, record.line)
        source = f" [import {origin.import_id}, line {origin.line}]" if origin is not None else ""
        return " ".join(f"{name}line {record.line}{column}: {rejected.reason}{source}".splitlines())

    def origin(self, record: Record) -> Origin | None:
        """Returns where a line of a file of rejected lines comes from; None for a line that was not rejected."""
        if not (self.has_reason or self.is_headless):
            return None
        last = next((field for field in reversed(record.fields) if not is_blank(field)), None)
        match = _REASON.fullmatch(last) if isinstance(last, str) else None
        if match is None or match["import"] is None or (self.is_headless and match["name"] is None):
            return None
        return Origin(int(match["import"]), int(match["line"]))

    def fit(self, record: Record) -> tuple[Cell, ...]:
        """Returns as many fields of a record as there are columns. Raises LineRejected."""
        if record.problem is not None:
            raise record.problem
        fields = list(self.without_reason(record.fields))
        if self.is_ragged:
            while len(fields) > self.width and is_blank(fields[-1]):
                fields.pop()
            fields += [""] * (self.width - len(fields))
        extra = fields[self.width :]
        # In a file of one column, a comma at the end may belong to the value.
        is_own = self.width == 1 and not (self.is_headless or self.is_ragged)
        allowed = max(0 if is_own else 1, self.full_width - self.width - self.has_reason)
        if len(fields) < self.width or len(extra) > allowed:
            raise self._wrong_width(fields)
        for position, field in enumerate(extra, self.width):
            if not is_blank(field):
                if position < (self.reason_position if self.has_reason else self.full_width):
                    raise LineRejected(
                        f"column {position + 1} has no header, but the value {quoted(text_of(field))} here"
                    )
                raise self._wrong_width(fields)
        for position in self.unnamed:
            if not is_blank(fields[position]):
                raise LineRejected(
                    f"column {position + 1} has no header, but this line has a value there; name the column, or map"
                    f' "#{position + 1}" in `mapping` (to null to leave it out)'
                )
        return tuple(fields[: self.width])

    def _wrong_width(self, fields: Sequence[Cell]) -> LineRejected:
        amount = "few" if len(fields) < self.width else "many"
        return LineRejected(f"too {amount} fields: {len(fields)} where the header has {self.width}")

    def row(self, record: Record, *, namespace: uuid.UUID, line: int | None = None) -> dict[str, Any]:
        """Converts a record to a row. Raises LineRejected.

        A row without an id gets one derived from its line, or from `line` of an earlier file: the same line of the
        same job is always the same row, however often it is written.
        """
        fields = self.fit(record)
        row: dict[str, Any] = {}
        for target in self.targets:
            try:
                value = target.convert(fields[target.position])
            except LineRejected as error:
                raise LineRejected(error.reason, target.header) from None
            if value is not None or (target.is_nullable and target.is_null(fields[target.position])):
                row[target.column.name] = value
            elif target.is_needed:
                raise LineRejected("a value is required", target.header)
            # Otherwise omit the value: the column gets its default, or null.
        row.setdefault("id", str(uuid.uuid5(namespace, str(record.line if line is None else line))))
        return row

    def faults(self, fields: Sequence[Cell]) -> list[LineRejected]:
        """Returns what is wrong with each value of a record; fields that are missing count as empty."""
        faults: list[LineRejected] = []
        for target in self.targets:
            cell = fields[target.position] if target.position < len(fields) else ""
            try:
                if target.convert(cell) is None and target.is_needed:
                    raise LineRejected("a value is required")
            except LineRejected as error:
                faults.append(LineRejected(error.reason, target.header))
        return faults

    def require_key(self, row: Mapping[str, Any], key: Key) -> None:
        """Raises LineRejected when a column of the key is null: such a line can never match a row."""
        for target in self.targets:
            name = target.column.name
            if name in key.columns and row.get(name) is None and (name in row or target.column.default is None):
                raise LineRejected("must have a value, because on_conflict matches rows by it", target.header)


def is_reason(cell: Cell, *, is_named: bool = False) -> bool:
    """Returns whether a cell is the reason of a rejected line, as `Layout.reason` writes it."""
    match = _REASON.fullmatch(cell) if isinstance(cell, str) else None
    return match is not None and (match["name"] is not None or not is_named)


def importable_columns(definition: TableDefinition) -> dict[str, Column]:
    """Returns the columns of the table that a file may contain, by name."""
    return {column.name: column for column in (*IMPORTABLE_SYSTEM_COLUMNS, *definition.columns)}


def find_form(header: Sequence[str], options: ImportOptions, *, is_ragged: bool) -> tuple[list[str], Layout]:
    """Returns the names of the file's columns and a layout without targets. Without a header, the mapping names them.

    Raises JobFailed without both.
    """
    names, full_width = list(header), len(header)
    is_headless = options.header_line == 0
    if is_headless:
        places = [int(match[1]) for key in options.mapping if (match := _POSITION.fullmatch(key)) is not None]
        if not places:
            raise JobFailed('the file has no header: name its columns in `mapping`, {"#1": "<column>", …}')
        names = [f"#{number}" for number in range(1, max(places) + 1)]
        full_width = len(names)
    _drop_empty(names, options)
    reason_position = len(names) - 1 if names[-1:] == [REASON_COLUMN] else -1
    if reason_position >= 0:
        names.pop()
        _drop_empty(names, options)
    return names, Layout((), len(names), full_width, (), reason_position, is_headless, is_ragged)


def find_layout(
    header: Sequence[str], definition: TableDefinition, options: ImportOptions, *, is_ragged: bool
) -> Layout:
    """Returns the layout of a file for a table. Raises JobFailed for the first error in it."""
    names, form = find_form(header, options, is_ragged=is_ragged)
    is_headless = form.is_headless
    mapped = _by_position(names, options.mapping)
    known = importable_columns(definition)
    reading = Reading.of(options)
    targets: list[Target] = []
    unnamed: list[int] = []
    for position, name in enumerate(names):
        if position not in mapped and (not name or is_headless):
            unnamed.append(position)
            continue
        column_name = mapped.get(position, name)
        if column_name is None or (position not in mapped and name in IGNORED_COLUMNS):
            continue
        column = known.get(column_name)
        if column is None:
            raise _unknown_column(position, name, column_name, definition, known)
        if any(target.column is column for target in targets):
            raise JobFailed(
                f"two columns of the file are mapped to {column.name}; map one to null, the second with"
                f' {{"#{position + 1}": null}}'
            )
        targets.append(
            Target(position, name or f"#{position + 1}", column, converter(column, reading), reading.is_null)
        )
    _require_columns(definition, targets)
    return replace(form, targets=tuple(targets), unnamed=tuple(unnamed))


def _drop_empty(names: list[str], options: ImportOptions) -> None:
    """Removes columns at the end that have neither a header nor a mapping."""
    while names and not names[-1] and f"#{len(names)}" not in options.mapping:
        names.pop()


def _by_position(names: Sequence[str], mapping: Mapping[str, str | None]) -> dict[int, str | None]:
    """Returns the mapping by position. A key is a header or, if no header equals it, `#` and a column's number."""
    by_header: dict[int, str | None] = {}
    by_number: dict[int, str | None] = {}
    for key, column in mapping.items():
        positions = [position for position, name in enumerate(names) if name == key]
        by_header |= dict.fromkeys(positions, column)
        if positions:
            continue
        number = _POSITION.fullmatch(key)
        if number is None or int(number[1]) > len(names):
            raise JobFailed(f"mapping: the file has no column {quoted(key)}; its columns are: {_listed(names)}")
        by_number[int(number[1]) - 1] = column
    # A number names exactly one column, so it takes precedence over a header.
    return by_header | by_number


def _unknown_column(
    position: int, name: str, column_name: str, definition: TableDefinition, known: Mapping[str, Column]
) -> JobFailed:
    key = name[:60] or f"#{position + 1}"
    return JobFailed(
        f"the file's column {quoted(name or key)} is not a column of the table {definition.name}"
        + (f" (mapped to {quoted(column_name)})" if column_name != name else "")
        + f'; send a mapping, {{"{key}": "<column>"}}, or {{"{key}": null}} to leave it out.'
        f" Its columns are: {_listed(list(known))}"
    )


def _require_columns(definition: TableDefinition, targets: Sequence[Target]) -> None:
    if not targets:
        raise JobFailed("none of the file's columns belongs to the table; send a `mapping`")
    given = {target.column.name for target in targets}
    for column in definition.columns:
        if column.required and column.default is None and column.name not in given:
            raise JobFailed(f"the table requires {column.name}, but no column of the file is mapped to it")


def find_key(definition: TableDefinition, on_conflict: OnConflict | None) -> Key | None:
    """Returns the unique key that `on_conflict` names; None without it. Raises JobFailed when the table lacks it."""
    if on_conflict is None:
        return None
    physical = definition.physical
    keys: dict[str, tuple[str, ...]] = {physical.primary_key: ("id",)}
    keys |= {physical.unique_key(key.columns, name=key.name): key.columns for key in definition.unique}
    for constraint, columns in keys.items():
        if constraint == on_conflict.constraint or (
            on_conflict.columns and sorted(columns) == sorted(on_conflict.columns)
        ):
            return Key(constraint, tuple(columns), on_conflict.action == "update")
    listed = "; ".join(", ".join(columns) for columns in keys.values())
    name = on_conflict.constraint or ", ".join(on_conflict.columns)
    raise JobFailed(f"on_conflict: the table has no unique key {quoted(name)}; it has: {listed}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:40]) + (", …" if len(names) > 40 else "")


def require_rights(rights: Own, layout: Layout, key: Key | None) -> None:
    """Raises `NotPermitted` unless the caller may write what the file holds."""
    names = [target.column.name for target in layout.targets]
    updated = [] if key is None or not key.is_update else [name for name in names if name not in key.columns]
    rights.require_import(names, updated)
