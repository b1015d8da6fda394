"""Exports rows to a file: reads them through GraphQL as the caller's role, page by page.

The file is temporary first; it is stored when it is complete, together with the end of the job. A process that takes
over an export begins again. Rows are read in pages, each at its own time: a row that changes meanwhile appears as it
was before or after, and one that moves in the requested order may appear twice or not at all.
"""

import asyncio
import csv
import io
import json
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from typing import IO, Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Scope
from platform_api.accounts.on_behalf import act_for
from platform_api.core.database import Database
from platform_api.core.errors import Unavailable
from platform_api.csv.errors import JobFailed
from platform_api.csv.exports.order import Order
from platform_api.csv.jobs import EXPORTS, announce_change
from platform_api.csv.models import CsvExport, JobStatus
from platform_api.csv.own.telling import tell_ended
from platform_api.csv.records.text import DELIMITERS
from platform_api.csv.schemas import CONTENT_TYPES, ExportWrite, FileFormat
from platform_api.csv.storage import PIECE_BYTES, append, create_file
from platform_api.csv.values.export_cells import Exported, csv_cell, excel_cell, exported_columns, row_cells
from platform_api.csv.xlsx.writing import SheetFile, row_xml
from platform_api.graphql.access import graphql_session
from platform_api.graphql.backends.backend import GraphQLBackend
from platform_api.tables.definition import TableDefinition
from platform_api.tables.models import AppTable
from platform_api.tables.permissions.repository import own_rights
from platform_api.work.queue import Claimed

PAGE = 1000
_MAX_SHEET_ROWS = 1_048_575
_MAX_INT_DIGITS = 4000
_SCOPES = frozenset({Scope.DATA})


class Sink(Protocol):
    """Describes a file that rows are written to. All methods block."""

    def begin(self, columns: Sequence[str]) -> None:
        """Writes the header."""

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Adds rows."""

    def close(self) -> None:
        """Completes the file."""


class Export:
    """Works on one claimed export."""

    def __init__(
        self, database: Database, backend: GraphQLBackend, claimed: Claimed[CsvExport], *, max_bytes: int
    ) -> None:
        self._database = database
        self._backend = backend
        self._job = job = claimed.job
        self._claimed = claimed
        self._max_bytes = max_bytes
        self._request = ExportWrite.model_validate(job.options)
        self._order = Order.of(self._request.order_by)

    async def run(self) -> None:
        """Exports to the end. Raises JobFailed, LeaseLost."""
        columns, definition = await self._columns()
        with tempfile.TemporaryFile() as file:
            exportable = exported_columns(definition)
            sink = _sink(self._request, file, [exportable[column] for column in columns])
            await asyncio.to_thread(sink.begin, columns)
            total = await self._count(definition)
            count, after = 0, None
            while page := await self._page(definition, columns, after=after):
                after = self._order.after(self._order.place(page[-1]))
                count += len(page)
                if count > _MAX_SHEET_ROWS and self._request.format is FileFormat.XLSX:
                    raise JobFailed(f"an Excel sheet holds {_MAX_SHEET_ROWS} rows; export as CSV")
                rows = [[row[column] for column in columns] for row in page]
                await asyncio.to_thread(sink.write, rows)
                if file.tell() > self._max_bytes:
                    raise JobFailed(f"the file would be larger than {self._max_bytes} bytes; narrow it with `where`")
                async with self._database.transaction() as session:
                    progress = min(99, 100 * count // max(total, count, 1))
                    await EXPORTS.renew(session, self._claimed, progress=progress, processed=count)
                    await announce_change(session, self._job)
                if len(page) < PAGE:
                    break
            await asyncio.to_thread(sink.close)
            await self._store(file, count)

    async def _columns(self) -> tuple[list[str], TableDefinition]:
        async with self._database.transaction() as session:
            table = await session.get(AppTable, self._job.table_id)
            if table is None:
                raise JobFailed("the table was deleted")
            rights = await own_rights(session, await self._actor(session), table)
        names = table.definition.column_names
        columns = self._request.columns or rights.readable()
        if unknown := [column for column in columns if column not in names]:
            raise JobFailed(f"columns: the table has no column {unknown[0]!r}")
        rights.require_readable(columns)
        return columns, table.definition

    async def _actor(self, session: AsyncSession) -> Actor:
        """Returns the user who started the export. Raises if they may not read any more."""
        job = self._job
        return await act_for(
            session, user_id=job.user_id, organization_id=job.organization_id, app_id=job.app_id, scopes=_SCOPES
        )

    async def _count(self, definition: TableDefinition) -> int:
        table = definition.physical.table
        document = (
            f"query ($where: {table}_bool_exp!) {{ {table}_aggregate(where: $where) {{ aggregate {{ count }} }} }}"
        )
        data = await self._ask(document, {"where": self._request.where})
        return int(data[f"{table}_aggregate"]["aggregate"]["count"])

    async def _page(
        self, definition: TableDefinition, columns: Sequence[str], *, after: dict[str, Any] | None
    ) -> list[dict[str, Any]]:
        table = definition.physical.table
        # Names were checked when the table was created: letters, digits, underscores.
        document = (
            f"query ($where: {table}_bool_exp!) {{"
            f" {table}(where: $where, order_by: {self._order.argument}, limit: {PAGE})"
            f" {{ {self._order.selection} {' '.join(columns)} }} }}"
        )
        where = self._request.where if after is None else {"_and": [self._request.where, after]}
        page: list[dict[str, Any]] = (await self._ask(document, {"where": where}))[table]
        return page

    async def _ask(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        async with self._database.transaction() as session:
            # For each page: who lost the right to read gets no more.
            caller = await graphql_session(session, await self._actor(session), self._job.app_id)
        # Exact numbers go as text: JSON's would be rounded.
        body = json.dumps({"query": document, "variables": variables}, default=str).encode()
        # Numbers keep their digits.
        answer: dict[str, Any] = json.loads(
            (await self._backend.execute(body, caller)).body, parse_float=Decimal, parse_int=_whole_number
        )
        if errors := answer.get("errors"):
            code = errors[0].get("extensions", {}).get("code", "unexpected")
            message = str(errors[0].get("message", ""))[:300]
            if code in ("unexpected", "postgres-error", "concurrent-update") and not message.startswith("Timed out"):
                raise Unavailable(f"the rows cannot be read at the moment: {message}")
            raise JobFailed(f"the rows cannot be read: {message}")
        data: dict[str, Any] = answer["data"]
        return data

    async def _store(self, file: IO[bytes], count: int) -> None:
        if file.seek(0, io.SEEK_END) > self._max_bytes:
            raise JobFailed(f"the file would be larger than {self._max_bytes} bytes; narrow it with `where`")
        file.seek(0)
        extension = str(self._request.format)
        async with self._database.transaction() as session:
            stored = await create_file(
                session,
                self._job.organization_id,
                name=f"{self._job.table_name}-{self._job.id}.{extension}",
                content_type=CONTENT_TYPES[self._request.format],
            )
            while content := file.read(PIECE_BYTES):
                await append(session, stored.id, content)
            await EXPORTS.complete(
                session,
                self._claimed,
                JobStatus.COMPLETED,
                progress=100,
                processed=count,
                file_id=stored.id,
            )
            await announce_change(session, self._job)
            await tell_ended(session, self._job)


class _CsvSink:
    """Writes CSV in UTF-8, with the BOM by which spreadsheets recognize it."""

    def __init__(self, file: IO[bytes], body: ExportWrite, columns: Sequence[Exported]) -> None:
        self._file = file
        self._columns = columns
        self._guards = body.guard_formulas
        self._text = io.StringIO()
        self._writer, self._quoting = (
            csv.writer(self._text, delimiter=body.delimiter, lineterminator="\r\n", quoting=quoting)
            for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL)
        )
        file.write(b"\xef\xbb\xbf")

    def begin(self, columns: Sequence[str]) -> None:
        self._writer.writerow(columns)

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        for row in rows:
            cells = row_cells(row, self._columns, csv_cell, guards=self._guards)
            # A single cell shows no delimiter: without quotes, a character in it may be read as one.
            is_ambiguous = len(cells) == 1 and not set(DELIMITERS).isdisjoint(str(cells[0]))
            (self._quoting if is_ambiguous else self._writer).writerow(cells)
        self._file.write(self._text.getvalue().encode())
        self._text.seek(0)
        self._text.truncate()

    def close(self) -> None:
        self.write([])


class _SheetSink:
    """Writes an Excel file with one sheet."""

    def __init__(self, file: IO[bytes], body: ExportWrite, columns: Sequence[Exported]) -> None:
        self._sheet = SheetFile(file, name="rows")
        self._columns = columns
        self._guards = body.guard_formulas

    def begin(self, columns: Sequence[str]) -> None:
        self._sheet.write(row_xml(columns).encode())

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        for row in rows:
            cells = row_cells(row, self._columns, excel_cell, guards=self._guards)
            self._sheet.write(row_xml(cells).encode())

    def close(self) -> None:
        self._sheet.close()


def _whole_number(text: str) -> int | Decimal:
    """Returns the number that JSON text holds. Python refuses to read a very long one as an `int`."""
    return int(text) if len(text) <= _MAX_INT_DIGITS else Decimal(text)


def _sink(body: ExportWrite, file: IO[bytes], columns: Sequence[Exported]) -> Sink:
    return (_SheetSink if body.format is FileFormat.XLSX else _CsvSink)(file, body, columns)
