"""Tells which number formats show dates, times and durations (ECMA-376 part 1, 18.8.30 and 18.8.31)."""

import re
from enum import Enum
from functools import lru_cache


class Shows(Enum):
    """Names what a number format displays."""

    NUMBER = "number"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    DURATION = "duration"


# Formats with these numbers have no definition in the file; those from 27 on are dates in East Asian editions.
_BUILT_IN: dict[int, Shows] = {
    **dict.fromkeys((14, 15, 16, 17, *range(27, 32), 36, *range(50, 55), 57, 58), Shows.DATE),
    **dict.fromkeys((18, 19, 20, 21, *range(32, 36), 45, 47, 55, 56), Shows.TIME),
    22: Shows.DATETIME,
    46: Shows.DURATION,
}
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
# Literal text, an escaped character, a space of a character's width, padding, and colours, locales or conditions.
_NO_FIELD = re.compile(r'"[^"]*"?|\\.|_.|\*.|\[[^\]]*\]')
_HALF_DAY = re.compile(r"am/pm|a/p", re.IGNORECASE)
_MINUTES = re.compile(r"(?<=h)[^a-z]*m+|m+(?=[^a-z]*s)", re.IGNORECASE)
_PLAIN = frozenset({"general", "standard", "@"})
# `ss.000` shows parts of a second; anywhere else a digit placeholder shows a number, whatever letters surround it.
_DIGITS = re.compile(r"(?<!s[.,])(?<!s[.,]0)(?<!s[.,]00)[0#?]")
MASKS = (
    *("0" * count for count in range(2, 21)),
    *("00-000", "00000-0000", "000-00-0000", "000-000-000", "000-000-00-00", "000 000 000"),
)
"""Are formats with leading zeros, such as those of postal codes and telephone numbers."""
_LITERAL_OF_MASK = re.compile(r'\\(.)|"([^"]*)"|\[\$-[^\]]*\]')


def shows_by_number(number: int) -> Shows:
    """Returns what a format without a definition in the file shows."""
    return _BUILT_IN.get(number, Shows.NUMBER)


@lru_cache(maxsize=1024)
def shows_by_code(code: str) -> Shows:
    """Returns what a format such as `yyyy-mm-dd hh:mm` shows; its first section decides."""
    if code.strip().lower() in _PLAIN:
        return Shows.NUMBER
    literals_gone = re.sub(r'"[^"]*"?|\\.', "", code)
    section = literals_gone.partition(";")[0]
    if _ELAPSED.search(section):
        return Shows.DURATION
    fields = _HALF_DAY.sub("h", _NO_FIELD.sub("", section)).lower()
    if fields.strip() in _PLAIN or _DIGITS.search(fields):
        return Shows.NUMBER
    has_time = any(letter in fields for letter in "hs")
    without_minutes = _MINUTES.sub("", fields) if has_time else fields
    has_date = any(letter in without_minutes for letter in "ymd")
    if has_date:
        return Shows.DATETIME if has_time else Shows.DATE
    return Shows.TIME if has_time else Shows.NUMBER


@lru_cache(maxsize=1024)
def mask_of_code(code: str) -> str:
    """Returns the mask that a format equals; empty for any other format."""
    plain = _LITERAL_OF_MASK.sub(lambda match: match[1] or match[2] or "", code.removesuffix(";@"))
    return plain if plain in MASKS else ""
