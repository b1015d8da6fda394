"""Files as rows: finding, naming, deleting, and what an organization may still store."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Organization
from platform_api.apps.models import App
from platform_api.core.errors import NotFound, PlatformError
from platform_api.core.types import FileId, OrganizationId
from platform_api.files.access import reached_files
from platform_api.files.models import File, FileLeftover
from platform_api.files.names import check_name

MAX_FILES = 100_000
"""Files of one organization, whatever their size."""


class QuotaExceeded(PlatformError):
    """The organization's files take what they may take."""

    status_code = 413


@dataclass(frozen=True, slots=True)
class Usage:
    """What the files of an organization take."""

    files: int
    bytes: int


async def list_files(
    session: AsyncSession,
    actor: Actor,
    app: App,
    *,
    name_prefix: str | None,
    content_type: str | None,
    page: int,
    per_page: int,
) -> tuple[int, Sequence[File]]:
    """How many files there are, and one page of them, newest first. `content_type` may end in `/*`."""
    found = await _files(session, actor, app)
    if name_prefix:
        found = found.where(File.name.startswith(name_prefix, autoescape=True))
    if content_type:
        if content_type.endswith("/*"):
            found = found.where(File.content_type.startswith(content_type[:-1], autoescape=True))
        else:
            found = found.where(File.content_type == content_type)
    count = await session.scalar(select(func.count()).select_from(found.subquery())) or 0
    page_of = found.order_by(File.id.desc()).limit(per_page).offset((page - 1) * per_page)
    return count, (await session.scalars(page_of)).all()


async def get_file(session: AsyncSession, actor: Actor, app: App, file_id: int) -> File:
    """One file; raises NotFound."""
    file: File | None = await session.scalar((await _files(session, actor, app)).where(File.id == file_id))
    if file is None:
        raise NotFound(f"there is no file {file_id} of the app {app.slug}")
    return file


async def rename_file(session: AsyncSession, actor: Actor, app: App, file_id: int, *, name: str) -> File:
    """Gives a file another name; its content and type stay. Raises NotFound, Unprocessable."""
    file = await get_file(session, actor, app, file_id)
    file.name = check_name(name)
    await session.flush()
    return file


async def delete_file(session: AsyncSession, actor: Actor, app: App, file_id: int) -> None:
    """Deletes a file and all links to it; the database notes its object for removal. Raises NotFound."""
    await session.delete(await get_file(session, actor, app, file_id))
    await session.flush()


async def get_linked_file(session: AsyncSession, file_id: FileId) -> File:
    """The file of a link that was found to be good; raises NotFound when it is gone."""
    # tenancy: the link is the credential
    file: File | None = await session.scalar(select(File).where(File.id == file_id))
    if file is None:
        raise NotFound("the file of this link was deleted")
    return file


async def usage_of(session: AsyncSession, organization_id: OrganizationId) -> Usage:
    """What the files of an organization, in all apps, take now."""
    statement = select(func.count(), func.coalesce(func.sum(File.size), 0)).where(
        File.organization_id == organization_id  # tenancy: of an organization that the caller was found to store for
    )
    row = (await session.execute(statement)).one()
    return Usage(int(row[0]), int(row[1]))


async def promise_object(session: AsyncSession, key: str, *, seconds: int) -> None:
    """Notes an object that is about to be written: unless it becomes a file's within that time, it is removed."""
    remove_after = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    session.add(FileLeftover(object_key=key, remove_after=remove_after))
    await session.flush()


async def store_file(session: AsyncSession, file: File, *, quota_bytes: int) -> None:
    """Makes the promised object a file. Raises QuotaExceeded; Unavailable when the promise has run out."""
    # One at a time for each organization: what the others take is known when this is decided.
    await session.execute(
        # tenancy: only the lock of an organization that the caller was found to store for
        select(Organization.id).where(Organization.id == file.organization_id).with_for_update(key_share=True)
    )
    require_room(await usage_of(session, file.organization_id), file.size, quota_bytes=quota_bytes)
    kept = await session.scalar(
        delete(FileLeftover)
        .where(FileLeftover.object_key == file.object_key, FileLeftover.remove_after > func.now())
        .returning(FileLeftover.object_key)
    )
    if kept is None:
        raise UploadTookTooLong("the upload took too long; send the file again")
    session.add(file)
    await session.flush()


class UploadTookTooLong(PlatformError):
    """The object of an upload was given up before the upload ended."""

    status_code = 408


def require_room(usage: Usage, size: int, *, quota_bytes: int) -> None:
    """Raises QuotaExceeded when a file of `size` bytes does not fit beside the others."""
    if usage.bytes + size > quota_bytes:
        raise QuotaExceeded(
            f"the files of your organization may take {quota_bytes} bytes together and take {usage.bytes};"
            " delete some first"
        )
    if usage.files >= MAX_FILES:
        raise QuotaExceeded(f"your organization has {usage.files} files, the most there may be; delete some first")


async def give_up_object(session: AsyncSession, key: str) -> None:
    """Has the object of a failed upload removed now. Nothing happens when it became a file's after all."""
    given_up = insert(FileLeftover).values(object_key=key, remove_after=func.now())
    await session.execute(
        given_up.on_conflict_do_update(
            index_elements=[FileLeftover.object_key], set_={"remove_after": given_up.excluded.remove_after}
        )
    )
    # After it: whose commit was interrupted may have held the note until now, and have the file stored.
    is_needed = select(File.id).where(File.object_key == key).exists()
    await session.execute(delete(FileLeftover).where(FileLeftover.object_key == key, is_needed))


async def due_leftover(session: AsyncSession) -> FileLeftover | None:
    """An object to be removed, locked; None when there is none that nobody else is removing."""
    due = (
        select(FileLeftover)
        .where(FileLeftover.remove_after <= text("clock_timestamp()"))
        .order_by(FileLeftover.remove_after)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found: FileLeftover | None = await session.scalar(due)
    return found


async def postpone_leftover(session: AsyncSession, leftover: FileLeftover, *, seconds: int) -> None:
    """Has an object removed later."""
    later = select(func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds))
    leftover.remove_after = await session.scalar(later)  # type: ignore[assignment]  # never None
    await session.flush()


async def _files(session: AsyncSession, actor: Actor, app: App) -> Select[File]:
    return select(File).where(await reached_files(session, actor, app))  # tenancy: reached_files() has the actor
