"""Writes the file of rejected lines: the original header and lines, each line with its reason at the end.

A person corrects the lines and imports the file again with the same options; reasons are recognized and ignored.
Lines of a CSV file keep every character, cells of an Excel file keep their types.
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
    """Formats rejected lines as pieces of a file."""

    def begin(self) -> bytes:
        """Returns the part before the first line."""
        ...

    def lines(self, rejected: Sequence[Rejected]) -> bytes:
        """Returns the lines with their reasons."""
        ...


def rejected_lines(records: Records, layout: Layout) -> RejectedLines:
    """Returns a formatter for the rejected lines of this file."""
    if isinstance(records, SheetRecords):
        return _SheetLines(records, layout)
    assert isinstance(records, TextRecords)
    return _TextLines(records, layout)


class _TextLines:
    """Keeps delimiter, encoding and line ends; writes UTF-8 with a BOM, by which spreadsheets recognize it."""

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
        # Always quoted, so that it closes a quote that the line leaves open.
        reason = self._layout.reason(record, error).replace('"', '""')
        if self._records.has_escapes:
            reason = reason.replace("\\", "\\\\")
        return self._with_last(self._without_reason(record), f'"{reason}"')

    def _with_last(self, raw: str, field: str) -> str:
        end = line_end(raw)
        return f"{raw.removesuffix(end)}{self._records.delimiter}{field}{end or self._end}"

    def _without_reason(self, record: Record) -> str:
        """Returns the line without the reason of an earlier rejection."""
        layout, raw, end = self._layout, record.raw, line_end(record.raw)
        if not (layout.has_reason or layout.is_headless):
            return raw
        if record.problem is None:
            kept = len(layout.without_reason(record.fields))
            if kept == len(record.fields):
                return raw
            records = self._records
            return first_fields(raw, records.delimiter, kept, has_escapes=records.has_escapes) + end
        # A malformed line has no fields: search its text for the reason in the form written here.
        match = re.search(rf'{re.escape(self._records.delimiter)}"((?:[^"]|"")*)"\Z', raw.removesuffix(end))
        is_ours = match is not None and is_reason(match[1].replace('""', '"'), is_named=layout.is_headless)
        return raw[: match.start()] + end if match is not None and is_ours else raw


class _SheetLines:
    """Formats rows of a sheet; `sheet_file` makes an Excel file of them when they are downloaded."""

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
        return row_xml([*fields, layout.reason(record, error)])


def sheet_position(name: str, requested: str | None) -> int:
    """Returns the number of the sheet in which an import with the same options finds the rejected rows."""
    if requested is None or requested.strip().casefold() == name.strip().casefold():
        return 1
    return int(requested)


async def sheet_file(rows: AsyncIterator[bytes], *, name: str, position: int) -> AsyncIterator[bytes]:
    """Yields an Excel file of the stored rows, piece by piece."""
    outgoing = Outgoing()
    sheet = await asyncio.to_thread(SheetFile, outgoing, name=name, position=position)
    async for piece in rows:
        await asyncio.to_thread(sheet.write, piece)
        yield outgoing.take()
    await asyncio.to_thread(sheet.close)
    yield outgoing.take()
