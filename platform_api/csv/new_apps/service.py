"""Creates an app from a file, in one transaction: nothing is left of a file that cannot be read or stored."""

from collections.abc import Mapping
from functools import partial
from typing import IO
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.apps import service as apps
from platform_api.apps.access import get_own_app
from platform_api.apps.models import DescribedApp
from platform_api.apps.schemas import ApplicationWrite
from platform_api.core.database import release_connection
from platform_api.core.errors import FieldError, Unprocessable
from platform_api.core.types import AppId
from platform_api.csv import service
from platform_api.csv.columns import find_layout
from platform_api.csv.errors import JobFailed
from platform_api.csv.models import CsvImport
from platform_api.csv.preview.planning import plan_mapping, planned_definition
from platform_api.csv.preview.previews import Previews
from platform_api.csv.preview.schemas import TablePlan
from platform_api.csv.records.opening import open_records
from platform_api.csv.schemas import ImportOptions
from platform_api.csv.service import Upload
from platform_api.tables.follow_up import MetadataFollowUp
from platform_api.tables.models import AppTable
from platform_api.tables.schemas import ColumnWrite, TableCreate, UniqueWrite
from platform_api.tables.service import create_table

_MAX_DESCRIPTION = 2000


class FileUnreadable(Unprocessable):
    """Reports that a file cannot be read, with the place of the fault if it is in one place."""

    code = "file_unreadable"

    def __init__(self, error: JobFailed) -> None:
        place = "" if error.line is None else f"line {error.line}"
        if error.column is not None:
            place += f", column {error.column}"
        message = f"{place}: {error}" if place else str(error)
        extra = {"line": error.line, "column": error.column}
        super().__init__(str(error), fields=[FieldError("file", message)], extra=extra)


async def create_from_file(
    session: AsyncSession,
    actor: Actor,
    app: ApplicationWrite,
    plan: TablePlan,
    *,
    options: ImportOptions,
    upload: Upload,
    max_bytes: int,
    key: UUID | None,
    previews: Previews,
    follow_up: MetadataFollowUp,
) -> tuple[DescribedApp, CsvImport]:
    """Creates the app, its table and the import; with a `key` that was sent before, returns what it created.

    Raises FileUnreadable, Unprocessable, Conflict, TooLarge, TooManyRequests.
    """
    service.check_reading(options)
    planned_definition(plan)
    size = service.size_of(upload, max_bytes=max_bytes)
    # To read the file takes a while and needs no database connection.
    await release_connection(session)
    work = partial(_mapping, upload.file, size, options, plan)
    mapping = await previews.make(actor.organization_id, work, kind="check of a new file")
    options = options.model_copy(update={"mapping": mapping})
    if (job := await service.find_by_key(session, actor, key)) is not None:
        return await apps.describe_app(session, actor, await get_own_app(session, actor, job.app_id)), job
    await service.require_job_quota(session, actor, CsvImport)
    # First, as it takes the longest: the tables of the engine are locked after it.
    file = await service.store_file(session, actor, upload, max_bytes=max_bytes)
    described = await apps.create_app(session, actor, app)
    table = await _create_table(session, AppId(described.app.id), plan, mapping, follow_up=follow_up)
    job = await service.queue_import(session, actor, described.app, table, options=options, file=file, key=key)
    return described, job


def _mapping(file: IO[bytes], size: int, options: ImportOptions, plan: TablePlan) -> Mapping[str, str | None]:
    """Returns the mapping of the file's columns; leaves the file at its beginning."""
    definition = planned_definition(plan)
    try:
        records = open_records(file, size, options, columns=())
        headers = list(records.header) or [f"#{number}" for number in range(1, len(plan.columns) + 1)]
        mapping = plan_mapping(headers, plan)
        mapped = options.model_copy(update={"mapping": mapping})
        find_layout(records.header, definition, mapped, is_ragged=records.is_ragged)
    except JobFailed as error:
        raise FileUnreadable(error) from error
    file.seek(0)
    return mapping


async def _create_table(
    session: AsyncSession,
    app_id: AppId,
    plan: TablePlan,
    mapping: Mapping[str, str | None],
    *,
    follow_up: MetadataFollowUp,
) -> AppTable:
    """Creates the planned table; its description keeps the headings that could not be names."""
    columns = [ColumnWrite(name=column.name, type=column.type) for column in plan.columns if column.name is not None]
    headings = "; ".join(
        f"{name}: {heading}" for heading, name in mapping.items() if name is not None and name != heading
    )
    data = TableCreate(
        name=plan.table,
        description=headings.replace("\x00", "\ufffd")[:_MAX_DESCRIPTION],
        columns=columns,
        unique=[UniqueWrite(columns=plan.key)] if plan.key else [],
    )
    return await create_table(session, app_id, data, follow_up=follow_up)
