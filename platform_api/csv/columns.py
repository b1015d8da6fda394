"""Which column of the file is which column of the table, and rows made of records."""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from platform_api.csv.errors import JobFailed, LineRejected
from platform_api.csv.records.records import Record
from platform_api.csv.schemas import ImportOptions, OnConflict
from platform_api.csv.values.cells import Cell, is_blank, shown, text_of
from platform_api.csv.values.converting import Convert, Reading, converter
from platform_api.tables.ddl.column_types import ColumnType
from platform_api.tables.definition import Column, TableDefinition

IMPORTABLE_SYSTEM_COLUMNS = (
    Column(name="id", type=ColumnType.UUID),
    Column(name="connection_id", type=ColumnType.BIGINT),
)
REASON_COLUMN = "automio_reason"
"""What the file of rejected lines has at the end of each line."""
LEFT_OUT = frozenset({"organization_id", "created_at", "updated_at", "automio_line", REASON_COLUMN})
"""What an export or a list of rejected lines has beside the columns that can be written."""
_POSITION = re.compile(r"#([1-9][0-9]{0,4})")
_REASON = re.compile(r"(?P<name>automio_reason: )?line [0-9]+(?:, .*)?: .*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """A column of the file and where it goes."""

    position: int
    header: str
    column: Column
    convert: Convert
    is_null: Callable[[Cell], bool]

    @property
    def is_needed(self) -> bool:
        """Whether an empty cell is a fault."""
        return self.column.required and self.column.default is None

    @property
    def is_nullable(self) -> bool:
        """Whether the column can be null, rather than have its default."""
        return not self.column.required and self.column.name != "id"


@dataclass(frozen=True, slots=True)
class Key:
    """The unique key by which lines are compared with rows."""

    constraint: str
    columns: tuple[str, ...]
    is_update: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands where in a record."""

    targets: tuple[Target, ...]
    width: int
    """Fields of a record, without empty columns at the end and without the reason of a rejected line."""
    full_width: int
    """Fields of the header, with both."""
    unnamed: tuple[int, ...]
    """Columns that nobody says anything about: a value there would be lost."""
    reason_position: int
    """Where the header names the reason's column; -1 where it does not."""
    is_headless: bool
    is_ragged: bool

    def without_reason(self, fields: tuple[Cell, ...]) -> tuple[Cell, ...]:
        """Returns the fields without the reason with which the line was rejected before.

        The reason is the last value of a line, wherever its column is: a line may be too short or too long.
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
        """Whether the header names the reason's column."""
        return self.reason_position >= 0

    def reason(self, line: int, rejected: LineRejected) -> str:
        """Returns why a line was rejected, as it stands at the end of the line in the file of rejected ones."""
        # Where no header says what it is, it says so itself.
        name = f"{REASON_COLUMN}: " if self.is_headless else ""
        column = f", {rejected.column}" if rejected.column else ""
        return " ".join(f"{name}line {line}{column}: {rejected.reason}".splitlines())

    def fit(self, record: Record) -> tuple[Cell, ...]:
        """Returns the fields of a record, as many as there are columns. Raises LineRejected."""
        if record.problem is not None:
            raise record.problem
        fields = list(self.without_reason(record.fields))
        if self.is_ragged:
            while len(fields) > self.width and is_blank(fields[-1]):
                fields.pop()
            fields += [""] * (self.width - len(fields))
        extra = fields[self.width :]
        # A line of one field may end with a comma that is its own.
        is_own = self.width == 1 and not (self.is_headless or self.is_ragged)
        allowed = max(0 if is_own else 1, self.full_width - self.width - self.has_reason)
        if len(fields) < self.width or len(extra) > allowed:
            raise self._wrong_width(fields)
        for position, field in enumerate(extra, self.width):
            if not is_blank(field):
                if position < (self.reason_position if self.has_reason else self.full_width):
                    raise LineRejected(
                        f"column {position + 1} has no header, and here the value {shown(text_of(field))}"
                    )
                raise self._wrong_width(fields)
        for position in self.unnamed:
            if not is_blank(fields[position]):
                raise LineRejected(
                    f"column {position + 1} has no header, and this line has a value there; name the column, or say"
                    f' in `mapping` where "#{position + 1}" goes (null: nowhere)'
                )
        return tuple(fields[: self.width])

    def _wrong_width(self, fields: Sequence[Cell]) -> LineRejected:
        few_or_many = "few" if len(fields) < self.width else "many"
        return LineRejected(f"too {few_or_many} fields: {len(fields)} where the header has {self.width}")

    def row(self, record: Record, *, namespace: uuid.UUID) -> dict[str, Any]:
        """Returns the row that a record is. Raises LineRejected.

        A row without an id of its own gets one made from its line: the same line of the same job is the same row,
        however often it is written.
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
            # Else no value: the column's default, or null.
        row.setdefault("id", str(uuid.uuid5(namespace, str(record.line))))
        return row

    def require_key(self, row: Mapping[str, Any], key: Key) -> None:
        """Raises LineRejected when a column of the key is null: such a line is no row's, and never finds one."""
        for target in self.targets:
            name = target.column.name
            if name in key.columns and row.get(name) is None and (name in row or target.column.default is None):
                raise LineRejected("on_conflict compares it with rows, and it has no value", target.header)


def is_reason(cell: Cell, *, is_named: bool = False) -> bool:
    """Returns whether a cell holds the reason of a rejected line, as `Layout.reason` writes it."""
    found = _REASON.fullmatch(cell) if isinstance(cell, str) else None
    return found is not None and (found["name"] is not None or not is_named)


def importable_columns(definition: TableDefinition) -> dict[str, Column]:
    """Columns of the table that a file may fill, by name."""
    return {column.name: column for column in (*IMPORTABLE_SYSTEM_COLUMNS, *definition.columns)}


def find_form(header: Sequence[str], options: ImportOptions, *, is_ragged: bool) -> tuple[list[str], Layout]:
    """Returns the names of the file's columns, and how many fields a record has. No header: the mapping names them.

    Raises JobFailed when neither does.
    """
    names, full_width = list(header), len(header)
    is_headless = options.header_line == 0
    if is_headless:
        places = [int(found[1]) for key in options.mapping if (found := _POSITION.fullmatch(key)) is not None]
        if not places:
            raise JobFailed('the file has no header: say in `mapping` where its columns go, {"#1": "<column>", …}')
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
    """Returns where the file's columns go. Raises JobFailed naming the first fault."""
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
        if column_name is None or (position not in mapped and name in LEFT_OUT):
            continue
        column = known.get(column_name)
        if column is None:
            raise _unknown_column(position, name, column_name, definition, known)
        if any(target.column is column for target in targets):
            raise JobFailed(
                f"two columns of the file go into {column.name}; leave one out with a mapping to null, of the second"
                f' {{"#{position + 1}": null}}'
            )
        targets.append(
            Target(position, name or f"#{position + 1}", column, converter(column, reading), reading.is_null)
        )
    _require_columns(definition, targets)
    return replace(form, targets=tuple(targets), unnamed=tuple(unnamed))


def _drop_empty(names: list[str], options: ImportOptions) -> None:
    """Takes away columns without a header at the end that the mapping does not name."""
    while names and not names[-1] and f"#{len(names)}" not in options.mapping:
        names.pop()


def _by_position(names: Sequence[str], mapping: Mapping[str, str | None]) -> dict[int, str | None]:
    """Returns the mapping by position. A key is a column's header or, where no header is so, `#` and its number."""
    found: dict[int, str | None] = {}
    by_number: dict[int, str | None] = {}
    for key, column in mapping.items():
        positions = [position for position, name in enumerate(names) if name == key]
        found |= dict.fromkeys(positions, column)
        if positions:
            continue
        number = _POSITION.fullmatch(key)
        if number is None or int(number[1]) > len(names):
            raise JobFailed(f"mapping: the file has no column {shown(key)}; its columns are: {_listed(names)}")
        by_number[int(number[1]) - 1] = column
    # A number names one column only, so it says more than a header.
    return found | by_number


def _unknown_column(
    position: int, name: str, column_name: str, definition: TableDefinition, known: Mapping[str, Column]
) -> JobFailed:
    key = name[:60] or f"#{position + 1}"
    return JobFailed(
        f"the file's column {shown(name or key)} is no column of the table {definition.name}"
        + (f" (mapped to {shown(column_name)})" if column_name != name else "")
        + f'; send a mapping, {{"{key}": "<column>"}}, or {{"{key}": null}} to leave it out.'
        f" Its columns are: {_listed(list(known))}"
    )


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


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:40]) + (", …" if len(names) > 40 else "")
