"""Converts a column's value in a GraphQL answer to a cell from which an import reads the same value."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from platform_api.csv.errors import JobFailed
from platform_api.csv.values.cells import (
    NULL_TEXT,
    Cell,
    Number,
    guard_text,
    is_blank,
    plain_text,
    significant_digits,
)
from platform_api.csv.xlsx.serials import survives_excel
from platform_api.csv.xlsx.strings import escape
from platform_api.tables.ddl.column_types import SYSTEM_COLUMN_TYPES, ColumnType
from platform_api.tables.definition import TableDefinition

_EXCEL_DIGITS = 15
_EXCEL_CHARACTERS = 32_767
_EXCEL_EXPONENT = 300


@dataclass(frozen=True, slots=True)
class Exported:
    """Describes a column to export."""

    kind: ColumnType
    has_default: bool = False


def exported_columns(definition: TableDefinition) -> dict[str, Exported]:
    """Returns all columns by name, including the system's."""
    system = {name: Exported(kind) for name, kind in SYSTEM_COLUMN_TYPES.items()}
    return system | {column.name: Exported(column.type, column.default is not None) for column in definition.columns}


def row_cells(
    row: Sequence[Any], columns: Sequence[Exported], cell: Callable[..., Cell], *, guards: bool
) -> list[Cell]:
    """Returns the cells of a row, each converted by `cell`.

    An import reads an empty cell as the column's default, and skips a blank line: `guards` makes null explicit.
    """
    cells = [
        NULL_TEXT if value is None and column.has_default and guards else cell(value, column.kind, guards=guards)
        for value, column in zip(row, columns, strict=True)
    ]
    if guards and all(map(is_blank, cells)):
        cells[0] = NULL_TEXT
    return cells


def csv_cell(value: Any, kind: ColumnType, *, guards: bool) -> str:
    """Returns the text of a value; with `guards`, a `'` precedes text that a spreadsheet would evaluate."""
    match value:
        case None:
            return ""
        case _ if kind is ColumnType.JSON:
            text = json_text(value)
        case bool():
            return "true" if value else "false"
        case _:
            text = str(value)
    return guard_text(text) if guards else text


def excel_cell(value: Any, kind: ColumnType, *, guards: bool) -> Cell:
    """Returns a typed cell, or text if Excel would not preserve the value: long numbers, early dates.

    Times are in UTC. Raises JobFailed for text that is too long for Excel.
    """
    match value:
        case bool() if kind is ColumnType.BOOLEAN:
            return value
        case int() | Decimal() if kind is not ColumnType.JSON:
            number = Decimal(value)
            if kind is ColumnType.FLOAT or _is_kept(number):
                return Number(plain_text(number))
        case str() if kind in (ColumnType.DATE, ColumnType.TIMESTAMPTZ):
            moment = _moment(value, kind)
            if moment is not None and survives_excel(moment):
                return moment
    text = csv_cell(value, kind, guards=guards)
    if len(escape(text)) > _EXCEL_CHARACTERS:
        raise JobFailed(f"a value is longer than the {_EXCEL_CHARACTERS} characters of an Excel cell; export as CSV")
    return text


def json_text(value: Any) -> str:
    """Returns JSON with all digits of its numbers, which are `Decimal` if they have a fraction."""
    pieces: list[str] = []
    _write_json(value, pieces)
    return "".join(pieces)


def _write_json(value: Any, pieces: list[str]) -> None:
    match value:
        case dict():
            pieces.append("{")
            for number, (key, item) in enumerate(value.items()):
                pieces.append((", " if number else "") + json.dumps(key, ensure_ascii=False) + ": ")
                _write_json(item, pieces)
            pieces.append("}")
        case list():
            pieces.append("[")
            for number, item in enumerate(value):
                pieces.append(", " if number else "")
                _write_json(item, pieces)
            pieces.append("]")
        case Decimal():
            pieces.append(str(value))
        case _:
            pieces.append(json.dumps(value, ensure_ascii=False))


def _is_kept(number: Decimal) -> bool:
    return significant_digits(number) <= _EXCEL_DIGITS and abs(number.adjusted()) < _EXCEL_EXPONENT


def _moment(value: str, kind: ColumnType) -> date | datetime | None:
    """Returns the value; None for a date that Python does not support (`infinity`, years before 1 or after 9999)."""
    try:
        if kind is ColumnType.DATE:
            return date.fromisoformat(value)
        return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
