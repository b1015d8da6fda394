"""Where the fields of a CSV line stand in its text, which `csv` does not tell."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice


def find_unclosed_quote(raw: str, delimiter: str, *, has_escapes: bool = False) -> int | None:
    """Returns the place of the first opening quote whose quoted field does not end well; None when all do."""
    place = 0
    for field in _fields(raw, delimiter, has_escapes=has_escapes):
        place = field.end()
    return place if raw[place : place + 1] == '"' else None


def first_fields(raw: str, delimiter: str, count: int, *, has_escapes: bool = False) -> str:
    """Returns the first fields of a well-formed record as they stand, without the delimiter after them."""
    if not count:
        return ""
    *_, last = islice(_fields(raw, delimiter, has_escapes=has_escapes), count)
    return raw[: last.end("after") - len(delimiter)] if last["after"] else raw[: last.end()]


def line_end(raw: str) -> str:
    """Returns the line end of a record, empty when it has none."""
    return "\r\n" if raw.endswith("\r\n") else raw[-1:] if raw.endswith(("\r", "\n")) else ""


def _fields(raw: str, delimiter: str, *, has_escapes: bool) -> Iterator[re.Match[str]]:
    """Yields the fields of a record in turn, each with the delimiter after it; ends where one is malformed."""
    pattern, place = (_escaped_pattern if has_escapes else _pattern)(delimiter), 0
    while (found := pattern.match(raw, place)) is not None:
        yield found
        if not found["after"]:
            return
        place = found.end()


@cache
def _pattern(delimiter: str) -> re.Pattern[str]:
    one = re.escape(delimiter)
    return re.compile(
        rf'(?:"[^"]*+(?:""[^"]*+)*+"|(?!")[^{one}\r\n]*+)(?:(?P<after>{one})|(?=[\r\n]|\Z))',
    )


@cache
def _escaped_pattern(delimiter: str) -> re.Pattern[str]:
    """Returns the pattern of a field in which a backslash stands before characters that are meant as they are."""
    one = re.escape(delimiter)
    return re.compile(
        rf'(?:"[^"\\]*+(?:(?:""|\\.)[^"\\]*+)*+"|(?!")(?:[^{one}\r\n\\]|\\.|\r(?!\n|\Z))*+)'
        rf"(?:(?P<after>{one})|(?=[\r\n]|\Z))",
        re.DOTALL,
    )
