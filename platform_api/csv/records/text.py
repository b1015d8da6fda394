"""The records of a CSV file, parsed by the standard library's `csv`, each with its text as it stands in the file.

The whole file is looked at before the first record is given: a quote that is never closed, bytes of another encoding
and too many rows are found before anything is imported.
"""

import csv
import io
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, islice
from typing import IO, Any

from platform_api.csv.errors import JobFailed, LineRejected
from platform_api.csv.records.encodings import find_encoding
from platform_api.csv.records.escapes import ESCAPE, line_translator
from platform_api.csv.records.records import MAX_ROWS, Record
from platform_api.csv.records.splitting import find_unclosed_quote
from platform_api.csv.schemas import ImportOptions

DELIMITERS = (",", ";", "\t", "|")
_MAX_FIELD = 1024 * 1024
_MAX_RECORD = 8 * 1024 * 1024
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<delimiter>.)"?[\r\n]*', re.IGNORECASE | re.DOTALL)
_SAMPLE_LINES = 20
_LINE_END = re.compile(r"\r\n|\r|\n")
_PLAIN_LINE_FEED = re.compile(r"(?<![\r\\])\n")
_MAX_SAMPLE_LINES = 1000
_END_OF_FILE = "\x1a"
"""With which programs of DOS end a file."""

# A limit of the whole process; its own default (128 KiB) refuses texts that a table may hold.
csv.field_size_limit(_MAX_FIELD)


class TextRecords:
    """A CSV file. JobFailed when it cannot be read as one."""

    is_ragged = False
    _newline = ""

    def __init__(self, file: IO[bytes], size: int, options: ImportOptions, *, known: set[str]) -> None:
        if options.sheet is not None:
            raise JobFailed("sheet: the file is CSV, which has no sheets")
        self._file, self._size = file, max(size, 1)
        self.encoding = find_encoding(file, options.encoding)
        self._header_line = options.header_line
        self.has_escapes = options.escape is not None
        self._is_guarded = options.guard_formulas
        self._newline = "\n" if self.has_escapes and self._ends_lines_with_line_feeds() else ""
        announced = self._announced_delimiter()
        self.delimiter = options.delimiter or announced or self._likely_delimiter(known)
        self.format: dict[str, Any] = {
            "kind": "csv",
            "encoding": self.encoding.name,
            "delimiter": self.delimiter,
        }
        self._begin(has_separator_line=announced is not None)
        self.total: int | None = self._count()
        self._begin(has_separator_line=announced is not None)

    @property
    def blank(self) -> int:
        return self._blank

    def take(self, count: int) -> list[Record]:
        return list(islice(self._records, count))

    def fraction(self) -> float:
        return min(1.0, self._file.tell() / self._size)

    def _begin(self, *, has_separator_line: bool) -> None:
        """Reads up to the first record: the `sep=` line, lines before the header, the header."""
        self._lines = _Lines(self._decoded(), name=self.encoding.name)
        self._blank = 0
        self.header: Sequence[str] = ()
        self.prologue = ""
        """What stands before the first record, header and all."""
        before: list[str] = []
        if has_separator_line:
            before.append(next(self._lines))
            self._lines.taken.clear()
        if self._header_line:
            while self._lines.number < self._header_line - 1 and (line := next(self._lines, None)) is not None:
                before.append(line)
                self._lines.taken.clear()
        self._records = self._parsed(before)
        if self._header_line == 0:
            self.prologue = "".join(before)
            return
        header = next(self._records, None)
        if header is None:
            raise JobFailed("the file is empty; its first line must name the columns")
        if header.problem is not None:
            raise JobFailed(f"the header (line {header.line}) cannot be read: {header.problem.reason}")
        # A name with a zero character could not be told in a message that is stored.
        self.header = [str(name).strip().replace("\x00", "\ufffd") for name in header.fields]
        self.prologue = "".join(before) + header.raw
        self._blank = 0

    def _count(self) -> int:
        count = 0
        for _ in self._records:
            count += 1
            if count > MAX_ROWS:
                raise JobFailed(f"the file has more than {MAX_ROWS} rows; split it")
        return count

    def _parsed(self, before: list[str]) -> Iterator[Record]:
        """Yields the records; blank lines before the first one are added to `before`."""
        lines = self._lines
        reader = self._reader(lines, self.delimiter, is_strict=True)
        is_first = True
        while True:
            first = lines.number + 1
            lines.taken.clear()
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield from self._malformed(first, list(lines.taken), error)
                is_first = False
                continue
            raw = "".join(lines.taken)
            if any(map(str.strip, fields)) and fields != [_END_OF_FILE]:
                is_first = False
                yield Record(first, tuple(fields), raw=raw)
            else:
                self._blank += 1
                if is_first:
                    before.append(raw)

    def _reader(self, lines: Iterator[str], delimiter: str, *, is_strict: bool = False) -> Iterator[list[str]]:
        if not self.has_escapes:
            return csv.reader(lines, delimiter=delimiter, strict=is_strict)
        translate = line_translator(delimiter, is_guarded=self._is_guarded)
        return csv.reader(map(translate, lines), delimiter=delimiter, escapechar=ESCAPE, strict=is_strict)

    def _ends_lines_with_line_feeds(self) -> bool:
        """Returns whether a carriage return is part of a value: MySQL escapes what ends its lines, and no other."""
        return any(_PLAIN_LINE_FEED.search(line) for line in islice(self._plain_lines(), _MAX_SAMPLE_LINES))

    def _malformed(self, first: int, taken: list[str], error: csv.Error) -> Iterator[Record]:
        """Yields each line of a malformed record by itself: none is lost, and none is taken for something else."""
        raw = "".join(taken)
        is_at_end, is_too_long = "unexpected end of data" in str(error), "field larger" in str(error)
        unclosed = find_unclosed_quote(raw, self.delimiter, has_escapes=self.has_escapes)
        if is_at_end and unclosed is None and self.has_escapes:
            raise JobFailed(f"line {first}: the file ends after a backslash; it is cut off there")
        opened = first + _line_of(unclosed or 0, taken)
        if is_at_end or (is_too_long and len(taken) > 1):
            end = "the end of the file" if is_at_end else f"{_MAX_FIELD // 1024 // 1024} MiB further on"
            raise JobFailed(
                f'line {opened}: a quote (") is opened here and not closed before {end}; close it, or double it'
                " where it is part of a value. Nothing was imported"
            )
        reason = f"not well-formed CSV: {error}"
        if is_too_long:
            reason = f"a field is longer than {_MAX_FIELD} characters"
        for number, line in enumerate(taken, first):
            if number < opened or len(taken) == 1:
                told = reason
            elif number == opened:
                told = f"{reason}, in line {first + len(taken) - 1}, where the quote that is opened here is closed"
            else:
                told = f"not well-formed CSV: this line is inside the quote that line {opened} opens"
            yield Record(number, (), LineRejected(told), raw=line)

    def _decoded(self) -> Iterator[str]:
        self._file.seek(0)
        # Not closed with the wrapper: the file is read more than once.
        content = io.BufferedReader(_Unclosed(self._file))
        text = io.TextIOWrapper(content, encoding=self.encoding.codec, newline=self._newline)
        is_first = True
        # A line without an end would be read whole.
        while line := text.readline(_MAX_RECORD + 1):
            if is_first:
                is_first = False
                line = line.removeprefix("\ufeff")
                if not line:
                    continue
            yield line

    def _plain_lines(self) -> Iterator[str]:
        lines = _Lines(self._decoded(), name=self.encoding.name)
        for line in lines:
            lines.taken.clear()
            yield line

    def _announced_delimiter(self) -> str | None:
        """Returns the delimiter that the first line says (`sep=;`, which Excel reads and writes)."""
        first = next(self._plain_lines(), "")
        found = _SEPARATOR_LINE.fullmatch(first)
        if found is None:
            return None
        if found["delimiter"] not in DELIMITERS:
            raise JobFailed(f"the first line says sep={found['delimiter']}; a delimiter is one of , ; | and tab")
        return found["delimiter"]

    def _likely_delimiter(self, known: set[str]) -> str:
        """Returns the one with which the header names the most columns that we know.

        Of several the one with which the lines after it have as many fields, then that with the most columns, then
        that which is the rarest in texts and numbers.
        """
        skipped = max(0, (self._header_line or 1) - 1)
        start = list(islice(self._plain_lines(), skipped, skipped + _SAMPLE_LINES))

        def score(delimiter: str) -> tuple[int, bool, int, int]:
            try:
                names, *rows = [row for row in self._reader(iter(start), delimiter) if any(row)] or [[]]
            except csv.Error:
                return (0, False, 0, 0)
            if len(start) == _SAMPLE_LINES:
                # Perhaps only a part of a record.
                rows = rows[:-1]
            fits = len(names) > 1 and all(len(row) in (len(names), len(names) + 1) for row in rows)
            rarity = ",;|\t".index(delimiter) if fits else 0
            return (sum(name.strip() in known for name in names), fits, len(names), rarity)

        return max(DELIMITERS, key=score)


def _line_of(place: int, lines: Sequence[str]) -> int:
    """Returns in which of the lines, from 0, a place of their text is."""
    return bisect_right(list(accumulate(map(len, lines))), place)


class _Lines:
    """Lines of a text, counted; `taken` are those of the record that is being read."""

    def __init__(self, lines: Iterator[str], *, name: str) -> None:
        self._lines = lines
        self._name = name
        self._length = 0
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        try:
            line = next(self._lines)
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(error.encoding, errors="replace")
            number = self.number + 1 + len(_LINE_END.findall(before))
            raise JobFailed(
                f"the file is not {self._name}; send the right `encoding`, for example windows-1250 (the byte"
                f" 0x{error.object[error.start]:02x} in line {number} fits no letter)"
            ) from error
        self.number += 1
        self._length = len(line) if not self.taken else self._length + len(line)
        if self._length > _MAX_RECORD:
            raise JobFailed(
                f"line {self.number - len(self.taken)}: a record is longer than {_MAX_RECORD // 1024 // 1024} MiB;"
                ' perhaps a quote (") is opened there and never closed'
            )
        self.taken.append(line)
        return line


class _Unclosed(io.RawIOBase):
    """A file that stays open when what reads it is closed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._inner = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._inner.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)
