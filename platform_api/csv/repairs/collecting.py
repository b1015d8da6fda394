"""Puts rejected lines on the repair list of their import, within bounds. The file of rejected lines has all."""

import csv
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import delete, func, insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.csv.columns import Layout
from platform_api.csv.errors import LineRejected
from platform_api.csv.models import CsvImport, RejectedRow
from platform_api.csv.records.records import Record, Records
from platform_api.csv.repairs.cells import cell_to_json, storable
from platform_api.csv.values.cells import Cell

MAX_ROWS = 10_000
"""Rows on one list: more are repaired in the file."""
MAX_ROW_BYTES = 16 * 1024

Rejected = tuple[Record, LineRejected]


async def collect_rejected(
    session: AsyncSession, job: CsvImport, records: Records, layout: Layout, rejected: Sequence[Rejected]
) -> int:
    """Adds rejected lines to the list of `job`; returns how many were short enough and had room."""
    room = MAX_ROWS - job.repairable
    delimiter = str(records.format.get("delimiter", ","))
    rows: list[dict[str, Any]] = []
    for record, error in rejected:
        if len(rows) >= room:
            break
        row = describe(record, error, layout, delimiter=delimiter)
        if len(orjson.dumps(row)) <= MAX_ROW_BYTES:
            rows.append({"import_id": job.id, "organization_id": job.organization_id, **row})
    if rows:
        await session.execute(insert(RejectedRow), rows)
    return len(rows)


async def delete_old_rows(session: AsyncSession, *, older_than: timedelta) -> None:
    """Deletes the rows of lists of that age, as the files are deleted from which they come."""
    await session.execute(
        delete(RejectedRow)
        .where(RejectedRow.created_at < func.now() - older_than)
        .execution_options(synchronize_session=False)
    )


def describe(record: Record, error: LineRejected, layout: Layout, *, delimiter: str) -> dict[str, Any]:
    """Returns the stored form of a rejected line: its cells by the table's columns, and every reason against it."""
    fields = _fields(record, layout, delimiter=delimiter)
    cells = [
        [target.column.name, cell_to_json(fields[target.position] if target.position < len(fields) else "")]
        for target in layout.targets
    ]
    reasons = reasons_of([error, *layout.faults(fields)], layout)
    has_form_fault = error.column is None and bool(record.raw)
    return {
        "line": record.line,
        "cells": cells,
        "reasons": reasons,
        "raw": storable(record.raw.rstrip("\r\n")) if has_form_fault else None,
    }


def reasons_of(errors: Sequence[LineRejected], layout: Layout) -> list[dict[str, Any]]:
    """Returns the reasons by the table's columns, the first of each column."""
    names = {target.header: target.column.name for target in layout.targets}
    reasons: dict[str | None, str] = {}
    for error in errors:
        column = None if error.column is None else names.get(error.column, error.column)
        reasons.setdefault(column, storable(error.reason))
    return [{"column": column, "reason": reason} for column, reason in reasons.items()]


def _fields(record: Record, layout: Layout, *, delimiter: str) -> Sequence[Cell]:
    if record.problem is None:
        return layout.without_reason(record.fields)
    try:
        # As well as it goes: a person sees the line as it is beside it.
        return next(csv.reader([record.raw.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error:
        return []
