"""Tells users in their inbox that an import or an export of theirs has ended."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.models import Scope
from platform_api.accounts.on_behalf import act_for
from platform_api.apps.models import App
from platform_api.core.errors import Forbidden, NotFound
from platform_api.csv.models import CsvImport, Job, JobStatus
from platform_api.notifications.inbox import service as inbox
from platform_api.notifications.inbox.models import NotificationKind
from platform_api.notifications.inbox.schemas import NotificationWrite

_LONG = timedelta(seconds=10)
"""Who asks for an export and waits gets its file at once; of one that takes longer they are told."""
_MAX_TITLE = 200


async def tell_ended(session: AsyncSession, ended: Job) -> None:
    """Tells the user of a job, which `session` has ended, what became of it."""
    kind = type(ended)
    # tenancy: the job that this process works on
    job = await session.get(kind, ended.id, populate_existing=True)
    if job is None or not job.is_told or job.cancel_requested_at is not None or job.options.get("dry_run"):
        return
    # tenancy: the app of that job
    app = await session.get_one(App, job.app_id)
    where = {"app": app.slug, "table": job.table_name}
    message = _import_message(job, where) if isinstance(job, CsvImport) else _export_message(job, where)
    if message is None:
        return
    try:
        actor = await act_for(
            session,
            user_id=job.user_id,
            organization_id=job.organization_id,
            app_id=job.app_id,
            scopes=frozenset({Scope.DATA}),
        )
        await inbox.send(session, actor, message)
    except (Forbidden, NotFound):
        # They are no member any more: nobody is told.
        return


def _import_message(job: CsvImport, where: dict[str, str]) -> NotificationWrite:
    file = _line(job.file_name)
    taken = job.inserted + job.updated
    rows = f"{taken:,} {'row is' if taken == 1 else 'rows are'} in {job.table_name}."
    if job.status is JobStatus.FAILED:
        title, kind, description = f"The import of {file} failed", NotificationKind.ERROR, f"{job.error}\n{rows}"
    elif job.repairable > job.repaired:
        count = job.repairable - job.repaired
        title = f"{count:,} {'row' if count == 1 else 'rows'} of {file} to repair"
        kind, description = NotificationKind.WARNING, rows
    else:
        title, kind, description = f"{file} is imported", NotificationKind.SUCCESS, rows
    data = {**where, "import_id": int(job.id)}
    return NotificationWrite(title=title[:_MAX_TITLE], kind=kind, description=description, data=data)


def _export_message(job: Job, where: dict[str, str]) -> NotificationWrite | None:
    data = {**where, "export_id": int(job.id)}
    if job.status is JobStatus.FAILED:
        title = f"The export of {job.table_name} failed"
        return NotificationWrite(title=title, kind=NotificationKind.ERROR, description=job.error, data=data)
    if job.finished_at is None or job.finished_at - job.created_at < _LONG:
        return None
    rows = f"{job.processed:,} {'row' if job.processed == 1 else 'rows'}; the file waits among your tasks."
    title = f"{job.table_name} is exported"
    return NotificationWrite(title=title, kind=NotificationKind.SUCCESS, description=rows, data=data)


def _line(text: str) -> str:
    """Returns a text as one line that a title can hold, with room for more."""
    return "".join(character if character.isprintable() else " " for character in text)[:100].strip() or "a file"
