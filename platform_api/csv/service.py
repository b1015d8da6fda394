"""Creates, finds and cancels imports and exports for tenants."""

import codecs
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, BinaryIO, Protocol, TypeVar
from uuid import UUID, uuid4, uuid5

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor, ActorKind
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.access import get_usable_app
from platform_api.apps.models import App
from platform_api.core.database import release_connection
from platform_api.core.errors import BadRequest, NotFound, TooLarge, TooManyRequests, Unprocessable
from platform_api.core.paging import contains
from platform_api.core.types import AppId
from platform_api.csv.columns import find_key
from platform_api.csv.errors import JobFailed
from platform_api.csv.exports.order import check_order
from platform_api.csv.jobs import announce, announce_change, request_cancel
from platform_api.csv.models import CsvExport, CsvFile, CsvImport, Job, JobStatus
from platform_api.csv.preview.planning import planned_definition
from platform_api.csv.preview.preview import preview_file
from platform_api.csv.preview.previews import Previews
from platform_api.csv.preview.schemas import CsvPreview, TablePlan
from platform_api.csv.records.text import DELIMITERS
from platform_api.csv.schemas import ExportWrite, ImportOptions
from platform_api.csv.storage import PIECE_BYTES, append, create_file
from platform_api.csv.values.converting import Reading
from platform_api.csv.values.datetimes import check_format, find_zone
from platform_api.tables.models import AppTable
from platform_api.tables.permissions.repository import is_limited_on, own_rights
from platform_api.tables.repository import get_table

_KEYS = UUID("3f0f7f5e-7f0e-4c53-9d5c-0f6f2f9f5a31")
"""Namespace of ids that are derived from clients' keys."""
UPLOAD_TYPE = "application/octet-stream"
"""Is the type of uploaded files, whatever is in them; files that the platform writes have their own."""
MAX_OPEN_JOBS = 20
"""Applies to each organization, separately for imports and exports."""
MAX_LISTED_JOBS = 200

J = TypeVar("J", bound=Job)


class Upload(Protocol):
    """Describes an uploaded file, as a web framework provides it."""

    @property
    def filename(self) -> str | None:
        """Returns the name that the file was sent with."""

    @property
    def size(self) -> int | None:
        """Returns how many bytes it has."""

    @property
    def file(self) -> BinaryIO:
        """Returns its content."""

    async def read(self, size: int = -1, /) -> bytes:
        """Returns the next bytes; none at the end."""


async def create_import(
    session: AsyncSession,
    actor: Actor,
    *,
    app: int | str | None,
    table: str,
    options: ImportOptions,
    upload: Upload,
    max_bytes: int,
    key: UUID | None = None,
) -> CsvImport:
    """Stores a file and queues its import for the organization the caller acts in.

    `key` is chosen by the client: sent again, it returns the import that it began.
    """
    owner, app_table = await _table(session, actor, app, table)
    check_options(app_table, options)
    (await own_rights(session, actor, app_table)).require_import((), ())
    if (job := await find_by_key(session, actor, key)) is not None:
        return job
    await require_job_quota(session, actor, CsvImport)
    file = await store_file(session, actor, upload, max_bytes=max_bytes)
    return await queue_import(session, actor, owner, app_table, options=options, file=file, key=key)


async def find_by_key(session: AsyncSession, actor: Actor, key: UUID | None) -> CsvImport | None:
    """Returns the import that the caller began with `key`; nobody begins one until `session` ends."""
    await _lock_jobs(session, actor, CsvImport)
    if key is None:
        return None
    job: CsvImport | None = await session.scalar(
        select(CsvImport).where(_visible(actor, CsvImport), CsvImport.task_id == _task_id(actor, key))
    )
    return job


async def store_file(session: AsyncSession, actor: Actor, upload: Upload, *, max_bytes: int) -> CsvFile:
    """Stores an uploaded file, or returns the one that is kept. Raises TooLarge, and BadRequest for an empty one."""
    if isinstance(stored := getattr(upload, "stored", None), CsvFile):
        return stored
    name = (upload.filename or "file").replace("\x00", "")[:200]
    file = await create_file(session, actor.organization_id, name=name, content_type=UPLOAD_TYPE)
    size = 0
    while content := await upload.read(PIECE_BYTES):
        size += len(content)
        if size > max_bytes:
            raise TooLarge(f"the file is larger than {max_bytes} bytes; split it")
        await append(session, file.id, content)
    if not size:
        raise BadRequest("file: is empty; send a file with at least a header", field="file")
    return file


async def queue_import(
    session: AsyncSession,
    actor: Actor,
    owner: App,
    app_table: AppTable,
    *,
    options: ImportOptions,
    file: CsvFile,
    key: UUID | None,
) -> CsvImport:
    """Queues the import of a stored file into a table that the caller may write to."""
    job = CsvImport(
        **_job(actor, owner, app_table, task_id=_task_id(actor, key)),
        options=options.model_dump(mode="json", exclude_unset=True),
        file_id=file.id,
        file_name=file.name,
    )
    return await _queue(session, job)


# grammar: a preview is shown and kept by nobody, so it is built as it is sent
async def preview(
    session: AsyncSession,
    actor: Actor,
    *,
    app: int | str | None,
    table: str | None,
    options: ImportOptions,
    upload: Upload,
    max_bytes: int,
    previews: Previews,
    plan: TablePlan | None = None,
) -> CsvPreview:
    """Previews the import of a file, without storing anything. Raises Unprocessable, TooLarge, BadRequest.

    Without `table`, the file is tried on the table of `plan`, or on a suggested one.
    """
    definition = None
    if table:
        _, app_table = await _table(session, actor, app, table)
        definition = app_table.definition
        check_options(app_table, options)
        if plan is not None:
            raise Unprocessable("plan: is for a table that does not exist yet; leave out `table`", field="plan")
    else:
        check_reading(options)
        if plan is not None:
            planned_definition(plan)
    size = size_of(upload, max_bytes=max_bytes)
    # A preview takes a while and needs no database connection.
    await release_connection(session)
    work = partial(preview_file, upload.file, size, options, definition, file_name=upload.filename or "", plan=plan)
    return await previews.make(actor.organization_id, work)


def size_of(upload: Upload, *, max_bytes: int) -> int:
    """Returns the size of an uploaded file. Raises TooLarge, and BadRequest for an empty one."""
    size = upload.size or 0
    if size > max_bytes:
        raise TooLarge(f"the file is larger than {max_bytes} bytes; split it")
    if not size:
        raise BadRequest("file: is empty; send a file with at least a header", field="file")
    return size


async def create_export(session: AsyncSession, actor: Actor, data: ExportWrite) -> CsvExport:
    """Queues an export of the rows of the caller's organization."""
    owner, app_table = await _table(session, actor, data.app, data.table)
    known = app_table.definition.column_names
    for column in data.columns or ():
        if column not in known:
            raise Unprocessable(
                f"columns: the table has no column {column!r}; it has: {', '.join(known)}", field="columns"
            )
    (await own_rights(session, actor, app_table)).require_readable(data.columns or ())
    if data.columns and len(set(data.columns)) < len(data.columns):
        raise Unprocessable("columns: a column is named more than once", field="columns")
    check_order(app_table.definition, data.order_by)
    await require_job_quota(session, actor, CsvExport)
    job = CsvExport(**_job(actor, owner, app_table, task_id=str(uuid4())), options=data.model_dump(mode="json"))
    return await _queue(session, job)


async def list_jobs(
    session: AsyncSession,
    actor: Actor,
    kind: type[J],
    *,
    app: str | None,
    table: str | None,
    search: str | None = None,
    before: int | None = None,
    limit: int = MAX_LISTED_JOBS,
    is_descending: bool = True,
) -> Sequence[J]:
    """Returns at most `limit` of the organization's jobs, newest first if `is_descending`.

    `search` looks in the names of tables, and of imported files. `before` leaves out a job and all newer ones.
    """
    order = kind.id.desc() if is_descending else kind.id.asc()
    statement = select(kind).where(_visible(actor, kind)).order_by(order).limit(limit)
    if before is not None:
        statement = statement.where(kind.id < before)
    if search:
        names = [kind.table_name, CsvImport.file_name] if kind is CsvImport else [kind.table_name]
        statement = statement.where(contains(search, *names))
    if app:
        owner = await get_usable_app(session, actor, app)
        statement = statement.where(kind.app_id == owner.id)
        if table:
            app_table = await get_table(session, AppId(owner.id), table)
            statement = statement.where(kind.table_id == app_table.id)
    elif table:
        statement = statement.where(kind.table_name == table.replace("\x00", ""))
    return (await session.scalars(statement)).all()


async def get_job(session: AsyncSession, actor: Actor, kind: type[J], job_id: int) -> J:
    """Returns a job of the caller's organization. Raises NotFound."""
    job: J | None = await session.scalar(select(kind).where(kind.id == job_id, _visible(actor, kind)))
    if job is None:
        raise NotFound(f"there is no {'import' if kind is CsvImport else 'export'} {job_id}")
    return job


async def cancel_job(session: AsyncSession, actor: Actor, kind: type[J], job_id: int) -> J:
    """Requests that a job stops; one that has ended stays as it is. Raises NotFound."""
    job = await get_job(session, actor, kind, job_id)
    await session.refresh(job, with_for_update=True)
    if not job.status.has_ended and job.cancel_requested_at is None:
        await request_cancel(session, job)
    return job


async def get_file(session: AsyncSession, job: Job, file_id: Any) -> CsvFile:
    """Returns a file of a job that the caller may see. Raises NotFound when it was deleted."""
    file = await session.get(CsvFile, file_id) if file_id is not None else None  # tenancy: the job was checked
    if file is None:
        raise NotFound("the file does not exist; files are deleted some days after the end of a job")
    return file


def _visible(actor: Actor, kind: type[Job]) -> ColumnElement[bool]:
    # What others exported or sent may hold rows that are hidden from a limited role.
    own = kind.user_id == (actor.viewed_user_id or actor.user_id)
    visible = visible_to(actor, kind.organization_id) & (own | ~is_limited_on(actor, kind.table_id))
    return visible if actor.app_id is None else visible & (kind.app_id == actor.app_id)


async def _table(session: AsyncSession, actor: Actor, app: int | str | None, table: str) -> tuple[App, AppTable]:
    reference = actor.app_id if app in (None, "") else app
    if reference is None:
        raise Unprocessable("app: is required, because the token is not bound to an app", field="app")
    owner = await get_usable_app(session, actor, reference)
    return owner, await get_table(session, AppId(owner.id), table)


def check_reading(options: ImportOptions) -> None:
    """Raises Unprocessable when the options for reading the file are invalid or contradictory."""
    if options.delimiter is not None and options.delimiter not in DELIMITERS:
        raise Unprocessable(
            "delimiter: must be one of , ; | and tab; leave it out to have it detected", field="delimiter"
        )
    if options.encoding is not None:
        try:
            is_text = codecs.lookup(options.encoding)._is_text_encoding
        except (LookupError, ValueError):
            is_text = False
        if not is_text:
            raise Unprocessable(
                f"encoding: {options.encoding[:40]!r} is unknown; use a name such as utf-8", field="encoding"
            )
    if options.thousands == options.decimal:
        raise Unprocessable(
            f"thousands: {options.thousands!r} is the decimal sign (`decimal`); send another separator",
            field="thousands",
        )
    if options.date_order is not None and options.date_format is not None:
        raise Unprocessable(
            "date_order: `date_format` already contains the order; send only one of them", field="date_order"
        )
    _check_moments(options)
    reading = Reading.of(options)
    if common := reading.true_words & reading.false_words:
        raise Unprocessable(
            f"true_words: {sorted(common)[0]!r} is also in `false_words`; send common lists", field="true_words"
        )


def _check_moments(options: ImportOptions) -> None:
    checks: list[tuple[str, str | None, Callable[[str], object]]] = [
        ("date_format", options.date_format, lambda text: check_format(text, needs="Yy mbB d")),
        ("time_format", options.time_format, lambda text: check_format(text, needs="Yy mbB d HI M")),
        ("timezone", options.timezone, find_zone),
    ]
    for name, text, check in checks:
        try:
            if text is not None:
                check(text)
        except ValueError as error:
            raise Unprocessable(f"{name}: {error}", field=name) from error


def check_options(table: AppTable, options: ImportOptions) -> None:
    """Raises Unprocessable when the options do not fit the table."""
    check_reading(options)
    known = {*table.definition.column_names}
    for header, column in options.mapping.items():
        if column is not None and column not in known:
            raise Unprocessable(
                f"mapping: {header[:60]!r} is mapped to {column[:63]!r}, which is not a column of the table",
                field="mapping",
            )
    try:
        find_key(table.definition, options.on_conflict)
    except JobFailed as error:
        raise Unprocessable(str(error)) from error


async def _lock_jobs(session: AsyncSession, actor: Actor, kind: type[Job]) -> None:
    # One request at a time: concurrent ones would all count the same jobs, and begin the same one.
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtext(kind.__tablename__), actor.organization_id))
    )


async def require_job_quota(session: AsyncSession, actor: Actor, kind: type[Job]) -> None:
    """Raises TooManyRequests when the organization has as many open jobs as it may have."""
    await _lock_jobs(session, actor, kind)
    is_open = kind.status.in_([JobStatus.PENDING, JobStatus.IN_PROGRESS])
    statement = select(func.count()).select_from(kind).where(visible_to(actor, kind.organization_id), is_open)
    if (await session.scalar(statement) or 0) >= MAX_OPEN_JOBS:
        raise TooManyRequests(
            f"your organization has {MAX_OPEN_JOBS} jobs waiting or running already; wait for one to end",
            retry_after=10,
        )


def _task_id(actor: Actor, key: UUID | None) -> str:
    """Returns the id of a new job, or of the one with this key: no other user's job can have it."""
    if key is None:
        return str(uuid4())
    return str(uuid5(_KEYS, f"{actor.organization_id} {actor.user_id} {key}"))


def _job(actor: Actor, app: App, table: AppTable, *, task_id: str) -> dict[str, Any]:
    return {
        "task_id": task_id,
        "organization_id": actor.organization_id,
        "app_id": app.id,
        "table_id": table.id,
        "table_name": table.name,
        "user_id": actor.user_id,
        "is_told": actor.kind is ActorKind.SESSION,
    }


async def _queue(session: AsyncSession, job: J) -> J:
    session.add(job)
    await session.flush()
    await session.refresh(job)
    await announce(session)
    await announce_change(session, job)
    return job
