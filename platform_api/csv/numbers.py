"""Numbers as people write them: with a decimal comma or point, with or without separators between thousands."""

import re
from decimal import Decimal
from functools import cache

_MAX_LENGTH = 2000
_MAX_ADJUSTED_EXPONENT = 1000
# A space stands for every kind of space.
_VARIANTS = {" ": " \u00a0\u2009\u202f", "'": "'’"}


def parse_number(text: str, *, decimal: str, thousands: str | None) -> Decimal | None:
    """Returns the number with all its digits; None when the text is none.

    Groups must have three digits. Without `thousands`, a decimal comma lets points group and a point nothing.
    """
    text = text.strip()
    if thousands is None:
        thousands = "." if decimal == "," else ""
    if len(text) > _MAX_LENGTH:
        return None
    found = _pattern(decimal, thousands).fullmatch(text)
    if found is None:
        return None
    whole = "".join(character for character in found["whole"] if character.isdigit())
    number = Decimal(f"{found['sign']}{whole or '0'}.{found['fraction'] or '0'}{found['exponent'] or ''}")
    if found["fraction"] is None:
        number = Decimal(f"{found['sign']}{whole}{found['exponent'] or ''}")
    return number if abs(number.adjusted()) <= _MAX_ADJUSTED_EXPONENT else None


@cache
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    point = re.escape(decimal)
    whole = "[0-9]+"
    if thousands:
        separator = f"[{re.escape(_VARIANTS.get(thousands, thousands))}]"
        whole = f"(?:[0-9]{{1,3}}(?P<separator>{separator})[0-9]{{3}}(?:(?P=separator)[0-9]{{3}})*|[0-9]+)"
    return re.compile(
        rf"(?P<sign>[+-]?)(?=[0-9]|{point}[0-9])(?P<whole>(?:{whole})?)"
        rf"(?:{point}(?P<fraction>[0-9]*))?(?P<exponent>[eE][+-]?[0-9]{{1,5}})?"
    )
