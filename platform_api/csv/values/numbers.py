"""Parses numbers as people write them: with decimal comma or point, thousands separators, signs and units."""

import re
from collections.abc import Collection
from decimal import Decimal
from functools import cache

MAX_EXPONENT, MIN_EXPONENT = 131_071, -16_383
"""Are the exponents of the first and last digit that PostgreSQL's `numeric` can store."""
NOT_FINITE = frozenset({"NaN", "Infinity", "-Infinity"})
"""Are written as PostgreSQL does."""
PERCENT = "%"
_MAX_LENGTH = 150_000
# A space stands for every kind of space.
_VARIANTS = {" ": " \u00a0\u2007\u2009\u202f", "'": "'’"}
MINUS_SIGNS = "−–‐‑－﹣-"
"""Are the minus sign and dashes used in its place; the hyphen is last, for use in patterns."""
_MINUS = tuple(MINUS_SIGNS)
_SIGNS = ("+", *_MINUS)


def parse_number(text: str, *, decimal: str, thousands: str | None, units: Collection[str] = ()) -> Decimal | None:
    """Returns the number with all its digits; None when the text is not a number.

    Groups must have three digits, the first without a leading zero: `0.750` is not 750. Without `thousands`, points
    group digits if the decimal sign is a comma.
    Negative numbers are `-1`, `1-` or `(1)`. A unit may stand before or after; `%` divides by 100.
    """
    text = text.strip()
    if len(text) > _MAX_LENGTH:
        return None
    if thousands is None:
        thousands = "." if decimal == "," else ""
    plain, unit = _split_unit(text, units) if units else (text, "")
    is_negative, plain = _split_sign(plain)
    if units and not unit:
        plain, unit = _split_unit(plain, units)
    match = _pattern(decimal, thousands).fullmatch(plain)
    if match is None:
        return None
    whole, fraction, power = match.group("whole", "fraction", "exponent")
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


def _split_sign(text: str) -> tuple[bool, str]:
    """Returns whether the text is negative, and the text without its sign."""
    if text.startswith("(") and text.endswith(")"):
        return True, text[1:-1].strip()
    if text.endswith(_MINUS):
        return True, text[:-1]
    return text.startswith(_MINUS), text[1:].lstrip() if text.startswith(_SIGNS) else text


def _split_unit(text: str, units: Collection[str]) -> tuple[str, str]:
    """Returns the text without its unit, and the unit, empty when there is none."""
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
