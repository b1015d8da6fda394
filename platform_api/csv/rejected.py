"""The file of rejected lines: the original's header and lines as they stood, each with its reason at the end.

What was rejected is corrected there and sent again, with the same options; the reasons are recognised and left out.
Of a CSV file the lines keep every character, of an Excel file the cells keep their types.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from platform_api.csv.columns import REASON_COLUMN, Layout, is_reason
from platform_api.csv.errors import LineRejected
from platform_api.csv.records.records import Record, Records
from platform_api.csv.records.sheet import SheetRecords
from platform_api.csv.records.splitting import first_fields, line_end
from platform_api.csv.records.text import TextRecords
from platform_api.csv.xlsx.writing import Outgoing, SheetFile, row_xml

Rejected = tuple[Record, LineRejected]


class RejectedLines(Protocol):
    """Writes rejected lines as pieces of a file."""

    def begin(self) -> bytes:
        """Returns what stands before the first line."""
        ...

    def lines(self, rejected: Sequence[Rejected]) -> bytes:
        """Returns the lines."""
        ...


def rejected_lines(records: Records, layout: Layout) -> RejectedLines:
    """Returns what writes the rejected lines of this file."""
    if isinstance(records, SheetRecords):
        return _SheetLines(records, layout)
    assert isinstance(records, TextRecords)
    return _TextLines(records, layout)


class _TextLines:
    """The same delimiter, encoding and line ends; UTF-8 with a BOM, which spreadsheets need to see that it is."""

    def __init__(self, records: TextRecords, layout: Layout) -> None:
        self._records = records
        self._layout = layout
        self._end = line_end(records.prologue) or "\r\n"

    def begin(self) -> bytes:
        encoding = self._records.encoding
        bom = b"\xef\xbb\xbf" if encoding.codec == "utf-8" else encoding.bom
        prologue = self._records.prologue
        if not self._layout.is_headless and not self._layout.has_reason:
            prologue = self._with_last(prologue, REASON_COLUMN)
        return bom + encoding.encode(prologue)

    def lines(self, rejected: Sequence[Rejected]) -> bytes:
        written = (self._line(record, error) for record, error in rejected)
        return self._records.encoding.encode("".join(written))

    def _line(self, record: Record, error: LineRejected) -> str:
        # Always quoted: so it ends a quote that the line opens and does not close.
        reason = self._layout.reason(record.line, error).replace('"', '""')
        if self._records.has_escapes:
            reason = reason.replace("\\", "\\\\")
        return self._with_last(self._without_reason(record), f'"{reason}"')

    def _with_last(self, raw: str, field: str) -> str:
        end = line_end(raw)
        return f"{raw.removesuffix(end)}{self._records.delimiter}{field}{end or self._end}"

    def _without_reason(self, record: Record) -> str:
        """Returns the line without the reason with which it was rejected before."""
        layout, raw, end = self._layout, record.raw, line_end(record.raw)
        if not (layout.has_reason or layout.is_headless):
            return raw
        if record.problem is None:
            kept = len(layout.without_reason(record.fields))
            if kept == len(record.fields):
                return raw
            records = self._records
            return first_fields(raw, records.delimiter, kept, has_escapes=records.has_escapes) + end
        # A malformed line has no fields: its reason is looked for as it is written here.
        found = re.search(rf'{re.escape(self._records.delimiter)}"((?:[^"]|"")*)"\Z', raw.removesuffix(end))
        is_ours = found is not None and is_reason(found[1].replace('""', '"'), is_named=layout.is_headless)
        return raw[: found.start()] + end if found is not None and is_ours else raw


class _SheetLines:
    """Rows of a sheet, which become an Excel file when they are fetched: see `sheet_file`."""

    def __init__(self, records: SheetRecords, layout: Layout) -> None:
        self._records = records
        self._layout = layout

    def begin(self) -> bytes:
        *before, header = self._records.prologue or [[]]
        if self._layout.is_headless:
            return b""
        names = list(header)
        while names and names[-1] == "":
            names.pop()
        if not self._layout.has_reason:
            names.append(REASON_COLUMN)
        return "".join(map(row_xml, [*before, names])).encode()

    def lines(self, rejected: Sequence[Rejected]) -> bytes:
        return "".join(self._row(record, error) for record, error in rejected).encode()

    def _row(self, record: Record, error: LineRejected) -> str:
        layout = self._layout
        fields = list(layout.without_reason(record.fields))
        place = layout.reason_position if layout.has_reason else layout.full_width
        fields += [""] * (place - len(fields))
        return row_xml([*fields, layout.reason(record.line, error)])


def sheet_position(name: str, wanted: str | None) -> int:
    """Returns the number under which an import with the same options looks for the sheet of rejected rows."""
    if wanted is None or wanted.strip().casefold() == name.strip().casefold():
        return 1
    return int(wanted)


async def sheet_file(rows: AsyncIterator[bytes], *, name: str, position: int) -> AsyncIterator[bytes]:
    """Yields an Excel file of the rows that were stored, piece by piece."""
    outgoing = Outgoing()
    sheet = await asyncio.to_thread(SheetFile, outgoing, name=name, position=position)
    async for piece in rows:
        await asyncio.to_thread(sheet.write, piece)
        yield outgoing.take()
    await asyncio.to_thread(sheet.close)
    yield outgoing.take()
