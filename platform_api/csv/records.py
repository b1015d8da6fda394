"""The records of a CSV or Excel file, one after the other, however large the file is.

Everything here blocks and belongs into a thread. Parsing is done by the standard library's `csv` and by `openpyxl`;
what is decided here is whether a file is UTF-8, and which delimiter it has.
"""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import IO, Any, Protocol

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from platform_api.csv.errors import JobFailed, LineRejected
from platform_api.csv.schemas import ImportOptions

DELIMITERS = (",", ";", "\t", "|")
MOST_ROWS = 1_000_000
_LONGEST_FIELD = 1024 * 1024
_SAMPLE_BYTES = 64 * 1024
_MOST_UNPACKED_BYTES = 1024 * 1024 * 1024
_MOST_SHARED_TEXT_BYTES = 128 * 1024 * 1024
"""Excel keeps texts in one part of the file, which is read into memory whole."""
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_LIKELY = ("windows-1250", "windows-1252", "windows-1251")

# A limit of the whole process; its own default (128 KiB) refuses texts that a table may hold.
csv.field_size_limit(_LONGEST_FIELD)


@dataclass(frozen=True, slots=True)
class Record:
    """One line; `problem` is set instead of fields when it cannot be parsed."""

    line: int
    fields: tuple[str, ...]
    problem: LineRejected | None = None


class Records(Protocol):
    """A file whose header has been read."""

    @property
    def header(self) -> Sequence[str]:
        """Names of the file's columns."""
        ...

    @property
    def format(self) -> dict[str, str]:
        """What the file was found to be: kind, encoding, delimiter."""
        ...

    def take(self, count: int) -> list[Record]:
        """The next records, fewer than `count` at the end only. Raises JobFailed."""
        ...

    def fraction(self) -> float:
        """How much of the file has been read, 0 to 1."""
        ...


def open_records(file: IO[bytes], size: int, options: ImportOptions, *, columns: Iterable[str]) -> Records:
    """Reads the header of a file; `columns` are the names it may hold. Raises JobFailed."""
    magic = file.read(8)
    file.seek(0)
    if magic.startswith(b"PK\x03\x04"):
        return _Sheet(file)
    if magic.startswith(b"\xd0\xcf\x11\xe0"):
        raise JobFailed("this is an old Excel file (.xls) or an encrypted one; save it as .xlsx or CSV")
    return _Text(file, size, options, known={*columns, *options.mapping})


def _encoding(file: IO[bytes]) -> str:
    """The file's encoding: its BOM's, or UTF-8 if all of it is.

    Older encodings are not guessed: detectors take Polish for French on short texts, and nobody would notice before
    the rows are in. JobFailed shows how the line reads in the likely ones.
    """
    start = file.read(4)
    for bom, name in _BOMS:
        if start.startswith(bom):
            return name
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines, before = 1, b""
    while content := file.read(_SAMPLE_BYTES):
        if b"\x00" in content:
            raise JobFailed("this is neither text nor an .xlsx file")
        try:
            decoder.decode(content)
        except UnicodeDecodeError:
            raise _not_utf8(before + content, first_line=lines) from None
        lines += before.count(b"\n")
        before = content
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise JobFailed("the file is not UTF-8, or cut off in its last letter; send its `encoding`") from None
    return "utf-8"


def _not_utf8(content: bytes, *, first_line: int) -> JobFailed:
    """The refusal of a file of another encoding; `content` holds its first line that is not UTF-8."""
    for number, line in enumerate(content.split(b"\n"), first_line):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            place = line[max(0, error.start - 20) : error.start + 20].rstrip(b"\r")
            readings = ", ".join(f"as {name} {place.decode(name, errors='replace')!r}" for name in _LIKELY)
            return JobFailed(f"the file is not UTF-8; send its `encoding`. Line {number} reads {readings}")
    return JobFailed("the file is not UTF-8; send its `encoding`, for example windows-1250")


class _Text:
    """A CSV file."""

    def __init__(self, file: IO[bytes], size: int, options: ImportOptions, *, known: set[str]) -> None:
        encoding = options.encoding or _encoding(file)
        if codecs.lookup(encoding).name == "utf-8":
            encoding = "utf-8-sig"  # with or without a BOM
        file.seek(0)
        self._file, self._size = file, max(size, 1)
        self._encoding = encoding
        delimiter = options.delimiter or self._delimiter(known)
        file.seek(0)
        self._reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)
        self.format = {"kind": "csv", "encoding": encoding.removesuffix("-sig"), "delimiter": delimiter}
        header = next(iter(self.take(1)), None)
        if header is None:
            raise JobFailed("the file is empty; its first line must name the columns")
        if header.problem is not None:
            raise JobFailed(f"the header (line {header.line}) cannot be read: {header.problem.reason}")
        self.header = [name.strip() for name in header.fields]

    def take(self, count: int) -> list[Record]:
        return list(islice(self._records(), count))

    def fraction(self) -> float:
        return min(1.0, self._file.tell() / self._size)

    def _records(self) -> Iterator[Record]:
        while True:
            line = self._reader.line_num + 1
            try:
                fields = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Record(line, (), LineRejected(f"not well-formed CSV: {error}"))
                continue
            except UnicodeDecodeError as error:
                raise JobFailed(
                    f"the file is not {self._encoding.removesuffix('-sig')} from line {line} on (byte"
                    f" 0x{error.object[error.start]:02x}); send the right `encoding`, for example windows-1250"
                ) from error
            if fields:
                yield Record(line, tuple(fields))

    def _lines(self) -> Iterator[str]:
        # Not closed with the wrapper: the file is read more than once.
        text = io.TextIOWrapper(io.BufferedReader(_Unclosed(self._file)), encoding=self._encoding, newline="")
        # A line without an end would be read whole: it is handed on in parts, and refused as too long a field.
        while line := text.readline(_LONGEST_FIELD + 1):
            yield line

    def _delimiter(self, known: set[str]) -> str:
        """The one with which the header names the most columns that we know, then the most columns."""
        try:
            start = list(islice(self._lines(), 20))
        except UnicodeDecodeError as error:
            name = self._encoding.removesuffix("-sig")
            raise JobFailed(f"the file is not {name}; send the right `encoding`") from error

        def score(delimiter: str) -> tuple[int, int]:
            try:
                names = next(csv.reader(start, delimiter=delimiter), [])
            except csv.Error:
                return (0, 0)
            return (sum(name.strip() in known for name in names), len(names))

        return max(DELIMITERS, key=score)


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


class _Sheet:
    """The first sheet of an Excel file."""

    def __init__(self, file: IO[bytes]) -> None:
        _check_archive(file)
        try:
            self._book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            sheet = self._book.worksheets[0]
            self._most = sheet.max_row
            # What a file says of its own dimensions may be wrong, and would cut rows off.
            sheet.reset_dimensions()
            self._rows = enumerate(sheet.iter_rows(values_only=True), 1)
        except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, IndexError, OSError) as error:
            raise JobFailed(f"the Excel file cannot be read: {str(error)[:200]}") from error
        self._done = 0
        self.format = {"kind": "xlsx", "sheet": str(sheet.title)}
        header = next(iter(self.take(1)), None)
        if header is None:
            raise JobFailed("the first sheet is empty; its first row must name the columns")
        names = [name.strip() for name in header.fields]
        while names and not names[-1]:
            names.pop()
        self.header = names

    def take(self, count: int) -> list[Record]:
        try:
            return list(islice(self._records(), count))
        except (zipfile.BadZipFile, SyntaxError, ValueError, KeyError, OSError) as error:
            raise JobFailed(f"the Excel file cannot be read on: {str(error)[:200]}") from error

    def fraction(self) -> float:
        return min(1.0, self._done / self._most) if self._most else 0.0

    def _records(self) -> Iterator[Record]:
        width = len(getattr(self, "header", ()))
        for line, values in self._rows:
            self._done = line
            fields = [_as_text(value) for value in values]
            if not any(fields):
                continue
            if width:
                # Rows end with their last filled cell, and may have empty ones beyond the header.
                while len(fields) > width and not fields[-1]:
                    fields.pop()
                fields += [""] * (width - len(fields))
            yield Record(line, tuple(fields))


def _check_archive(file: IO[bytes]) -> None:
    """An Excel file is a zip archive, which may unpack to any size: the sizes it states are looked at first."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise JobFailed("the file begins like an Excel file but is damaged") from error
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        raise JobFailed("this is an archive but no Excel file; send CSV or .xlsx")
    texts = sum(part.file_size for part in parts if "sharedstrings" in part.filename.lower())
    if sum(part.file_size for part in parts) > _MOST_UNPACKED_BYTES or texts > _MOST_SHARED_TEXT_BYTES:
        raise JobFailed("the Excel file unpacks to more than can be read; save it as CSV")
    file.seek(0)


def _as_text(value: object) -> str:
    """A cell as it would stand in a CSV file. Excel's times have no zone: they are taken as UTC."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 1e15:
            return str(int(value))
        case datetime():
            return value.isoformat() + ("" if value.tzinfo else "Z")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)
