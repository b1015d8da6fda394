"""Backslashes of MySQL's `INTO OUTFILE` and PostgreSQL's text format, put so that `csv` reads them.

`csv` takes the character after a backslash as it is. Here `\\n` becomes a backslash and a line feed, and a field
`\\N`, which is null, is told from the text `\\N`, which is written `\\\\N`.
"""

import re
from collections.abc import Callable
from functools import cache

ESCAPE = "\\"
_CONTROLS = {
    "0": "\0",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "Z": "\x1a",
}


def line_translator(delimiter: str, *, is_guarded: bool) -> Callable[[str], str]:
    """Returns what translates a line of a file. `is_guarded`: the import takes a cell `\\N` for null."""
    pattern = _pattern(delimiter)
    null, text = ("\\\\N", "'\\\\N") if is_guarded else ("", "\\\\N")

    def translate(found: re.Match[str]) -> str:
        if found["null"] is not None:
            return text if found["null"] else null
        if found["return"] is not None:
            return "\\\r"
        escaped: str = found["escaped"]
        if escaped in _CONTROLS:
            return ESCAPE + _CONTROLS[escaped]
        # Nobody writes other letters so: the backslash is kept.
        return f"\\\\{escaped}" if escaped.isalnum() else found[0]

    return lambda line: pattern.sub(translate, line) if ESCAPE in line or "\r" in line else line


@cache
def _pattern(delimiter: str) -> re.Pattern[str]:
    one = re.escape(delimiter)
    return re.compile(
        rf"(?:^|(?<={one}))\\(?P<null>\\?)N(?={one}|[\r\n]|\Z)|\\(?P<escaped>.)|(?P<return>\r)(?!\n|\Z)",
        re.DOTALL,
    )
