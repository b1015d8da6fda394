"""The records of an Excel sheet: typed cells, with the number of their row."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO, Any

from platform_api.csv.errors import JobFailed
from platform_api.csv.records.records import Record
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.cells import Cell, Fault, is_blank, shown, text_of
from platform_api.csv.xlsx.reading import Sheet, SheetReader, Workbook, open_workbook

_MAX_PROLOGUE_ROWS = 1000
_ROWS = re.compile(r"[A-Z]{1,3}(?P<first>[0-9]{1,7}):[A-Z]{1,3}(?P<last>[0-9]{1,7})")


class SheetRecords:
    """One sheet of an Excel file: the one that was named, else the first that Excel shows."""

    is_ragged = True
    total: int | None = None

    def __init__(self, file: IO[bytes], options: ImportOptions) -> None:
        book = open_workbook(file)
        sheet = _choose(book, options.sheet)
        self.sheet_name = sheet.name
        self.format: dict[str, Any] = {"kind": "xlsx", "sheet": sheet.name}
        if others := [other.name for other in book.sheets if other is not sheet]:
            self.format["other_sheets"] = others[:50]
        self._reader = SheetReader(book, sheet)
        self._rows = self._reader.rows()
        self._blank = 0
        self._last = 0
        self._header_row = 0
        self.header: Sequence[str] = ()
        self.prologue: list[list[Cell]] = []
        """Rows before the first record, header and all."""
        if options.header_line != 0:
            self._read_header(options.header_line)
        self._records = self._parsed()

    @property
    def blank(self) -> int:
        return self._blank

    def take(self, count: int) -> list[Record]:
        return list(islice(self._records, count))

    def fraction(self) -> float:
        return self._reader.fraction()

    def doubts(self) -> Iterator[str]:
        """Yields what is to be asked about the rows that were read so far."""
        rows_of_merged = ((place, _ROWS.fullmatch(place)) for place in self._reader.merged)
        for place, rows in rows_of_merged:
            if rows is not None and int(rows["last"]) > max(int(rows["first"]), self._header_row):
                yield f"the cells {place} are merged: only the first of these rows has the value"
                break
        if hidden := [row for row in self._reader.hidden if row > self._header_row]:
            yield f"row {hidden[0]} is hidden ({len(hidden)} in all); hidden rows are imported as well"

    def _read_header(self, header_line: int | None) -> None:
        for number, cells in self._rows:
            if header_line is not None and number < header_line:
                if number <= _MAX_PROLOGUE_ROWS:
                    self.prologue += [[] for _ in range(number - len(self.prologue) - 1)]
                    self.prologue.append(cells)
                continue
            if header_line in (None, number) and all(map(is_blank, cells)):
                if header_line is not None:
                    break
                continue
            if header_line is not None and number > header_line:
                break
            if header_line is not None:
                self.prologue += [[] for _ in range(min(number, _MAX_PROLOGUE_ROWS) - len(self.prologue) - 1)]
            self.prologue.append(cells)
            self._last = self._header_row = number
            self.header = _names(cells)
            return
        where = "the first row with a value" if header_line is None else f"row {header_line}"
        raise JobFailed(f"the sheet {shown(self.sheet_name)} is empty there: {where} must name the columns")

    def _parsed(self) -> Iterator[Record]:
        for number, cells in self._rows:
            # Rows that the file leaves out are blank as well.
            self._blank += number - self._last - 1
            self._last = number
            if all(map(is_blank, cells)):
                self._blank += 1
                continue
            yield Record(number, tuple(cells))


def _names(cells: Sequence[Cell]) -> list[str]:
    for cell in cells:
        if isinstance(cell, Fault):
            raise JobFailed(f"the header cannot be read: {cell.reason}")
    # A name with a zero character could not be told in a message that is stored.
    names = [text_of(cell).strip().replace("\x00", "\ufffd") for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _choose(book: Workbook, wanted: str | None) -> Sheet:
    if not book.sheets:
        raise JobFailed("the Excel file holds no sheet of cells")
    if wanted is None:
        return next((sheet for sheet in book.sheets if sheet.is_visible), book.sheets[0])
    for sheet in book.sheets:
        if sheet.name == wanted:
            return sheet
    # Excel takes names that differ in case only for the same one.
    alike = [sheet for sheet in book.sheets if sheet.name.strip().casefold() == wanted.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    if wanted.isascii() and wanted.isdigit() and 0 < int(wanted[:9]) <= len(book.sheets):
        return book.sheets[int(wanted) - 1]
    listed = ", ".join(sheet.name for sheet in book.sheets[:20])
    raise JobFailed(f"sheet: the file has no sheet {shown(wanted)}; it has: {listed}")
