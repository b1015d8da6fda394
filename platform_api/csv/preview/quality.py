"""What cells show of a file that was spoilt before, or that is written in a way that no option says yet.

Such values can be imported, and nothing would speak against them: so they are asked about in a preview.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice

from platform_api.csv.preview.guessing import ColumnGuess
from platform_api.csv.preview.guessing_words import has_layout
from platform_api.csv.records.records import Record
from platform_api.csv.records.text import DELIMITERS
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.cells import Cell, Number, shown
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

Columns = Sequence[tuple[str, ColumnGuess]]
Doubt = Callable[[Cell], str | None]


def find_doubts(columns: Columns, records: Sequence[Record], given: ImportOptions) -> Iterator[str]:
    """Yields what is to be asked about the cells of the columns, each kind of doubt once."""
    broken = _is_broken_by_choice if given.encoding is not None else _is_broken
    doubts: list[Doubt] = [_is_cut_off, _has_too_many_digits, _has_lost_letters, broken, _is_quoted_after_space]
    for doubt in doubts:
        headers = (f"a header is {said}" for header, _ in columns if (said := doubt(header)) is not None)
        cells = (
            f"line {line} of the column {shown(header)} has {said}"
            for header, guess in columns
            for cell, line in guess.cells.items()
            if (said := doubt(cell)) is not None
        )
        yield from islice(chain(headers, cells), 1)
    if given.escape is None:
        escaped = (
            f"line {record.line} has a backslash before {mark}: say escape (a backslash) if the file was written by"
            " MySQL, or as PostgreSQL's text format"
            for record in records
            if (mark := _escaped_mark(record)) is not None
        )
        yield from islice(escaped, 1)


def find_layout_questions(columns: Columns, kind: Callable[[ColumnGuess], ColumnType | None]) -> Iterator[str]:
    """Yields columns of text that are dates or times in a format that has to be said."""
    for header, guess in columns:
        texts = [
            (cell.strip(), line) for cell, line in islice(guess.cells.items(), _TRIED_TEXTS) if isinstance(cell, str)
        ]
        if not texts or kind(guess) is not ColumnType.TEXT:
            continue
        for option, layouts in (("date_format", _LAYOUTS), ("time_format", _TIME_LAYOUTS)):
            fitting = [layout for layout in layouts if all(has_layout(text, layout) for text, _ in texts)]
            if fitting:
                text, line = texts[0]
                said = "time" if option == "time_format" else "date"
                yield (
                    f"line {line} of the column {shown(header)} has {shown(text)}, which looks like a {said}: say"
                    f" {option}, as {' or '.join(fitting)}"
                )
                break


def find_number_questions(columns: Columns, numbers: Mapping[str, str]) -> Iterator[str]:
    """Yields columns whose numbers another reading explains as well as the one that fits the file."""
    for header, guess in columns:
        texts = {cell.strip(): line for cell, line in guess.cells.items() if isinstance(cell, str)}
        if not texts or not any(
            trial.holds for trial in guess.trials if trial.kind is ColumnType.NUMERIC and trial.options == numbers
        ):
            continue
        text, line = next(iter(texts.items()))
        place = f"line {line} of the column {shown(header)} has {shown(text)}"
        if numbers == {"decimal": ","} and all(map(_ONE_GROUP.fullmatch, texts)):
            yield f"{place}, which is {text.replace('.', '')} with decimal=,: say decimal if {text} is meant"
        if numbers.get("thousands") == "space" and all(map(_is_like_a_phone, texts)):
            digits = "".join(filter(str.isdigit, text))
            yield f"{place}, which is {digits} with thousands=space: say thousands=none if the spaces are part of it"


def find_other_delimiter(records: Sequence[Record], used: str) -> tuple[int, str] | None:
    """Returns the first line with another delimiter than was used, and that; None where there is none.

    Most lines have it, all of these as often.
    """
    for delimiter in (delimiter for delimiter in DELIMITERS if delimiter != used):
        counts = {record.line: record.raw.count(delimiter) for record in islice(records, _TRIED_TEXTS)}
        found = [count for count in counts.values() if count]
        usual = max(found, key=found.count, default=0)
        if usual and 2 * found.count(usual) > len(counts) > 1:
            return next(line for line, count in counts.items() if count == usual), delimiter
    return None


def _is_like_a_phone(text: str) -> bool:
    digits = "".join(filter(str.isdigit, text))
    return len(digits) == _PHONE_DIGITS and digits != text and len(text.split()) == 3


def _is_cut_off(cell: Cell) -> str | None:
    found = _CUT_OFF.fullmatch(cell.strip()) if isinstance(cell, str) else None
    if found is None or len(found["fraction"] or "") >= int(found["exponent"]):
        return None
    return (
        f"{shown(str(cell))}: where this is the number of an article or an account, a spreadsheet has cut off its"
        " last digits; have it written in full, as text"
    )


def _has_too_many_digits(cell: Cell) -> str | None:
    if not isinstance(cell, Number) or not cell.text.isdigit() or len(cell.text) <= _EXCEL_DIGITS:
        return None
    return (
        f"{cell.text}, a number of more than the {_EXCEL_DIGITS} digits that Excel keeps: if it is the number of an"
        " account or an article, its last digits may be lost; have it written as text"
    )


def _has_lost_letters(cell: Cell) -> str | None:
    if not isinstance(cell, str) or "\ufffd" not in cell:
        return None
    return f"{shown(cell)}, in which letters were lost (�) before: export the file again, as UTF-8"


def _is_broken(cell: Cell) -> str | None:
    meant = _meant(cell)
    return None if meant is None else f"{shown(str(cell))}, which was {shown(meant)} before it was saved wrongly"


def _is_broken_by_choice(cell: Cell) -> str | None:
    meant = _meant(cell)
    return None if meant is None else f"{shown(str(cell))}, which is {shown(meant)} in UTF-8: leave out encoding"


def _meant(cell: Cell) -> str | None:
    """Returns what a text was before its UTF-8 was taken for another encoding; None where it was not."""
    if not isinstance(cell, str) or cell.isascii():
        return None
    for codec in _BROKEN_CODECS:
        try:
            meant = cell.encode(codec).decode()
        except UnicodeError:
            continue
        # Two letters that are UTF-8 by chance (`STÓŁ`) are no letter that stands beside these.
        is_latin = all(letter < "\u0180" or "\u2010" <= letter <= "\u20ac" for letter in meant)
        if meant.isprintable() and (is_latin or len(cell) - len(meant) >= _CERTAIN_SEQUENCES):
            return meant
    return None


def _is_quoted_after_space(cell: Cell) -> str | None:
    if not isinstance(cell, str) or not _QUOTED.fullmatch(cell):
        return None
    return f"{shown(cell)}: behind a space quotes are part of the value; have the spaces before quotes left out"


def _escaped_mark(record: Record) -> str | None:
    if "\\" not in record.raw:
        return None
    if record.problem is not None and '\\"' in record.raw:
        return "a quote"
    return "the end of a line" if _ESCAPED_END.search(record.raw) else None
