"""Represents cells of files, and adds the `'` that stops a spreadsheet from evaluating text as a formula.

Cells of a CSV file are text. Cells of an Excel file keep their type until they become a column's value: a number is
never written as text and parsed again with the import's options.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum

NULL_TEXT = "\\N"
"""MySQL and PostgreSQL write this for null; equal text gets a guard."""
_MAX_QUOTED = 60
_PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_FORMULA_STARTS = frozenset("=+-@＝＋－＠")
_LINE_STARTS = ("\t", "\r", "\n")
_DOUBLE_DIGITS = 17
_MAX_NUMBER_LENGTH = 2000
_MAX_ADJUSTED_EXPONENT = 1000
_MAX_POSITIONAL_EXPONENT = 21


@dataclass(frozen=True, slots=True)
class Number:
    """Holds a number as its shortest exact decimal text: `5`, `1.234`, `12345678901234567890`, `1E+30`.

    `mask` is the format of a number with leading zeros, such as a postal code: `00000`, `00-000`.
    """

    text: str
    mask: str = ""

    @property
    def value(self) -> Decimal:
        return Decimal(self.text)

    @property
    def display(self) -> str:
        """Returns the number as Excel shows it: with the leading zeros of its format."""
        if not self.mask or not self.text.isdigit():
            return self.text
        digits = list(self.text.zfill(self.mask.count("0")))
        # From the end: digits that exceed the mask stay in front.
        ends = [digits.pop() if place == "0" else place for place in reversed(self.mask)]
        return "".join(digits) + "".join(reversed(ends))


class FaultKind(Enum):
    """Classifies cells without a usable value."""

    ERROR = "error"
    FORMULA = "formula"
    DATE = "date"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Fault:
    """Represents a cell without a usable value, such as `#N/A`; `text` is its content in the file."""

    text: str
    reason: str
    kind: FaultKind


Cell = str | Number | bool | date | datetime | time | timedelta | Fault
"""Holds the empty text for an empty cell. The import's options decide the zone of a datetime without one."""


def quoted(value: str) -> str:
    """Returns the value in quotes for a message: shortened, and on one line."""
    return repr(value if len(value) <= _MAX_QUOTED else value[: _MAX_QUOTED - 1] + "…")


def is_blank(cell: Cell) -> bool:
    """Returns whether the cell is empty or only white space."""
    return isinstance(cell, str) and not cell.strip()


def number_cell(text: str, *, mask: str = "") -> Number | None:
    """Returns the number in a typed cell; None when the text is not a finite number.

    Spreadsheets store doubles with 17 digits (1.1 as 1.1000000000000001): these become the shortest text of the same
    double. Whole numbers, and numbers with more digits than a double has, keep their digits.
    """
    text = text.strip()
    if len(text) > _MAX_NUMBER_LENGTH or not _PLAIN_NUMBER.fullmatch(text):
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if abs(number.adjusted()) > _MAX_ADJUSTED_EXPONENT:
        return None
    if number.as_tuple().exponent != 0 and _digits(number) <= _DOUBLE_DIGITS:
        shortest = Decimal(repr(float(text)))
        if shortest.is_finite() and _digits(shortest) < _digits(number):
            number = shortest
    return Number(plain_text(number), mask)


def plain_text(number: Decimal) -> str:
    """Returns the number without trailing zeros, and with an exponent only when it is very large or small."""
    if not number:
        return "0"
    if -_MAX_POSITIONAL_EXPONENT < number.adjusted() < _MAX_POSITIONAL_EXPONENT or number.as_tuple().exponent == 0:
        text = format(number, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    sign, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    kept = "".join(map(str, digits)).rstrip("0")
    return str(Decimal((sign, tuple(map(int, kept)), exponent + len(digits) - len(kept))))


def significant_digits(number: Decimal) -> int:
    """Returns the number of digits from the first to the last that is not zero."""
    return _digits(number)


def _digits(number: Decimal) -> int:
    return len("".join(map(str, number.as_tuple().digits)).strip("0"))


def text_of(cell: Cell) -> str:
    """Returns a cell as a text column stores it: ISO 8601, `true` and `false`, numbers as displayed."""
    match cell:
        case str():
            return cell
        case Number():
            return cell.display
        case Fault():
            return cell.text
        case bool():
            return "true" if cell else "false"
        case datetime() | date() | time():
            return cell.isoformat()
        case timedelta():
            return _duration(cell)


def _duration(value: timedelta) -> str:
    """Returns hours (possibly more than 24), minutes and seconds, like Excel's `[h]:mm:ss`."""
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    minutes, seconds = divmod(value.days * 86_400 + value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    return f"{sign}{hours}:{minutes:02}:{seconds:02}{fraction}"


def guard_formula(value: str) -> str:
    """Puts a `'` before text that a spreadsheet would evaluate; numbers stay."""
    return "'" + value if _is_formula(value) else value


def guard_text(value: str) -> str:
    """Puts a `'` before text that an import would not read back unchanged: formulas, blank text and `\\N`.

    Text that begins with `'` gets another if `unguard_text` would otherwise remove its own, so that
    `unguard_text(guard_text(text)) == text` for every text.
    """
    return "'" + value if _needs_guard(value.lstrip("'")) else value


def unguard_text(value: str) -> str:
    """Removes the `'` that `guard_text` put in front, and no other."""
    return value[1:] if value.startswith("'") and _needs_guard(value.lstrip("'")) else value


def _needs_guard(value: str) -> bool:
    return not value.strip() or value == NULL_TEXT or _is_formula(value)


def _is_formula(value: str) -> bool:
    """Returns whether a spreadsheet may evaluate the text, even after invisible characters.

    Uses OWASP's list (CSV injection), after white space and invisible characters, which some programs skip.
    """
    if _PLAIN_NUMBER.fullmatch(value):
        return False
    if value.startswith(_LINE_STARTS):
        return True
    for character in value:
        if character in _FORMULA_STARTS:
            return True
        if unicodedata.category(character) not in ("Zs", "Zl", "Zp", "Cc", "Cf"):
            return False
    return False
