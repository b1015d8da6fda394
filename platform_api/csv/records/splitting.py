"""Finds the positions of fields in the text of a CSV line, which `csv` does not report."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice


def find_unclosed_quote(raw: str, delimiter: str, *, has_escapes: bool = False) -> int | None:
    """Returns the position of the first opening quote of a malformed field; None when all are well-formed."""
    place = 0
    for field in _fields(raw, delimiter, has_escapes=has_escapes):
        place = field.end()
    return place if raw[place : place + 1] == '"' else None


def first_fields(raw: str, delimiter: str, count: int, *, has_escapes: bool = False) -> str:
    """Returns the text of the first `count` fields of a well-formed record, without the delimiter after them."""
    if not count:
        return ""
    *_, last = islice(_fields(raw, delimiter, has_escapes=has_escapes), count)
    return raw[: last.end("after") - len(delimiter)] if last["after"] else raw[: last.end()]


def line_end(raw: str) -> str:
    """Returns the line end of a record, empty when it has none."""
    return "\r\n" if raw.endswith("\r\n") else raw[-1:] if raw.endswith(("\r", "\n")) else ""


def _fields(raw: str, delimiter: str, *, has_escapes: bool) -> Iterator[re.Match[str]]:
    """Yields the fields of a record, each with the delimiter after it; stops at a malformed field."""
    pattern, place = (_escaped_pattern if has_escapes else _pattern)(delimiter), 0
    while (match := pattern.match(raw, place)) is not None:
        yield match
        if not match["after"]:
            return
        place = match.end()


@cache
def _pattern(delimiter: str) -> re.Pattern[str]:
    mark = re.escape(delimiter)
    return re.compile(
        rf'(?:"[^"]*+(?:""[^"]*+)*+"|(?!")[^{mark}\r\n]*+)(?:(?P<after>{mark})|(?=[\r\n]|\Z))',
    )


@cache
def _escaped_pattern(delimiter: str) -> re.Pattern[str]:
    """Returns the pattern of a field in which a backslash escapes the character after it."""
    mark = re.escape(delimiter)
    return re.compile(
        rf'(?:"[^"\\]*+(?:(?:""|\\.)[^"\\]*+)*+"|(?!")(?:[^{mark}\r\n\\]|\\.|\r(?!\n|\Z))*+)'
        rf"(?:(?P<after>{mark})|(?=[\r\n]|\Z))",
        re.DOTALL,
    )
