"""The rows of a sheet, one after the other, as typed cells.

A cell is what the file says it is: a number with its digits, a date where the number format shows one, an error, a
formula that nobody has calculated. Rows and cells that do not say where they are follow the one before.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO

from platform_api.csv.errors import JobFailed
from platform_api.csv.values.cells import Cell, Fault, FaultKind, number_cell, shown
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
_MAX_TEXT = 1024 * 1024
_USUAL_WIDTH = 1024
_MAX_FAR = 10_000_000
"""Cells of all rows beyond the usual width: a small file may have a value in the last column of every row."""
_MAX_SHARED_TEXTS = 4_000_000
_REFERENCE = re.compile(r"([A-Za-z]{1,3})[0-9]{1,7}")
_MAX_NOTES = 10_000
_TRUE = frozenset({"1", "true"})
_NO_WORKBOOK = "this is an archive but no Excel file; send CSV or .xlsx"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of cells: its name, the part of the file that holds it, whether Excel shows it."""

    name: str
    part: str
    is_visible: bool


@dataclass(frozen=True, slots=True)
class CellStyle:
    """What a number format makes of a number: what it shows, and the zeros in front of it."""

    shows: Shows = Shows.NUMBER
    mask: str = ""


_PLAIN_STYLE = CellStyle()


@dataclass(slots=True)
class Workbook:
    """What an Excel file says besides its rows."""

    package: Package
    sheets: list[Sheet] = field(default_factory=list)
    is_1904: bool = False
    is_recalculated: bool = False
    """Whether a program that opens the file is to calculate it: values of its formulas may be none yet."""
    styles: list[CellStyle] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def open_workbook(file: IO[bytes]) -> Workbook:
    """Reads everything but the rows. Raises JobFailed."""
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
                raise JobFailed("this is a binary Excel workbook (.xlsb); save it as .xlsx or CSV")
            if package.has(part):
                return part
    if package.has("content.xml") and package.has("mimetype"):
        raise JobFailed("this is an OpenDocument file (.ods); save it as .xlsx or CSV")
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
    """Puts together what stands in a text's `t` elements; readings aids (`rPh`) are no part of it."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._length = 0
        self._takes = False
        self._in_phonetic = False

    def begin(self) -> None:
        self.pieces, self._length = [], 0
        self._takes = self._in_phonetic = False

    def start(self, tag: str) -> None:
        if tag == "rPh":
            self._in_phonetic = True
        self._takes = tag == "t" and not self._in_phonetic

    def end(self, tag: str) -> None:
        if tag == "rPh":
            self._in_phonetic = False
        self._takes = False

    def add(self, text: str) -> None:
        if self._takes:
            self.force(text)

    def force(self, text: str) -> None:
        self._length += len(text)
        if self._length > _MAX_TEXT:
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
        self._far = 0
        self._inside: str | None = None
        """`v`, `f` or `is`: what of a cell is being read."""
        self._attributes: Attributes = {}
        self._value: str | None = None
        self._formula: str | None = None
        self._is_in_cells = False
        self._text = _TextCollector()
        self.merged: list[str] = []
        """Places of merged cells, `A2:A5`; known when all rows have been read."""
        self.hidden: list[int] = []
        """Rows that are not shown, of those that were read so far."""

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
            self._far += max(0, width - _USUAL_WIDTH)
            if self._far > _MAX_FAR:
                raise JobFailed(
                    f"row {self._row} and rows before it have values very far to the right, behind empty cells;"
                    " delete these"
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
            raise JobFailed(f"the Excel file cannot be read: row {self._row} has a cell in an impossible place")
        self._column = column

    def _cell(self) -> Cell:
        kind, value = self._attributes.get("t", "n"), self._value
        is_missing = not value and (value is None or kind != "str")
        # XlsxWriter writes 0 for what it has not calculated.
        is_missing |= self._book.is_recalculated and value == "0" and kind == "n"
        if is_missing and self._formula is not None:
            formula = f"={self._formula}" if self._formula else "a formula"
            reason = f"the formula {shown(formula)} has no calculated value; open the file in Excel and save it"
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
                return Fault(value, f"the cell holds the error {value[:60]}", FaultKind.ERROR)
            case "d":
                return _iso(value)
        return self._number(value)

    def _shared(self, value: str) -> Cell:
        index = value.strip()
        if index.isascii() and index.isdigit() and len(index) < 10 and int(index) < len(self._book.texts):
            return self._book.texts[int(index)]
        return Fault(value, f"the cell refers to text {shown(value)}, which the file does not hold", FaultKind.TEXT)

    def _number(self, value: str) -> Cell:
        style = self._style()
        number = number_cell(value, mask=style.mask)
        if number is None:
            return Fault(value, f"the cell holds {shown(value)}, which is no number", FaultKind.TEXT)
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
    """Returns a cell that holds ISO 8601, as strict files may."""
    text = value.strip()
    try:
        if "T" in text[1:]:
            return datetime.fromisoformat(text)
        return time.fromisoformat(text.removeprefix("T")) if ":" in text else date.fromisoformat(text)
    except ValueError:
        return Fault(value, f"the cell holds {shown(value)}, which is no date", FaultKind.TEXT)
