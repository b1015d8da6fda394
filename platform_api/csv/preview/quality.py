"""Finds values that suggest that a file was damaged earlier, or that an option is missing.

Such values could be imported without an error, so a preview asks about them.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice

from platform_api.csv.preview.inference import ColumnInference
from platform_api.csv.preview.word_inference import fits_format
from platform_api.csv.records.records import Record
from platform_api.csv.records.text import DELIMITERS
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.cells import Cell, Number, quoted
from platform_api.tables.ddl.column_types import ColumnType

_CUT_OFF = re.compile(r"[+-]?[1-9](?:[.,](?P<fraction>[0-9]{1,8}))?[eE]\+(?P<exponent>1[1-9]|2[0-9])")
_EXCEL_DIGITS = 15
_BROKEN_CODECS = ("windows-1250", "windows-1252", "iso8859-1")
_CERTAIN_SEQUENCES = 3
_QUOTED = re.compile(r'\s+".*"\s*', re.DOTALL)
_ESCAPED_END = re.compile(r"(?<!\\)(?:\\\\)*\\\r?\n?\Z")
_ONE_GROUP = re.compile(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}")
_PHONE_DIGITS = 9
_LAYOUTS = (
    *("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d/%b/%Y", "%d. %B %Y"),
    *("%a, %d %b %Y", "%A, %B %d, %Y", "%Y. %m. %d.", "%Y年%m月%d日", "%Y-%b-%d", "%d.%b.%Y"),
)
_TIME_LAYOUTS = (
    *("%a, %d %b %Y %H:%M:%S %z", "%d/%b/%Y:%H:%M:%S %z", "%a %b %d %H:%M:%S %Y", "%d %b %Y %H:%M:%S"),
    *("%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M", "%b %d, %Y %I:%M:%S %p", "%b %d, %Y, %I:%M:%S %p", "%b %d, %Y %H:%M:%S"),
    *("%d.%m.%Y %H.%M", "%d.%m.%Y %H.%M.%S", "%d-%b-%y %I.%M.%S.%f %p", "%b %d %Y %I:%M%p", "%d %B %Y %H:%M"),
)
_TRIED_TEXTS = 200

Columns = Sequence[tuple[str, ColumnInference]]
Check = Callable[[Cell], str | None]


def find_quality_questions(columns: Columns, records: Sequence[Record], given: ImportOptions) -> Iterator[str]:
    """Yields questions about suspicious cells, one for each kind of check."""
    broken = _is_broken_by_choice if given.encoding is not None else _is_broken
    checks: list[Check] = [_is_cut_off, _has_too_many_digits, _has_lost_letters, broken, _is_quoted_after_space]
    for check in checks:
        headers = (
            f"a header is {description}" for header, _ in columns if (description := check(header)) is not None
        )
        cells = (
            f"line {line} of the column {quoted(header)} has {description}"
            for header, inference in columns
            for cell, line in inference.cells.items()
            if (description := check(cell)) is not None
        )
        yield from islice(chain(headers, cells), 1)
    if given.escape is None:
        escaped = (
            f"line {record.line} has a backslash before {mark}: send escape (a backslash) if the file was written by"
            " MySQL, or as PostgreSQL's text format"
            for record in records
            if (mark := _escaped_mark(record)) is not None
        )
        yield from islice(escaped, 1)


def find_layout_questions(columns: Columns, kind: Callable[[ColumnInference], ColumnType | None]) -> Iterator[str]:
    """Yields questions about columns of text that are dates or times in a format that must be sent."""
    for header, inference in columns:
        texts = [
            (cell.strip(), line)
            for cell, line in islice(inference.cells.items(), _TRIED_TEXTS)
            if isinstance(cell, str)
        ]
        if not texts or kind(inference) is not ColumnType.TEXT:
            continue
        for option, layouts in (("date_format", _LAYOUTS), ("time_format", _TIME_LAYOUTS)):
            fitting = [layout for layout in layouts if all(fits_format(text, layout) for text, _ in texts)]
            if fitting:
                text, line = texts[0]
                kind_name = "time" if option == "time_format" else "date"
                yield (
                    f"line {line} of the column {quoted(header)} has {quoted(text)}, which looks like a"
                    f" {kind_name}: send {option}, for example {' or '.join(fitting)}"
                )
                break


def find_number_questions(columns: Columns, numbers: Mapping[str, str]) -> Iterator[str]:
    """Yields questions about columns of numbers that another reading fits as well as the chosen one."""
    for header, inference in columns:
        texts = {cell.strip(): line for cell, line in inference.cells.items() if isinstance(cell, str)}
        if not texts or not any(
            trial.holds for trial in inference.trials if trial.kind is ColumnType.NUMERIC and trial.options == numbers
        ):
            continue
        text, line = next(iter(texts.items()))
        place = f"line {line} of the column {quoted(header)} has {quoted(text)}"
        if numbers == {"decimal": ","} and all(map(_ONE_GROUP.fullmatch, texts)):
            yield f"{place}, which is {text.replace('.', '')} with decimal=,: send decimal if {text} is meant"
        if numbers.get("thousands") == "space" and all(map(_is_like_a_phone, texts)):
            digits = "".join(filter(str.isdigit, text))
            yield f"{place}, which is {digits} with thousands=space: send thousands=none if the spaces are part of it"


def find_other_delimiter(records: Sequence[Record], used: str) -> tuple[int, str] | None:
    """Returns the first line with a likelier delimiter than the one used, and that delimiter; None without one.

    It occurs in most lines, equally often in each.
    """
    for delimiter in (delimiter for delimiter in DELIMITERS if delimiter != used):
        counts = {record.line: record.raw.count(delimiter) for record in islice(records, _TRIED_TEXTS)}
        positive = [count for count in counts.values() if count]
        usual = max(positive, key=positive.count, default=0)
        if usual and 2 * positive.count(usual) > len(counts) > 1:
            return next(line for line, count in counts.items() if count == usual), delimiter
    return None


def _is_like_a_phone(text: str) -> bool:
    digits = "".join(filter(str.isdigit, text))
    return len(digits) == _PHONE_DIGITS and digits != text and len(text.split()) == 3


def _is_cut_off(cell: Cell) -> str | None:
    match = _CUT_OFF.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if match is None or len(match["fraction"] or "") >= int(match["exponent"]):
        return None
    return (
        f"{quoted(str(cell))}: if this is the number of an article or an account, a spreadsheet has removed its"
        " last digits; export it in full, as text"
    )


def _has_too_many_digits(cell: Cell) -> str | None:
    if not isinstance(cell, Number) or not cell.text.isdigit() or len(cell.text) <= _EXCEL_DIGITS:
        return None
    return (
        f"{cell.text}, a number of more than the {_EXCEL_DIGITS} digits that Excel keeps: if it is the number of an"
        " account or an article, its last digits may be lost; export it as text"
    )


def _has_lost_letters(cell: Cell) -> str | None:
    if not isinstance(cell, str) or "\ufffd" not in cell:
        return None
    return f"{quoted(cell)}, in which letters were lost (�) earlier: export the file again, as UTF-8"


def _is_broken(cell: Cell) -> str | None:
    repaired = _repaired(cell)
    return (
        None
        if repaired is None
        else f"{quoted(str(cell))}, which was {quoted(repaired)} before it was saved in a wrong encoding"
    )


def _is_broken_by_choice(cell: Cell) -> str | None:
    repaired = _repaired(cell)
    return (
        None if repaired is None else f"{quoted(str(cell))}, which is {quoted(repaired)} in UTF-8: leave out encoding"
    )


def _repaired(cell: Cell) -> str | None:
    """Returns a text as it was before its UTF-8 was read in another encoding; None when it was not."""
    if not isinstance(cell, str) or cell.isascii():
        return None
    for codec in _BROKEN_CODECS:
        try:
            repaired = cell.encode(codec).decode()
        except UnicodeError:
            continue
        # Two letters that happen to be UTF-8 (`STÓŁ`) decode to a letter of another script than their neighbours.
        is_latin = all(letter < "\u0180" or "\u2010" <= letter <= "\u20ac" for letter in repaired)
        if repaired.isprintable() and (is_latin or len(cell) - len(repaired) >= _CERTAIN_SEQUENCES):
            return repaired
    return None


def _is_quoted_after_space(cell: Cell) -> str | None:
    if not isinstance(cell, str) or not _QUOTED.fullmatch(cell):
        return None
    return f"{quoted(cell)}: after a space, quotes are part of the value; remove the space before the quote"


def _escaped_mark(record: Record) -> str | None:
    if "\\" not in record.raw:
        return None
    if record.problem is not None and '\\"' in record.raw:
        return "a quote"
    return "the end of a line" if _ESCAPED_END.search(record.raw) else None
