"""Imports rows from a stored file into a table.

Rows and their place in the file are committed together. A process that takes over a job reads the file again up to
that place, so no line is lost or written twice.

Lines of a file of rejected lines keep their identity: one that was taken already, from that file or on the repair
list, is skipped, so that such a file may be imported again after more repairs.

A separate Hasura commits the rows itself, before their place is committed. After a crash in between, the batch is
written again; a row's id is derived from its line, so it is the same row.
"""

import asyncio
import tempfile
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import IO, Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Scope
from platform_api.accounts.on_behalf import act_for
from platform_api.core.database import Database, rolled_back
from platform_api.core.errors import Unavailable
from platform_api.csv.columns import (
    Key,
    Layout,
    Origin,
    find_key,
    find_layout,
    importable_columns,
    require_rights,
)
from platform_api.csv.errors import JobFailed, LineRejected, TableRefused
from platform_api.csv.jobs import IMPORTS, announce_change
from platform_api.csv.models import CsvFile, CsvImport, JobStatus
from platform_api.csv.own.telling import tell_ended
from platform_api.csv.records.opening import open_records
from platform_api.csv.records.records import MAX_ROWS, Record, Records
from platform_api.csv.rejected import RejectedLines, rejected_lines
from platform_api.csv.repairs.collecting import collect_rejected
from platform_api.csv.schemas import CONTENT_TYPES, FileFormat, ImportOptions
from platform_api.csv.storage import PIECE_BYTES, append, copy_to, create_file
from platform_api.csv.writing import Row, RowWriter, Tally
from platform_api.graphql.access import graphql_session
from platform_api.graphql.backends.backend import GraphQLBackend
from platform_api.tables.definition import TableDefinition
from platform_api.tables.models import AppTable
from platform_api.tables.permissions.repository import own_rights
from platform_api.work.queue import Claimed

BATCH = 500
_MAX_ERRORS_SHOWN = 100
_MAX_BATCH_CHARACTERS = 4 * 1024 * 1024
_SCOPES = frozenset({Scope.DATA})


class Import:
    """Works on one claimed import."""

    def __init__(self, database: Database, backend: GraphQLBackend, claimed: Claimed[CsvImport]) -> None:
        self._database = database
        self._backend = backend
        self._job = job = claimed.job
        self._claimed = claimed
        self._options = ImportOptions.model_validate(job.options)
        self._namespace = uuid.UUID(job.task_id)
        self._rejected_lines: RejectedLines
        self._definition_at_first: TableDefinition

    async def run(self) -> None:
        """Imports to the end. Raises JobFailed, LeaseLost."""
        with tempfile.TemporaryFile() as file:
            await self._fetch(file)
            async with self._database.transaction() as session:
                definition = await self._definition(session)
                # tenancy: the job's own file; the job names it, no caller does
                size = await session.scalar(select(CsvFile.size).where(CsvFile.id == self._job.file_id)) or 0
                rights = await own_rights(session, await self._actor(session), await self._table(session))
            self._definition_at_first = definition
            columns = importable_columns(definition)
            records = await asyncio.to_thread(open_records, file, size, self._options, columns=columns)
            layout = find_layout(records.header, definition, self._options, is_ragged=records.is_ragged)
            key = find_key(definition, self._options.on_conflict)
            if key is not None and (missing := set(key.columns) - {target.column.name for target in layout.targets}):
                raise JobFailed(f"on_conflict: no column of the file gives {sorted(missing)[0]}")
            require_rights(rights, layout, key)
            layout = replace(layout, import_id=self._job.id)
            self._rejected_lines = rejected_lines(records, layout)
            await self._skip(records, self._job.processed)
            while batch := await asyncio.to_thread(_next_batch, records):
                await self._import_batch(records, batch, layout, key)
            async with self._database.transaction() as session:
                await IMPORTS.complete(
                    session,
                    self._claimed,
                    JobStatus.COMPLETED,
                    progress=100,
                    format=records.format,
                    blank=records.blank,
                    total_rows=self._job.processed,
                )
                await announce_change(session, self._job)
                await tell_ended(session, self._job)

    async def _fetch(self, file: IO[bytes]) -> None:
        if self._job.file_id is None or not await copy_to(self._database, self._job.file_id, file):
            raise JobFailed("the file is no longer kept; send it again")

    async def _skip(self, records: Records, count: int) -> None:
        while count > 0:
            skipped = len(await asyncio.to_thread(records.take, min(count, 10_000)))
            if not skipped:
                return
            count -= skipped

    async def _import_batch(self, records: Records, batch: Sequence[Record], layout: Layout, key: Key | None) -> None:
        """Stores one batch: rows, counts and place in one transaction."""
        if self._job.processed + len(batch) > MAX_ROWS:
            raise JobFailed(f"the file has more than {MAX_ROWS} rows; the first {self._job.processed} were imported")
        origins = {record.line: origin for record in batch if (origin := layout.origin(record)) is not None}
        earlier = await self._earlier_imports(origins.values())
        identities = {
            line: (earlier[origin.import_id], origin.line)
            for line, origin in origins.items()
            if origin.import_id in earlier
        }
        rows, refused = await asyncio.to_thread(
            _rows, batch, layout, key, namespace=self._namespace, identities=identities
        )
        fraction = await asyncio.to_thread(records.fraction)
        if records.total:
            fraction = (self._job.processed + len(batch)) / records.total
        async with self._database.transaction() as session:
            # This comes first: it locks the job's row, so that no other process writes the same batch.
            await IMPORTS.renew(session, self._claimed)
            definition = await self._definition(session)
            try:
                tally = await self._write(session, definition, rows, layout, key, repeated=identities.keys())
            except TableRefused as error:
                # A new table is imported into at once: the engine may hear of it a moment later than this process.
                if definition == self._definition_at_first:
                    raise Unavailable(error.args[0]) from error
                raise
            tally.rejected.extend(refused)
            tally.rejected.sort(key=lambda item: item[0].line)
            values = self._counts(len(batch), tally)
            if tally.rejected:
                values["rejected_file_id"] = await self._keep_rejected(session, records, tally)
                if not self._options.dry_run:
                    kept = await collect_rejected(session, self._job, records, layout, tally.rejected)
                    values["repairable"] = self._job.repairable + kept
            await IMPORTS.renew(
                session,
                self._claimed,
                progress=min(99, int(fraction * 100)),
                format=records.format,
                blank=records.blank,
                total_rows=records.total,
                **values,
            )
            await announce_change(session, self._job)
        for name, value in values.items():
            setattr(self._job, name, value)

    async def _write(
        self,
        session: AsyncSession,
        definition: TableDefinition,
        rows: Sequence[Row],
        layout: Layout,
        key: Key | None,
        *,
        repeated: Collection[int],
    ) -> Tally:
        caller = await self._caller(session)
        if self._options.dry_run and not self._backend.is_transactional:
            # A trial cannot be rolled back here, so only the cells are checked.
            return Tally(inserted=len(rows))
        writer = RowWriter(self._backend, caller, definition, layout.targets, key)
        new = await _not_taken(writer, session, rows, repeated) if key is None else rows
        if self._options.dry_run:
            async with rolled_back(session):
                tally = await writer.write(session, new)
        else:
            tally = await writer.write(session, new)
        tally.skipped += len(rows) - len(new)
        return tally

    async def _earlier_imports(self, origins: Collection[Origin]) -> dict[int, uuid.UUID]:
        """Returns the namespaces of the organization's earlier imports into the table from which lines come."""
        if not origins:
            return {}
        job = self._job
        statement = select(CsvImport.id, CsvImport.task_id).where(
            CsvImport.id.in_({origin.import_id for origin in origins}),
            # tenancy: the numbers are in the file, which anybody may have written; only the job's own count
            CsvImport.organization_id == job.organization_id,
            CsvImport.table_id == job.table_id,
        )
        async with self._database.transaction() as session:
            return {number: uuid.UUID(task_id) for number, task_id in await session.execute(statement)}

    async def _caller(self, session: AsyncSession) -> Any:
        """Returns the GraphQL session of the user who started the import."""
        return await graphql_session(session, await self._actor(session), self._job.app_id)

    async def _actor(self, session: AsyncSession) -> Actor:
        """Returns the user who started the import. Raises if they may not import any more."""
        job = self._job
        return await act_for(
            session, user_id=job.user_id, organization_id=job.organization_id, app_id=job.app_id, scopes=_SCOPES
        )

    async def _table(self, session: AsyncSession) -> AppTable:
        table = await session.get(AppTable, self._job.table_id)
        if table is None:
            raise JobFailed("the table was deleted")
        return table

    async def _definition(self, session: AsyncSession) -> TableDefinition:
        return (await self._table(session)).definition

    def _counts(self, lines: int, tally: Tally) -> dict[str, Any]:
        job = self._job
        errors = [
            {"line": record.line, "column": rejected.column, "reason": rejected.reason}
            for record, rejected in tally.rejected[: max(0, _MAX_ERRORS_SHOWN - len(job.errors))]
        ]
        return {
            "processed": job.processed + lines,
            "inserted": job.inserted + tally.inserted,
            "updated": job.updated + tally.updated,
            "skipped": job.skipped + tally.skipped,
            "rejected": job.rejected + len(tally.rejected),
            "errors": [*job.errors, *errors],
        }

    async def _keep_rejected(self, session: AsyncSession, records: Records, tally: Tally) -> uuid.UUID:
        """Adds lines to the file of rejected lines; returns its id."""
        file_id = self._job.rejected_file_id
        content = b""
        if file_id is None:
            kind = FileFormat(records.format["kind"])
            file = await create_file(
                session,
                self._job.organization_id,
                name=f"{self._job.table_name}-{self._job.id}-rejected.{kind}",
                content_type=CONTENT_TYPES[kind],
            )
            file_id = file.id
            content = self._rejected_lines.begin()
        content += await asyncio.to_thread(self._rejected_lines.lines, tally.rejected)
        for start in range(0, len(content), PIECE_BYTES):
            await append(session, file_id, content[start : start + PIECE_BYTES])
        return file_id


def _next_batch(records: Records) -> list[Record]:
    """Returns the next batch of records, a smaller one where lines are long."""
    batch: list[Record] = []
    characters = 0
    while len(batch) < BATCH and characters < _MAX_BATCH_CHARACTERS:
        part = records.take(min(50, BATCH - len(batch)))
        batch += part
        characters += sum(map(_length, part))
        if not part:
            break
    return batch


def _length(record: Record) -> int:
    """Returns about how many characters a record takes."""
    if record.raw:
        return len(record.raw)
    return sum(1 + len(field) if isinstance(field, str) else 20 for field in record.fields)


async def _not_taken(
    writer: RowWriter, session: AsyncSession, rows: Sequence[Row], repeated: Collection[int]
) -> Sequence[Row]:
    """Returns the rows without those of lines from an earlier file that are in the table already."""
    ids = [str(row["id"]) for record, row in rows if record.line in repeated]
    taken = await writer.existing_ids(session, ids) if ids else set()
    return [(record, row) for record, row in rows if record.line not in repeated or str(row["id"]) not in taken]


def _rows(
    batch: Sequence[Record],
    layout: Layout,
    key: Key | None,
    *,
    namespace: uuid.UUID,
    identities: Mapping[int, tuple[uuid.UUID, int]],
) -> tuple[list[Row], list[tuple[Record, LineRejected]]]:
    rows: list[Row] = []
    rejected: list[tuple[Record, LineRejected]] = []
    for record in batch:
        try:
            earlier, line = identities.get(record.line, (namespace, record.line))
            row = layout.row(record, namespace=earlier, line=line)
            if key is not None:
                layout.require_key(row, key)
            rows.append((record, row))
        except LineRejected as error:
            rejected.append((record, error))
    return rows, rejected
