"""Reads the records of a CSV file with the standard library's `csv`, each with its original text.

The whole file is checked before the first record is returned: an unclosed quote, bytes of another encoding and too
many rows are found before anything is imported.
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
_MAX_FIELD_LENGTH = 1024 * 1024
_MAX_RECORD_LENGTH = 8 * 1024 * 1024
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<delimiter>.)"?[\r\n]*', re.IGNORECASE | re.DOTALL)
_SAMPLE_LINES = 20
_LINE_END = re.compile(r"\r\n|\r|\n")
_PLAIN_LINE_FEED = re.compile(r"(?<![\r\\])\n")
_MAX_SAMPLE_LINES = 1000
_END_OF_FILE = "\x1a"
"""DOS programs end a file with this."""

# Applies to the whole process; the default (128 KiB) rejects texts that a table can store.
csv.field_size_limit(_MAX_FIELD_LENGTH)


class TextRecords:
    """Reads a CSV file. Raises JobFailed when the file cannot be read as CSV."""

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
        declared = self._declared_delimiter()
        self.delimiter = options.delimiter or declared or self._likely_delimiter(known)
        self.format: dict[str, Any] = {
            "kind": "csv",
            "encoding": self.encoding.name,
            "delimiter": self.delimiter,
        }
        self._begin(has_separator_line=declared is not None)
        self.total: int | None = self._count()
        self._begin(has_separator_line=declared is not None)

    @property
    def blank(self) -> int:
        return self._blank

    def take(self, count: int) -> list[Record]:
        return list(islice(self._records, count))

    def fraction(self) -> float:
        return min(1.0, self._file.tell() / self._size)

    def _begin(self, *, has_separator_line: bool) -> None:
        """Reads everything before the first record: the `sep=` line, lines before the header, the header."""
        self._lines = _Lines(self._decoded(), name=self.encoding.name)
        self._blank = 0
        self.header: Sequence[str] = ()
        self.prologue = ""
        """Text before the first record, including the header."""
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
            raise JobFailed("the file is empty; its first line must name the columns", line=1)
        if header.problem is not None:
            raise JobFailed(
                f"the header (line {header.line}) cannot be read: {header.problem.reason}", line=header.line
            )
        # A name with a NUL character could not be stored in a message.
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
        """Yields the records; adds blank lines before the first to `before`."""
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
        """Returns whether carriage returns belong to values: MySQL escapes only the character that ends its lines."""
        return any(_PLAIN_LINE_FEED.search(line) for line in islice(self._plain_lines(), _MAX_SAMPLE_LINES))

    def _malformed(self, first: int, taken: list[str], error: csv.Error) -> Iterator[Record]:
        """Yields each line of a malformed record as a rejected record, so that none is lost or misread."""
        raw = "".join(taken)
        is_at_end, is_too_long = "unexpected end of data" in str(error), "field larger" in str(error)
        unclosed = find_unclosed_quote(raw, self.delimiter, has_escapes=self.has_escapes)
        if is_at_end and unclosed is None and self.has_escapes:
            raise JobFailed(
                f"line {first}: the file ends after a backslash, so it is incomplete; send the whole file",
                line=first,
            )
        index = _line_of(unclosed or 0, taken)
        opened = first + index
        if is_at_end or (is_too_long and len(taken) > 1):
            end = "the end of the file" if is_at_end else f"{_MAX_FIELD_LENGTH // 1024 // 1024} MiB further on"
            raise JobFailed(
                f'line {opened}: a quote (") is opened here and not closed before {end}; close it, or double it'
                " where it is part of a value. Nothing was imported",
                line=opened,
                column=(unclosed or 0) - sum(map(len, taken[:index])) + 1,
            )
        reason = f"malformed CSV: {error}"
        if is_too_long:
            reason = f"a field is longer than {_MAX_FIELD_LENGTH} characters"
        for number, line in enumerate(taken, first):
            if number < opened or len(taken) == 1:
                line_reason = reason
            elif number == opened:
                line_reason = (
                    f"{reason}, in line {first + len(taken) - 1}, where the quote that is opened here is closed"
                )
            else:
                line_reason = f"malformed CSV: this line is inside the quote that line {opened} opens"
            yield Record(number, (), LineRejected(line_reason), raw=line)

    def _decoded(self) -> Iterator[str]:
        self._file.seek(0)
        # The wrapper must not close the file, which is read more than once.
        content = io.BufferedReader(_Unclosed(self._file))
        text = io.TextIOWrapper(content, encoding=self.encoding.codec, newline=self._newline)
        is_first = True
        # Limited, because a line without an end would be read whole.
        while line := text.readline(_MAX_RECORD_LENGTH + 1):
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

    def _declared_delimiter(self) -> str | None:
        """Returns the delimiter in a first line `sep=;`, which Excel reads and writes; None without such a line."""
        first = next(self._plain_lines(), "")
        match = _SEPARATOR_LINE.fullmatch(first)
        if match is None:
            return None
        if match["delimiter"] not in DELIMITERS:
            raise JobFailed(
                f"the first line says sep={match['delimiter']}; the delimiter must be one of , ; | and tab"
            )
        return match["delimiter"]

    def _likely_delimiter(self, known: set[str]) -> str:
        """Returns the delimiter with which the header names the most known columns.

        Ties go to the delimiter with which all lines have as many fields as the header, then to the one with the most
        columns, then to the one that is rarest in texts and numbers.
        """
        skipped = max(0, (self._header_line or 1) - 1)
        start = list(islice(self._plain_lines(), skipped, skipped + _SAMPLE_LINES))

        def score(delimiter: str) -> tuple[int, bool, int, int]:
            try:
                names, *rows = [row for row in self._reader(iter(start), delimiter) if any(row)] or [[]]
            except csv.Error:
                return (0, False, 0, 0)
            if len(start) == _SAMPLE_LINES:
                # The last line may be only part of a record.
                rows = rows[:-1]
            fits = len(names) > 1 and all(len(row) in (len(names), len(names) + 1) for row in rows)
            rarity = ",;|\t".index(delimiter) if fits else 0
            return (sum(name.strip() in known for name in names), fits, len(names), rarity)

        return max(DELIMITERS, key=score)


def _line_of(place: int, lines: Sequence[str]) -> int:
    """Returns the index of the line that contains a position of the joined text."""
    return bisect_right(list(accumulate(map(len, lines))), place)


class _Lines:
    """Iterates over lines and counts them; `taken` are those of the record that is being read."""

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
                f" 0x{error.object[error.start]:02x} in line {number} is not valid)",
                line=number,
            ) from error
        self.number += 1
        self._length = len(line) if not self.taken else self._length + len(line)
        if self._length > _MAX_RECORD_LENGTH:
            raise JobFailed(
                f"line {self.number - len(self.taken)}: a record is longer than"
                f" {_MAX_RECORD_LENGTH // 1024 // 1024} MiB;"
                ' a quote (") may be opened there and never closed',
                line=self.number - len(self.taken),
            )
        self.taken.append(line)
        return line


class _Unclosed(io.RawIOBase):
    """Wraps a file and keeps it open when its reader is closed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._inner = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._inner.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)
