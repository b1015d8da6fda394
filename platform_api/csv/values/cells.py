"""What a cell of a file may hold, and the `'` that keeps a text from being calculated by a spreadsheet.

Cells of a CSV file are text. Cells of an Excel file have a type, which they keep until they become a column's value:
a number is never written out and parsed again by the reader's options.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum

NULL_TEXT = "\\N"
"""What MySQL and PostgreSQL write for null; a text that is so is guarded."""
_SHOWN = 60
_PLAIN_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_FORMULA_STARTS = frozenset("=+-@＝＋－＠")
_LINE_STARTS = ("\t", "\r", "\n")
_DOUBLE_DIGITS = 17
_MAX_NUMBER_LENGTH = 2000
_MAX_ADJUSTED_EXPONENT = 1000
_MAX_POSITIONAL_EXPONENT = 21


@dataclass(frozen=True, slots=True)
class Number:
    """A number as the shortest decimal text that is exactly it: `5`, `1.234`, `12345678901234567890`, `1E+30`.

    `mask` is the number format of one that is shown with zeros in front, as postal codes are: `00000`, `00-000`.
    """

    text: str
    mask: str = ""

    @property
    def value(self) -> Decimal:
        return Decimal(self.text)

    @property
    def shown(self) -> str:
        """As it is seen: with the zeros in front, where its format shows some."""
        if not self.mask or not self.text.isdigit():
            return self.text
        digits = list(self.text.zfill(self.mask.count("0")))
        # From the end: what has no place in the mask stands in front.
        ends = [digits.pop() if place == "0" else place for place in reversed(self.mask)]
        return "".join(digits) + "".join(reversed(ends))


class FaultKind(Enum):
    """How a cell without a usable value stands in the file."""

    ERROR = "error"
    FORMULA = "formula"
    DATE = "date"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that has no usable value, such as `#N/A`; `text` is what stands in the file."""

    text: str
    reason: str
    kind: FaultKind


Cell = str | Number | bool | date | datetime | time | timedelta | Fault
"""An empty cell is the empty text. A datetime without a zone means what the import's options say."""


def shown(value: str) -> str:
    """Returns the value for a message: shortened, and on one line."""
    return repr(value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…")


def is_blank(cell: Cell) -> bool:
    """Returns whether the cell holds no value: nothing, or only white space."""
    return isinstance(cell, str) and not cell.strip()


def number_cell(text: str, *, mask: str = "") -> Number | None:
    """Returns the number that a typed cell holds; None when the text is no finite number.

    Spreadsheets store doubles with 17 digits (1.1 as 1.1000000000000001): the shortest text of the same double is
    taken where it is shorter. Whole numbers, and numbers of more digits than a double has, stay as the file says.
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
    """Returns the number without trailing zeros, and without an exponent where that is readable."""
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
    """Returns how many digits the number has between its first and its last that is not zero."""
    return _digits(number)


def _digits(number: Decimal) -> int:
    return len("".join(map(str, number.as_tuple().digits)).strip("0"))


def text_of(cell: Cell) -> str:
    """Returns a cell as text, as it is stored in a text column: ISO 8601, `true` and `false`, numbers as seen."""
    match cell:
        case str():
            return cell
        case Number():
            return cell.shown
        case Fault():
            return cell.text
        case bool():
            return "true" if cell else "false"
        case datetime() | date() | time():
            return cell.isoformat()
        case timedelta():
            return _duration(cell)


def _duration(value: timedelta) -> str:
    """Returns hours (more than 24, too), minutes and seconds, as Excel's `[h]:mm:ss` shows them."""
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    minutes, seconds = divmod(value.days * 86_400 + value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    return f"{sign}{hours}:{minutes:02}:{seconds:02}{fraction}"


def guard_formula(value: str) -> str:
    """Puts a `'` before text that a spreadsheet would calculate instead of showing; numbers stay."""
    return "'" + value if _is_formula(value) else value


def guard_text(value: str) -> str:
    """Puts a `'` before text that would not come back as it is: a formula, or text that looks empty or is `\\N`.

    Text that begins with `'` gets another one where `unguard_text` would take its own away, so that
    `unguard_text(guard_text(text)) == text` for every text.
    """
    return "'" + value if _needs_guard(value.lstrip("'")) else value


def unguard_text(value: str) -> str:
    """Takes away the `'` that `guard_text` put in front, and no other."""
    return value[1:] if value.startswith("'") and _needs_guard(value.lstrip("'")) else value


def _needs_guard(value: str) -> bool:
    return not value.strip() or value == NULL_TEXT or _is_formula(value)


def _is_formula(value: str) -> bool:
    """Returns whether a spreadsheet may calculate it, also behind characters that are not seen.

    The list is OWASP's (CSV injection), and white space and invisible characters before it, which some programs skip.
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
