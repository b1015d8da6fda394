"""Reads the records of an Excel sheet: typed cells, with their row numbers."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO, Any

from platform_api.csv.errors import JobFailed
from platform_api.csv.records.records import Record
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.values.cells import Cell, Fault, is_blank, quoted, text_of
from platform_api.csv.xlsx.reading import Sheet, SheetReader, Workbook, open_workbook

_MAX_PROLOGUE_ROWS = 1000
_ROWS = re.compile(r"[A-Z]{1,3}(?P<first>[0-9]{1,7}):[A-Z]{1,3}(?P<last>[0-9]{1,7})")


class SheetRecords:
    """Reads one sheet of an Excel file: the named one, otherwise the first visible one."""

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
        """Rows before the first record, including the header."""
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

    def questions(self) -> Iterator[str]:
        """Yields questions about the rows that were read so far."""
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
        others = self.format.get("other_sheets", [])
        ending = f"; the file also has {', '.join(map(quoted, others[:5]))}: send `sheet`" if others else ""
        raise JobFailed(
            f"the sheet {quoted(self.sheet_name)} has no header: {where} must name the columns{ending}",
            format=self.format,
        )

    def _parsed(self) -> Iterator[Record]:
        for number, cells in self._rows:
            # Rows that the file omits are blank as well.
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
    # A name with a NUL character could not be stored in a message.
    names = [text_of(cell).strip().replace("\x00", "\ufffd") for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _choose(book: Workbook, name: str | None) -> Sheet:
    if not book.sheets:
        raise JobFailed("the Excel file has no sheet with cells")
    if name is None:
        return next((sheet for sheet in book.sheets if sheet.is_visible), book.sheets[0])
    for sheet in book.sheets:
        if sheet.name == name:
            return sheet
    # Excel ignores case in names of sheets.
    alike = [sheet for sheet in book.sheets if sheet.name.strip().casefold() == name.strip().casefold()]
    if len(alike) == 1:
        return alike[0]
    if name.isascii() and name.isdigit() and 0 < int(name[:9]) <= len(book.sheets):
        return book.sheets[int(name) - 1]
    listed = ", ".join(sheet.name for sheet in book.sheets[:20])
    raise JobFailed(f"sheet: the file has no sheet {quoted(name)}; it has: {listed}")
