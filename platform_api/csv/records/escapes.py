"""Rewrites backslash escapes of MySQL's `INTO OUTFILE` and PostgreSQL's text format for `csv`.

`csv` takes the character after a backslash literally. Here `\\n` becomes a backslash and a line feed, and a field
`\\N`, which is null, is distinguished from the text `\\N`, which is written `\\\\N`.
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
    """Returns a function that rewrites a line of a file. With `is_guarded`, the import reads a cell `\\N` as null."""
    pattern = _pattern(delimiter)
    null, text = ("\\\\N", "'\\\\N") if is_guarded else ("", "\\\\N")

    def translate(match: re.Match[str]) -> str:
        if match["null"] is not None:
            return text if match["null"] else null
        if match["return"] is not None:
            return "\\\r"
        escaped: str = match["escaped"]
        if escaped in _CONTROLS:
            return ESCAPE + _CONTROLS[escaped]
        # No program escapes other letters: the backslash is kept.
        return f"\\\\{escaped}" if escaped.isalnum() else match[0]

    return lambda line: pattern.sub(translate, line) if ESCAPE in line or "\r" in line else line


@cache
def _pattern(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(
        rf"(?:^|(?<={mark}))\\(?P<null>\\?)N(?={mark}|[\r\n]|\Z)|\\(?P<escaped>.)|(?P<return>\r)(?!\n|\Z)",
        re.DOTALL,
    )
