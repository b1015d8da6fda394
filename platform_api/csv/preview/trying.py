"""Tries the lines of a preview on the columns of a table: which of them an import would reject, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from platform_api.csv.columns import Layout, Target
from platform_api.csv.errors import LineRejected
from platform_api.csv.preview.schemas import CounterValue
from platform_api.csv.records.records import Record
from platform_api.csv.values.cells import Cell, text_of

_MAX_SHOWN = 20
_MAX_VALUE = 100


@dataclass(slots=True)
class TriedColumn:
    """Holds the values that a column of the table would not take: the first, and how many."""

    shown: list[CounterValue] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, cell: Cell, reason: str) -> None:
        """Counts a value, and keeps one of the first."""
        self.count += 1
        if len(self.shown) < _MAX_SHOWN:
            self.shown.append(CounterValue(line=line, value=text_of(cell)[:_MAX_VALUE], reason=reason))


@dataclass(slots=True)
class TriedRows:
    """Holds how many lines would be rejected, and the values at fault by the position of their column."""

    rejected: int = 0
    columns: dict[int, TriedColumn] = field(default_factory=dict)


def try_rows(records: Sequence[Record], layout: Layout, key: Sequence[str] = ()) -> TriedRows:
    """Tries every record. Of several with the same values of `key`, all but the first are rejected."""
    tried = TriedRows()
    reasons: list[dict[Cell, tuple[str, str | None]]] = [{} for _ in layout.targets]
    seen: set[tuple[str, ...]] = set()
    of_key = [place for place, target in enumerate(layout.targets) if target.column.name in key]
    for record in records:
        try:
            fields = layout.fit(record)
        except LineRejected:
            tried.rejected += 1
            continue
        is_rejected = False
        values: list[str] = []
        for place, target in enumerate(layout.targets):
            cell = fields[target.position]
            value, reason = _read(reasons[place], target, cell)
            values.append(value)
            if reason is not None:
                is_rejected = True
                tried.columns.setdefault(target.position, TriedColumn()).add(record.line, cell, reason)
        if of_key and not is_rejected:
            key_values = tuple(values[place] for place in of_key)
            # As in the database, rows without a value are never the same.
            if all(key_values) and key_values in seen:
                is_rejected = True
                target = layout.targets[of_key[0]]
                reason = "an earlier line has the same key"
                tried.columns.setdefault(target.position, TriedColumn()).add(
                    record.line, fields[target.position], reason
                )
            seen.add(key_values)
        tried.rejected += is_rejected
    return tried


def _read(known: dict[Cell, tuple[str, str | None]], target: Target, cell: Cell) -> tuple[str, str | None]:
    """Returns the value as text, and why the column does not take it. The same cell is read once."""
    if cell not in known:
        try:
            value = target.convert(cell)
            is_missing = value is None and target.is_needed
            known[cell] = ("" if value is None else str(value), "a value is required" if is_missing else None)
        except LineRejected as error:
            known[cell] = ("", error.reason)
    return known[cell]
