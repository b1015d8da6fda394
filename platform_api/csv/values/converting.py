"""Converts cells to values of columns, or says why they cannot be converted."""

import math
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from hasura.engine import exact_json
from hasura.engine.errors import EngineError
from platform_api.csv.errors import LineRejected
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.cells import NULL_TEXT, Cell, Fault, Number, is_blank, quoted, text_of, unguard_text
from platform_api.csv.values.datetimes import DateTimeReading, far_date, far_time, find_zone
from platform_api.csv.values.numbers import MINUS_SIGNS, NOT_FINITE, PERCENT, parse_number
from platform_api.tables.ddl.column_types import ColumnType, is_storable
from platform_api.tables.definition import Column

Convert = Callable[[Cell], Any]
"""Returns the value, None for an empty cell. Raises LineRejected without a column name."""

TRUE_WORDS = frozenset({"true", "t", "yes", "y", "on", "1"})
FALSE_WORDS = frozenset({"false", "f", "no", "n", "off", "0"})
MAX_JSON_DEPTH = 245
_MAX_WITH_UNIT = 100
_UNIT = rf"[^\d\s.,'()+{MINUS_SIGNS}]{{1,4}}\.?"
_WITH_UNIT = re.compile(
    rf"[(+{MINUS_SIGNS}]*(?P<before>{_UNIT})\s?[\d({MINUS_SIGNS}].*|.*\d\s?(?P<after>{_UNIT})[){MINUS_SIGNS}]?"
)
_ONE_OR_THOUSAND = re.compile(r"[+-]?[1-9][0-9]{0,2}\.000")
_SEPARATORS = {"space": " ", "none": ""}
_TYPE_NAMES = {Number: "a number", bool: "true or false", date: "a date", datetime: "a time", time: "a time of day"}


@dataclass(frozen=True, slots=True)
class Reading:
    """Holds how the text of a file is read; typed cells of an Excel file use only the time zone."""

    decimal: str = "."
    thousands: str | None = None
    is_decimal_given: bool = True
    """Whether the decimal sign was given; default `1.000` may mean 1 or 1000."""
    moments: DateTimeReading = field(default_factory=DateTimeReading)
    units: frozenset[str] = frozenset()
    null_words: frozenset[str] = frozenset()
    true_words: frozenset[str] = TRUE_WORDS
    false_words: frozenset[str] = FALSE_WORDS
    is_guarded: bool = True

    @classmethod
    def of(cls, options: ImportOptions) -> "Reading":
        """Returns the reading that an import's options describe."""
        return cls(
            decimal=options.decimal,
            is_decimal_given=bool(options.model_fields_set & {"decimal", "thousands"}),
            thousands=_SEPARATORS.get(options.thousands or "", options.thousands),
            moments=DateTimeReading(
                order=options.date_order,
                date_format=options.date_format,
                time_format=options.time_format,
                zone=find_zone(options.timezone) if options.timezone else None,
            ),
            units=frozenset(unit.strip() for unit in options.units),
            null_words=frozenset(word.strip() for word in options.null_words),
            true_words=_words(options.true_words, TRUE_WORDS),
            false_words=_words(options.false_words, FALSE_WORDS),
            is_guarded=options.guard_formulas,
        )

    def is_null(self, cell: Cell) -> bool:
        """Returns whether the cell is an explicit null, which overrides a column's default."""
        return self.is_guarded and cell == NULL_TEXT

    def is_empty(self, cell: Cell) -> bool:
        """Returns whether the cell has no value."""
        if is_blank(cell) or self.is_null(cell):
            return True
        if not self.null_words or not isinstance(cell, str | Fault):
            return False
        return text_of(cell).strip() in self.null_words


def _words(given: list[str] | None, default: frozenset[str]) -> frozenset[str]:
    return default if given is None else frozenset(word.strip().casefold() for word in given)


def converter(column: Column, reading: Reading) -> Convert:
    """Returns a function that converts the cells of a column to values."""
    convert = _converter(column, reading)

    def checked(cell: Cell) -> Any:
        if reading.is_empty(cell):
            return None
        if isinstance(cell, Fault):
            raise LineRejected(cell.reason)
        if isinstance(cell, str) and reading.is_guarded:
            cell = unguard_text(cell)
        return convert(cell)

    return checked


def _converter(column: Column, reading: Reading) -> Convert:
    match column.type:
        case ColumnType.TEXT:
            return _text
        case ColumnType.CHOICE:
            return lambda cell: _choice(cell, column.choices)
        case ColumnType.INTEGER:
            return lambda cell: _integer(cell, reading, 32)
        case ColumnType.BIGINT:
            return lambda cell: _integer(cell, reading, 64)
        case ColumnType.NUMERIC:
            return lambda cell: _numeric(cell, reading)
        case ColumnType.FLOAT:
            return lambda cell: _float(cell, reading)
        case ColumnType.BOOLEAN:
            return lambda cell: _boolean(cell, reading)
        case ColumnType.DATE:
            return lambda cell: _date(cell, reading.moments)
        case ColumnType.TIMESTAMPTZ:
            return lambda cell: _timestamp(cell, reading.moments)
        case ColumnType.UUID | ColumnType.REFERENCE:
            return _uuid
        case ColumnType.JSON:
            return _json


def _text(cell: Cell) -> str:
    text = text_of(cell)
    if not is_storable(text):
        raise LineRejected(f"{quoted(text)} contains a NUL character, which cannot be stored")
    return text


def _choice(cell: Cell, choices: tuple[str, ...]) -> str:
    value = text_of(cell)
    if value not in choices:
        value = value.strip()
    if value not in choices:
        listed = ", ".join(choices[:10]) + (", …" if len(choices) > 10 else "")
        raise LineRejected(f"{quoted(value)} is not one of the choices: {listed}")
    return value


def _integer(cell: Cell, reading: Reading, bits: int) -> int:
    if isinstance(cell, str) and not reading.is_decimal_given and _ONE_OR_THOUSAND.fullmatch(cell.strip()):
        raise LineRejected(f"{quoted(cell)} may be a thousand or a fraction; send `decimal`")
    number = _parsed(cell, reading)
    if number is None or number.as_integer_ratio()[1] != 1:
        raise _mismatch(cell, "a whole number")
    limit = 2 ** (bits - 1)
    if not -limit <= number < limit:
        raise LineRejected(f"{_described(cell)} is not between {-limit} and {limit - 1}")
    return int(number)


def _numeric(cell: Cell, reading: Reading) -> str:
    """Returns the number as text, which GraphQL accepts for a numeric column without losing digits."""
    if isinstance(cell, str) and cell.strip() in NOT_FINITE:
        return cell.strip()
    number = _parsed(cell, reading)
    if number is None:
        raise _mismatch(cell, _number_example(cell, reading))
    return str(number)


def _float(cell: Cell, reading: Reading) -> float | str:
    text = _numeric(cell, reading)
    if text in NOT_FINITE:
        return text
    number = float(text)
    if not math.isfinite(number):
        raise LineRejected(f"{_described(cell)} is too large a number")
    if not number and Decimal(text):
        raise LineRejected(f"{_described(cell)} is too small a number")
    return number


def _parsed(cell: Cell, reading: Reading) -> Decimal | None:
    if isinstance(cell, Number):
        return cell.value
    if isinstance(cell, str):
        return parse_number(cell, decimal=reading.decimal, thousands=reading.thousands, units=reading.units)
    return None


def _number_example(cell: Cell, reading: Reading) -> str:
    if not isinstance(cell, str):
        return "a number"
    if (unit := find_unit(cell)) is not None and unit not in reading.units:
        meant = f" ({PERCENT} divides by 100)" if unit == PERCENT else ""
        return f"a number; to accept numbers with {quoted(unit)}, send it in `units`{meant}"
    if reading.decimal == ",":
        thousands = "." if reading.thousands is None else reading.thousands
        return f"a number such as 1{thousands}234,56 (`decimal` is a comma)"
    if "," in cell and not reading.thousands:
        return "a number such as 1234.56; for decimal commas send `decimal=,`"
    return "a number"


def find_unit(text: str) -> str | None:
    """Returns the unit beside a number, such as `€` or `kg`; None when there is none."""
    match = _WITH_UNIT.fullmatch(text.strip()[:_MAX_WITH_UNIT])
    return None if match is None else match["before"] or match["after"]


def _boolean(cell: Cell, reading: Reading) -> bool:
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, str | Number):
        # A typed 1 is always true; text follows the words.
        is_typed = isinstance(cell, Number)
        text = cell.text if isinstance(cell, Number) else cell.strip().casefold()
        if text in (TRUE_WORDS if is_typed else reading.true_words):
            return True
        if text in (FALSE_WORDS if is_typed else reading.false_words):
            return False
    examples = "true/false, yes/no, 1/0"
    if (reading.true_words, reading.false_words) != (TRUE_WORDS, FALSE_WORDS):
        examples = f"{_listed(reading.true_words)} or {_listed(reading.false_words)}"
    raise LineRejected(f"{_described(cell)} is neither true nor false ({examples})")


def _date(cell: Cell, moments: DateTimeReading) -> str:
    if isinstance(cell, datetime):
        if cell.time() != time():
            raise LineRejected(f"{_described(cell)} is not a date: it has a time of day")
        cell = cell.date()
    if isinstance(cell, str) and moments.date_format is None and (far := far_date(cell)) is not None:
        return far
    day = moments.read_date(cell) if isinstance(cell, str) else cell
    if isinstance(day, date):
        return day.isoformat()
    raise _mismatch(cell, f"a date such as {_example(date(2026, 1, 31), moments, moments.date_format)}")


def _timestamp(cell: Cell, moments: DateTimeReading) -> str:
    """Returns ISO 8601 with an offset. Excel's times have no zone: they are UTC unless the options name another."""
    if isinstance(cell, str) and moments.time_format is None and (far := far_time(cell)) is not None:
        return far
    if isinstance(cell, str):
        moment, default = moments.read_time(cell), None
    elif isinstance(cell, date):
        moment, default = _at_midnight(cell), UTC
    else:
        moment, default = None, None
    if moment is None:
        example = _example(datetime(2026, 1, 31, 12, tzinfo=UTC), moments, moments.time_format)
        raise _mismatch(cell, f"a time such as {example}")
    zoned = moments.in_zone(moment, default=default)
    if zoned is None:
        raise LineRejected(
            f"{_described(cell)} has no time zone; write it like 2026-01-31T12:00:00Z or send `timezone`"
        )
    return zoned.isoformat()


def _at_midnight(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)


def _example(moment: date, moments: DateTimeReading, layout: str | None) -> str:
    has_time = isinstance(moment, datetime)
    if layout is not None:
        return moment.strftime(layout)
    if moments.order is not None:
        ordered = {"ymd": "%Y-%m-%d", "dmy": "%d.%m.%Y", "mdy": "%m/%d/%Y"}[moments.order]
        return moment.strftime(ordered + (" %H:%M" if has_time else ""))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if has_time else moment.isoformat()


def _uuid(cell: Cell) -> str:
    try:
        if isinstance(cell, str):
            return str(uuid.UUID(cell.strip()))
    except ValueError:
        pass
    raise _mismatch(cell, "a UUID")


def _json(cell: Cell) -> Any:
    """Returns the parsed JSON; numbers keep all their digits."""
    if isinstance(cell, date | time | timedelta):
        raise _mismatch(cell, "JSON")
    text = cell.text if isinstance(cell, Number) else text_of(cell)
    try:
        parsed = exact_json.loads(text)
    except EngineError as error:
        reason = error.message.removeprefix("Error in $: ")
        raise LineRejected(f"{quoted(text)} is not JSON: {reason}") from None
    _require_storable(parsed, text)
    return parsed


def _require_storable(value: Any, text: str) -> None:
    """Raises LineRejected for what PostgreSQL cannot store, or what is nested too deeply for a request."""
    level: list[Any] = [value]
    for _ in range(MAX_JSON_DEPTH + 1):
        if not level:
            return
        inner: list[Any] = []
        for item in level:
            if isinstance(item, str) and not is_storable(item):
                raise LineRejected(f"{quoted(text)} contains a NUL character, which cannot be stored")
            if isinstance(item, dict):
                inner += [*item, *item.values()]
            elif isinstance(item, list):
                inner += item
        level = inner
    raise LineRejected(f"{quoted(text)} is nested more than {MAX_JSON_DEPTH} deep")


def _mismatch(cell: Cell, expected: str) -> LineRejected:
    return LineRejected(f"{_described(cell)} is not {expected}")


def _described(cell: Cell) -> str:
    """Returns the cell for a message, with its type if it is typed and not a number."""
    if isinstance(cell, str | Number):
        return quoted(text_of(cell))
    kind = next((words for kind, words in reversed(_TYPE_NAMES.items()) if isinstance(cell, kind)), "a duration")
    return f"{quoted(text_of(cell))} ({kind})"


def _listed(words: frozenset[str]) -> str:
    return "/".join(sorted(words)[:5])
