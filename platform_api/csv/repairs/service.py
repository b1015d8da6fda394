"""Lists rejected rows, and imports those that a person has repaired.

Repairs of one import take turns, and a row is marked in the transaction that writes it: however often a repair is
sent, and by whomever, its row is written once.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.core.errors import Conflict, NotFound
from platform_api.core.paging import Orders, Part, Window, read_items
from platform_api.csv.columns import Layout, Target, find_key, importable_columns, require_rights
from platform_api.csv.errors import JobFailed, LineRejected
from platform_api.csv.jobs import announce_change
from platform_api.csv.models import CsvImport, RejectedRow
from platform_api.csv.records.records import Record
from platform_api.csv.repairs.cells import cell_of_json, storable
from platform_api.csv.repairs.collecting import reasons_of
from platform_api.csv.repairs.outcomes import Repaired, RepairOutcome
from platform_api.csv.repairs.schemas import RowRepair
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.service import get_job
from platform_api.csv.values.converting import Reading, converter
from platform_api.csv.writing import Row, RowWriter, Tally
from platform_api.graphql.access import graphql_session
from platform_api.graphql.backends.backend import GraphQLBackend
from platform_api.tables.definition import TableDefinition
from platform_api.tables.models import AppTable
from platform_api.tables.permissions.repository import own_rights

_ORDERS = Orders("csv_rejected_rows", RejectedRow.line, line=RejectedRow.line)


class ImportRunning(Conflict):
    """Reports that an import has not ended, so that its list still grows."""

    code = "import_running"


class TableChanged(Conflict):
    """Reports that the table is no longer as the import needs it."""

    code = "table_changed"


async def list_rejected(session: AsyncSession, actor: Actor, import_id: int, *, window: Window) -> Part[RejectedRow]:
    """Returns a part of the rows that are still to be repaired, in the order of the file. Raises NotFound."""
    job = await get_job(session, actor, CsvImport, import_id)
    statement = select(RejectedRow).where(
        visible_to(actor, RejectedRow.organization_id),
        RejectedRow.import_id == job.id,
        RejectedRow.repaired_at.is_(None),
    )
    return await read_items(session, statement, _ORDERS.of("line", within=job.id), window)


async def repair_rows(
    session: AsyncSession, actor: Actor, import_id: int, repairs: Sequence[RowRepair], *, backend: GraphQLBackend
) -> tuple[list[Repaired], CsvImport]:
    """Imports repaired rows with the rights of the caller; those that are still rejected keep the new values.

    Raises NotFound, ImportRunning, TableChanged, and what forbids the caller to write rows.
    """
    job = await get_job(session, actor, CsvImport, import_id)
    await session.refresh(job, with_for_update=True)
    if not job.status.has_ended:
        raise ImportRunning("the import has not ended; wait for it, or cancel it, before you repair rows")
    caller = await graphql_session(session, actor, job.app_id)
    table = await session.get(AppTable, job.table_id)
    if table is None:
        raise NotFound("the table was deleted")
    # The last of several repairs of one line counts.
    by_line = {repair.line: repair for repair in repairs}
    rows = await _locked(session, actor, job, list(by_line))
    outcomes = {line: _before(rows.get(line), repair) for line, repair in by_line.items()}
    open_rows = [rows[line] for line, outcome in outcomes.items() if outcome is None]
    for row in open_rows:
        row.cells = merged(row.cells, by_line[row.line].values)
    attempt = _Attempt(table.definition, job, open_rows)
    require_rights(await own_rights(session, actor, table), attempt.layout, attempt.key)
    try:
        tally = await attempt.write(session, backend, caller)
    except JobFailed as error:
        raise TableChanged(str(error)) from error
    await _record(session, job, attempt, tally)
    await announce_change(session, job)
    return [_outcome(rows.get(line), line, outcome) for line, outcome in outcomes.items()], job


def merged(cells: Sequence[Any], values: Mapping[str, str]) -> list[list[Any]]:
    """Returns stored cells with some values replaced; the others keep their type."""
    names = [name for name, _ in cells]
    changed = [[name, storable(values[name]) if name in values else cell] for name, cell in cells]
    return changed + [[name, storable(value)] for name, value in values.items() if name not in names]


class _Attempt:
    """Converts rows of the list and writes those that fit."""

    def __init__(self, definition: TableDefinition, job: CsvImport, rows: Sequence[RejectedRow]) -> None:
        self.rows = {row.line: row for row in rows}
        self._definition = definition
        self._options = ImportOptions.model_validate(job.options)
        self._namespace = uuid.UUID(job.task_id)
        self.layout = _layout(definition, self._options, rows)
        self.key = find_key(definition, self._options.on_conflict)
        self.refused: dict[int, list[LineRejected]] = {}

    async def write(self, session: AsyncSession, backend: GraphQLBackend, caller: Any) -> Tally:
        """Writes the rows that can be converted; `refused` has the faults of the others. Raises JobFailed."""
        key = self.key
        fitting: list[Row] = []
        for line, row in self.rows.items():
            cells = dict(row.cells)
            fields = tuple(cell_of_json(cells.get(target.column.name, "")) for target in self.layout.targets)
            record = Record(line, fields)
            if faults := self.layout.faults(fields):
                self.refused[line] = faults
                continue
            try:
                converted = self.layout.row(record, namespace=self._namespace)
                if key is not None:
                    self.layout.require_key(converted, key)
                fitting.append((record, converted))
            except LineRejected as error:
                self.refused[line] = [error]
        if not fitting:
            return Tally()
        writer = RowWriter(backend, caller, self._definition, self.layout.targets, key)
        tally = await writer.write(session, fitting)
        self.refused |= {record.line: [error] for record, error in tally.rejected}
        return tally


def _layout(definition: TableDefinition, options: ImportOptions, rows: Sequence[RejectedRow]) -> Layout:
    """Returns a layout whose headers are the table's columns. Columns that were deleted since are left out."""
    known = importable_columns(definition)
    names = dict.fromkeys(name for row in rows for name, _ in row.cells if name in known)
    reading = Reading.of(options)
    targets = tuple(
        Target(position, name, known[name], converter(known[name], reading), reading.is_null)
        for position, name in enumerate(names)
    )
    width = len(targets)
    return Layout(targets, width, width, (), reason_position=-1, is_headless=False, is_ragged=False)


def _before(row: RejectedRow | None, repair: RowRepair) -> RepairOutcome | None:
    """Returns the outcome of a row that is not to be written; None for one that is."""
    if row is None:
        return RepairOutcome.UNKNOWN
    if row.repaired_at is not None:
        return RepairOutcome.IMPORTED_BEFORE
    return RepairOutcome.CHANGED if row.revision != repair.revision else None


def _outcome(row: RejectedRow | None, line: int, before: RepairOutcome | None) -> Repaired:
    if row is None or before is RepairOutcome.IMPORTED_BEFORE:
        return Repaired(line, before or RepairOutcome.UNKNOWN)
    if before is not None:
        return Repaired(line, before, row)
    if row.repaired_at is not None:
        return Repaired(line, RepairOutcome.IMPORTED)
    return Repaired(line, RepairOutcome.REJECTED, row)


async def _record(session: AsyncSession, job: CsvImport, attempt: _Attempt, tally: Tally) -> None:
    """Marks what was written, stores the new reasons of the others, and counts."""
    now = (await session.scalars(select(func.now()))).one()
    for line, row in attempt.rows.items():
        row.revision += 1
        if (faults := attempt.refused.get(line)) is not None:
            row.reasons = reasons_of(faults, attempt.layout)
            # The cells are complete now, whatever the form of the line was.
            row.raw = None
            continue
        row.repaired_at, row.reasons = now, []
        job.repaired += 1
        job.rejected -= 1
    job.inserted += tally.inserted
    job.updated += tally.updated
    job.skipped += tally.skipped
    await session.flush()


async def _locked(
    session: AsyncSession, actor: Actor, job: CsvImport, lines: Sequence[int]
) -> dict[int, RejectedRow]:
    statement = (
        select(RejectedRow)
        .where(
            visible_to(actor, RejectedRow.organization_id),
            RejectedRow.import_id == job.id,
            RejectedRow.line.in_(lines),
        )
        .with_for_update()
    )
    return {row.line: row for row in await session.scalars(statement)}
