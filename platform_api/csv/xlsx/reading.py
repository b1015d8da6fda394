"""Reads the rows of a sheet, one after the other, as typed cells.

A cell has the type that the file declares: a number with its digits, a date if the number format shows one, an error,
a formula without a calculated value. Rows and cells without a position follow the previous one.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO

from platform_api.csv.errors import JobFailed
from platform_api.csv.values.cells import Cell, Fault, FaultKind, number_cell, quoted
from platform_api.csv.xlsx.formats import Shows, mask_of_code, shows_by_code, shows_by_number
from platform_api.csv.xlsx.package import (
    MAX_SHARED_TEXT_BYTES,
    Attributes,
    Package,
    create_parser,
    feed,
    readable,
    too_large,
)
from platform_api.csv.xlsx.serials import moment_of
from platform_api.csv.xlsx.strings import unescape

MAX_COLUMNS = 16_384
MAX_ROWS = 1_048_576
_MAX_TEXT_LENGTH = 1024 * 1024
_USUAL_WIDTH = 1024
_MAX_FAR_CELLS = 10_000_000
"""Applies to cells beyond the usual width in all rows: a small file may have a value in the last column of each."""
_MAX_SHARED_TEXTS = 4_000_000
_REFERENCE = re.compile(r"([A-Za-z]{1,3})[0-9]{1,7}")
_MAX_NOTES = 10_000
_TRUE = frozenset({"1", "true"})
_NO_WORKBOOK = "the file is an archive but not an Excel file; send CSV or .xlsx"


@dataclass(frozen=True, slots=True)
class Sheet:
    """Describes a sheet: its name, the part of the file that contains it, and whether Excel shows it."""

    name: str
    part: str
    is_visible: bool


@dataclass(frozen=True, slots=True)
class CellStyle:
    """Describes a number format: what it displays, and its leading zeros."""

    shows: Shows = Shows.NUMBER
    mask: str = ""


_PLAIN_STYLE = CellStyle()


@dataclass(slots=True)
class Workbook:
    """Holds the content of an Excel file except its rows."""

    package: Package
    sheets: list[Sheet] = field(default_factory=list)
    is_1904: bool = False
    is_recalculated: bool = False
    """Whether a program must recalculate the file when it opens it: formulas may not have values yet."""
    styles: list[CellStyle] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def open_workbook(file: IO[bytes]) -> Workbook:
    """Opens a file and reads everything but its rows. Raises JobFailed."""
    package = Package(file)
    name = _workbook_part(package)
    book = Workbook(package)
    related = package.relationships(name)
    listed: list[Attributes] = []

    def start(tag: str, attributes: Attributes) -> None:
        if tag == "sheet":
            listed.append(attributes)
        elif tag == "workbookPr":
            book.is_1904 = attributes.get("date1904", "") in _TRUE
        elif tag == "calcPr":
            book.is_recalculated = attributes.get("fullCalcOnLoad", "") in _TRUE

    package.parse(name, start)
    for sheet in listed:
        kind, part = related.get(sheet.get("id", ""), ("", ""))
        if kind == "worksheet":
            is_visible = sheet.get("state", "visible") == "visible"
            book.sheets.append(Sheet(sheet.get("name", ""), part, is_visible))
    parts = dict(related.values())
    if "styles" in parts:
        book.styles = _read_styles(package, parts["styles"])
    if "sharedStrings" in parts:
        book.texts = _read_texts(package, parts["sharedStrings"])
    return book


def _workbook_part(package: Package) -> str:
    for kind, part in package.relationships("").values():
        if kind == "officeDocument":
            if part.lower().endswith(".bin"):
                raise JobFailed("the file is a binary Excel workbook (.xlsb); save it as .xlsx or CSV")
            if package.has(part):
                return part
    if package.has("content.xml") and package.has("mimetype"):
        raise JobFailed("the file is an OpenDocument spreadsheet (.ods); save it as .xlsx or CSV")
    if package.has("xl/workbook.xml"):
        return "/xl/workbook.xml"
    raise JobFailed(_NO_WORKBOOK)


def _read_styles(package: Package, part: str) -> list[CellStyle]:
    codes: dict[str, str] = {}
    numbers: list[str] = []
    inside: list[str] = []

    def start(tag: str, attributes: Attributes) -> None:
        if tag == "numFmt" and inside[-1:] == ["numFmts"]:
            codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif tag == "xf" and inside[-1:] == ["cellXfs"]:
            numbers.append(attributes.get("numFmtId", "0"))
        inside.append(tag)

    def end(_: str) -> None:
        inside.pop()

    package.parse(part, start, end)
    return [
        CellStyle(shows_by_code(codes[number]), mask_of_code(codes[number]))
        if number in codes
        else CellStyle(shows_by_number(int(number) if number.isdigit() else 0))
        for number in numbers
    ]


class _TextCollector:
    """Collects a text from its `t` elements, without phonetic reading aids (`rPh`)."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._length = 0
        self._is_in_text = False
        self._in_phonetic = False

    def begin(self) -> None:
        self.pieces, self._length = [], 0
        self._is_in_text = self._in_phonetic = False

    def start(self, tag: str) -> None:
        if tag == "rPh":
            self._in_phonetic = True
        self._is_in_text = tag == "t" and not self._in_phonetic

    def end(self, tag: str) -> None:
        if tag == "rPh":
            self._in_phonetic = False
        self._is_in_text = False

    def add(self, text: str) -> None:
        if self._is_in_text:
            self.force(text)

    def force(self, text: str) -> None:
        self._length += len(text)
        if self._length > _MAX_TEXT_LENGTH:
            raise JobFailed("the Excel file cannot be read: a cell is longer than 1 MiB")
        self.pieces.append(text)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def _read_texts(package: Package, part: str) -> list[str]:
    texts: list[str] = []
    current = _TextCollector()

    def start(tag: str, _: Attributes) -> None:
        if tag == "si":
            current.begin()
        else:
            current.start(tag)

    def end(tag: str) -> None:
        if tag == "si":
            if len(texts) >= _MAX_SHARED_TEXTS:
                raise too_large()
            texts.append(unescape(current.text))
        else:
            current.end(tag)

    package.parse(part, start, end, current.add, max_bytes=MAX_SHARED_TEXT_BYTES)
    return texts


class SheetReader:
    """Reads a sheet's rows: their numbers from 1, and their cells up to the last one that is not empty."""

    def __init__(self, book: Workbook, sheet: Sheet) -> None:
        self._book = book
        self._sheet = sheet
        self._size = max(1, book.package.size(sheet.part)) if book.package.has(sheet.part) else 1
        self._read = 0
        self._ready: deque[tuple[int, list[Cell]]] = deque()
        self._row, self._column = 0, -1
        self._cells: dict[int, Cell] = {}
        self._far_cells = 0
        self._inside: str | None = None
        """The element of a cell that is being read: `v`, `f` or `is`."""
        self._attributes: Attributes = {}
        self._value: str | None = None
        self._formula: str | None = None
        self._is_in_cells = False
        self._text = _TextCollector()
        self.merged: list[str] = []
        """Ranges of merged cells, such as `A2:A5`; complete when all rows have been read."""
        self.hidden: list[int] = []
        """Hidden rows among those that were read so far."""

    def fraction(self) -> float:
        """Returns how much of the sheet has been read, 0 to 1."""
        return min(1.0, self._read / self._size)

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """Yields the rows. Raises JobFailed."""
        with self._book.package.open(self._sheet.part) as stream:
            parser = create_parser(self._start, self._end, self._add)
            pieces = feed(parser, stream)
            while True:
                with readable():
                    if next(pieces, "end") == "end":
                        return
                self._read = stream.tell()
                while self._ready:
                    yield self._ready.popleft()

    def _start(self, tag: str, attributes: Attributes) -> None:
        if tag == "sheetData":
            self._is_in_cells = True
        elif not self._is_in_cells:
            if tag == "mergeCell" and len(self.merged) < _MAX_NOTES:
                self.merged.append(attributes.get("ref", ""))
        elif tag == "row":
            self._start_row(attributes)
        elif tag == "c":
            self._start_cell(attributes)
        elif tag in ("v", "f", "is") and self._inside is None:
            self._inside = tag
            self._text.begin()
        elif self._inside == "is":
            self._text.start(tag)

    def _end(self, tag: str) -> None:
        if tag == "sheetData":
            self._is_in_cells = False
        elif not self._is_in_cells:
            return
        elif tag == self._inside:
            if tag == "f":
                self._formula = self._text.text
            else:
                self._value = self._text.text
            self._inside = None
        elif self._inside == "is":
            self._text.end(tag)
        elif tag == "c":
            cell = self._cell()
            if cell != "":
                self._cells[self._column] = cell
        elif tag == "row" and self._cells:
            width = max(self._cells) + 1
            self._far_cells += max(0, width - _USUAL_WIDTH)
            if self._far_cells > _MAX_FAR_CELLS:
                raise JobFailed(
                    f"row {self._row} and rows before it have values very far to the right, after empty cells;"
                    " delete them"
                )
            row: list[Cell] = [""] * width
            for column, cell in self._cells.items():
                row[column] = cell
            self._ready.append((self._row, row))

    def _add(self, text: str) -> None:
        if self._inside == "is":
            self._text.add(text)
        elif self._inside is not None:
            self._text.force(text)

    def _start_row(self, attributes: Attributes) -> None:
        number = attributes.get("r", "")
        row = int(number) if number.isascii() and number.isdigit() and len(number) < 8 else self._row + 1
        if not self._row < row <= MAX_ROWS:
            raise JobFailed(f"the Excel file cannot be read: row {number[:20]} comes after row {self._row}")
        self._row, self._column, self._cells = row, -1, {}
        if attributes.get("hidden") in _TRUE and len(self.hidden) < _MAX_NOTES:
            self.hidden.append(row)

    def _start_cell(self, attributes: Attributes) -> None:
        self._attributes, self._value, self._formula = attributes, None, None
        place = _REFERENCE.fullmatch(attributes.get("r", ""))
        column = self._column + 1 if place is None else _column_of(place[1])
        if column >= MAX_COLUMNS or column in self._cells:
            raise JobFailed(f"the Excel file cannot be read: row {self._row} has a cell in an invalid position")
        self._column = column

    def _cell(self) -> Cell:
        kind, value = self._attributes.get("t", "n"), self._value
        is_missing = not value and (value is None or kind != "str")
        # XlsxWriter writes 0 for formulas that it has not calculated.
        is_missing |= self._book.is_recalculated and value == "0" and kind == "n"
        if is_missing and self._formula is not None:
            formula = f"={self._formula}" if self._formula else "a formula"
            reason = f"the formula {quoted(formula)} has no calculated value; open the file in Excel and save it"
            return Fault(self._formula, reason, FaultKind.FORMULA)
        if not value:
            return ""
        match kind:
            case "s":
                return self._shared(value)
            case "str" | "inlineStr":
                return unescape(value)
            case "b":
                return value.strip() in _TRUE
            case "e":
                return Fault(value, f"the cell contains the error {value[:60]}", FaultKind.ERROR)
            case "d":
                return _iso(value)
        return self._number(value)

    def _shared(self, value: str) -> Cell:
        index = value.strip()
        if index.isascii() and index.isdigit() and len(index) < 10 and int(index) < len(self._book.texts):
            return self._book.texts[int(index)]
        return Fault(
            value, f"the cell refers to text {quoted(value)}, which the file does not contain", FaultKind.TEXT
        )

    def _number(self, value: str) -> Cell:
        style = self._style()
        number = number_cell(value, mask=style.mask)
        if number is None:
            return Fault(value, f"the cell contains {quoted(value)}, which is not a number", FaultKind.TEXT)
        if style.shows is Shows.NUMBER:
            return number
        return moment_of(Decimal(value.strip()), style.shows, is_1904=self._book.is_1904)

    def _style(self) -> CellStyle:
        number, styles = self._attributes.get("s", "0"), self._book.styles
        index = int(number) if number.isascii() and number.isdigit() and len(number) < 8 else 0
        return styles[index] if index < len(styles) else _PLAIN_STYLE


def _column_of(letters: str) -> int:
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1


def _iso(value: str) -> Cell:
    """Returns the value of a cell in ISO 8601, which strict files may contain."""
    text = value.strip()
    try:
        if "T" in text[1:]:
            return datetime.fromisoformat(text)
        return time.fromisoformat(text.removeprefix("T")) if ":" in text else date.fromisoformat(text)
    except ValueError:
        return Fault(value, f"the cell contains {quoted(value)}, which is not a date", FaultKind.TEXT)
