"""Numbers as people write them: with a decimal comma or point, separators between thousands, signs and units."""

import re
from collections.abc import Collection
from decimal import Decimal
from functools import cache

MAX_EXPONENT, MIN_EXPONENT = 131_071, -16_383
"""The powers of ten of the first and of the last digit that PostgreSQL's `numeric` holds at most."""
NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})
"""As PostgreSQL writes and reads them."""
PERCENT = "%"
_MAX_LENGTH = 150_000
# A space stands for every kind of space.
_VARIANTS = {" ": " \u00a0\u2007\u2009\u202f", "'": "'’"}
MINUS_SIGNS = "−–‐‑－﹣-"
"""The sign itself, and dashes that programs and people write for it; the hyphen is the last, for patterns."""
_MINUS = tuple(MINUS_SIGNS)
_SIGNS = ("+", *_MINUS)


def parse_number(text: str, *, decimal: str, thousands: str | None, units: Collection[str] = ()) -> Decimal | None:
    """Returns the number with all its digits; None when the text is none.

    Groups must have three digits, and the first no zero in front: `0.750` is no 750. Without `thousands`, a decimal
    comma lets points group and a point nothing.
    Negative numbers are `-1`, `1-` or `(1)`. One of the `units` may stand before or after; `%` makes hundredths.
    """
    text = text.strip()
    if len(text) > _MAX_LENGTH:
        return None
    if thousands is None:
        thousands = "." if decimal == "," else ""
    plain, unit = _take_unit(text, units) if units else (text, "")
    is_negative, plain = _take_sign(plain)
    if units and not unit:
        plain, unit = _take_unit(plain, units)
    found = _pattern(decimal, thousands).fullmatch(plain)
    if found is None:
        return None
    whole, fraction, power = found.group("whole", "fraction", "exponent")
    if not whole.isdecimal():
        whole = "".join(character for character in whole if character.isdecimal()) or "0"
    if fraction is not None:
        whole = f"{whole}.{fraction or '0'}"
    if power is not None or unit == PERCENT:
        whole = f"{whole}E{int(power or 0) - (2 if unit == PERCENT else 0)}"
    number = Decimal(f"-{whole}" if is_negative else whole)
    lowest = number.as_tuple().exponent
    assert isinstance(lowest, int)
    if not number and lowest > 0:
        return Decimal(0)
    return number if lowest >= MIN_EXPONENT and number.adjusted() <= MAX_EXPONENT else None


def _take_sign(text: str) -> tuple[bool, str]:
    """Returns whether the text is marked as negative, and the text without the mark."""
    if text.startswith("(") and text.endswith(")"):
        return True, text[1:-1].strip()
    if text.endswith(_MINUS):
        return True, text[:-1]
    return text.startswith(_MINUS), text[1:].lstrip() if text.startswith(_SIGNS) else text


def _take_unit(text: str, units: Collection[str]) -> tuple[str, str]:
    """Returns the text without the unit before or after it, and that unit, empty where there is none."""
    folded = text.casefold()
    for unit in sorted(units, key=len, reverse=True):
        end = unit.casefold()
        if len(folded) != len(text) or not end:
            continue
        if folded.endswith(end):
            return text[: -len(end)].rstrip(), unit
        if folded.startswith(end):
            return text[len(end) :].lstrip(), unit
    return text, ""


@cache
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    point = re.escape(decimal)
    whole = "[0-9]+"
    if thousands:
        separator = f"[{re.escape(_VARIANTS.get(thousands, thousands))}]"
        whole = f"(?:[1-9][0-9]{{0,2}}(?P<separator>{separator})[0-9]{{3}}(?:(?P=separator)[0-9]{{3}})*|[0-9]+)"
    return re.compile(
        rf"(?=[0-9]|{point}[0-9])(?P<whole>(?:{whole})?)"
        rf"(?:{point}(?P<fraction>[0-9]*))?(?:[eE](?P<exponent>[+-]?[0-9]{{1,6}}))?"
    )
