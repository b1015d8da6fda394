"""Finds, renames and deletes files, and enforces how much an organization may store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Organization
from platform_api.apps.models import App
from platform_api.core.errors import Conflict, NotFound, PlatformError
from platform_api.core.paging import paginate
from platform_api.core.types import OrganizationId
from platform_api.files.access import reached_files
from platform_api.files.links import OpenedLink
from platform_api.files.models import File, FileLeftover
from platform_api.files.names import check_name
from platform_api.files.paths import Place

MAX_FILES = 100_000
"""Applies to the files of one organization, whatever their size."""
_OVERWRITTEN_KEPT = timedelta(hours=1)


class QuotaExceeded(PlatformError):
    """Reports that an organization has used up its quota of files or bytes."""

    status_code = 413
    code = "quota_exceeded"


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts the files of an organization and their bytes."""

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
    """Returns the total number of files and one page of them, newest first. `content_type` may end in `/*`."""
    statement = await _files(session, actor, app)
    if name_prefix:
        statement = statement.where(File.name.startswith(name_prefix, autoescape=True))
    if content_type:
        if content_type.endswith("/*"):
            statement = statement.where(File.content_type.startswith(content_type[:-1], autoescape=True))
        else:
            statement = statement.where(File.content_type == content_type)
    return await paginate(session, statement, File.id.desc(), page=page, per_page=per_page)


async def get_file(session: AsyncSession, actor: Actor, app: App, file_id: int) -> File:
    """Returns one file. Raises NotFound."""
    file: File | None = await session.scalar((await _files(session, actor, app)).where(File.id == file_id))
    return _found(file, app, file_id)


async def _locked_file(session: AsyncSession, actor: Actor, app: App, file_id: int) -> File:
    """Returns one file that nobody else changes or deletes until the transaction ends. Raises NotFound."""
    statement = (await _files(session, actor, app)).where(File.id == file_id).with_for_update(of=File)
    file: File | None = await session.scalar(statement)
    return _found(file, app, file_id)


def _found(file: File | None, app: App, file_id: int) -> File:
    if file is None:
        raise NotFound(f"there is no file {file_id} of the app {app.slug}")
    return file


async def rename_file(session: AsyncSession, actor: Actor, app: App, file_id: int, *, name: str) -> File:
    """Gives a file another name; its content and type stay. Raises NotFound, Unprocessable."""
    file = await _locked_file(session, actor, app, file_id)
    file.name = check_name(name)
    await session.flush()
    return file


async def delete_file(session: AsyncSession, actor: Actor, app: App, file_id: int) -> None:
    """Deletes a file and its links; a database trigger marks its object for removal. Raises NotFound."""
    await session.delete(await _locked_file(session, actor, app, file_id))
    await session.flush()


async def get_linked_file(session: AsyncSession, link: OpenedLink) -> File:
    """Returns the file of a link that was checked. Raises NotFound when it was deleted, or is public no longer."""
    # tenancy: the link is the credential
    file: File | None = await session.scalar(select(File).where(File.id == link.file_id))
    if file is None or (link.is_for_public and not file.is_public):
        raise NotFound("the file of this link was deleted, or is public no longer")
    return file


async def usage_of(session: AsyncSession, organization_id: OrganizationId) -> Usage:
    """Counts the files of an organization in all its apps."""
    statement = select(func.count(), func.coalesce(func.sum(File.size), 0)).where(
        File.organization_id == organization_id  # tenancy: an organization that the caller may store for
    )
    row = (await session.execute(statement)).one()
    return Usage(int(row[0]), int(row[1]))


async def announce_object(session: AsyncSession, key: str, *, seconds: int) -> None:
    """Marks an object, before it is written, for removal after `seconds` unless a file has claimed it by then."""
    remove_after = func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    session.add(FileLeftover(object_key=key, remove_after=remove_after))
    await session.flush()


async def store_file(session: AsyncSession, file: File, *, place: Place | None = None, quota_bytes: int) -> File:
    """Turns an announced object into a file, or into the new content of the one at `place`.

    Raises QuotaExceeded, PathTaken, and UploadTookTooLong after its time ran out.
    """
    # One upload at a time for each organization: the usage cannot change before this one is stored.
    await session.execute(
        # tenancy: only locks an organization that the caller may store for
        select(Organization.id).where(Organization.id == file.organization_id).with_for_update(key_share=True)
    )
    taken = None if place is None else await _file_at(session, file, place)
    usage = await usage_of(session, file.organization_id)
    if taken is not None:
        usage = Usage(usage.files - 1, usage.bytes - taken.size)
    require_quota(usage, file.size, quota_bytes=quota_bytes)
    kept = await session.scalar(
        delete(FileLeftover)
        .where(FileLeftover.object_key == file.object_key, FileLeftover.remove_after > func.now())
        .returning(FileLeftover.object_key)
    )
    if kept is None:
        raise UploadTookTooLong("the upload took too long; send the file again")
    if taken is not None:
        return await _overwrite(session, taken, file, place)
    if place is not None:
        file.path, file.is_public = place.path, bool(place.is_public)
    session.add(file)
    await session.flush()
    return file


async def get_file_at(session: AsyncSession, actor: Actor, app: App, path: str) -> File:
    """Returns the file at a path. Raises NotFound, and Conflict when it is there for several organizations."""
    found = (await session.scalars((await _files(session, actor, app)).where(File.path == path).limit(2))).all()
    if not found:
        raise NotFound(f"there is no file {path!r} of the app {app.slug}", field="path")
    if len(found) > 1:
        raise Conflict(
            f"several organizations have a file {path!r}: name the one you work for in the header X-Organization-Id"
        )
    return found[0]


async def _file_at(session: AsyncSession, file: File, place: Place) -> File | None:
    """Returns the file that is at a place already, locked: once it is being deleted, it is there no longer.

    Raises PathTaken unless it may be overwritten.
    """
    taken: File | None = await session.scalar(
        select(File)
        .where(
            File.app_id == file.app_id,
            File.organization_id == file.organization_id,  # tenancy: an organization that the caller may store for
            File.path == place.path,
        )
        .with_for_update()
    )
    if taken is not None and not place.overwrite:
        raise PathTaken(f"path: there is a file {place.path!r} already; send `overwrite` to replace it", field="path")
    return taken


async def _overwrite(session: AsyncSession, taken: File, file: File, place: Place | None) -> File:
    # Who reads the old content at this moment reads it to its end.
    leftover = FileLeftover(object_key=taken.object_key, remove_after=func.now() + _OVERWRITTEN_KEPT)
    session.add(leftover)
    for name in ("content_type", "size", "sha256", "object_key", "created_by", "run_id"):
        setattr(taken, name, getattr(file, name))
    if place is not None and place.is_public is not None:
        taken.is_public = place.is_public
    await session.flush()
    return taken


class PathTaken(Conflict):
    """Reports that there is a file at the path, which the request does not overwrite."""

    code = "path_taken"


class UploadTookTooLong(PlatformError):
    """Reports that an upload ended after its object was already released for removal."""

    status_code = 408
    code = "upload_too_slow"


def require_quota(usage: Usage, size: int, *, quota_bytes: int) -> None:
    """Raises QuotaExceeded when a file of `size` bytes does not fit beside the others."""
    if usage.bytes + size > quota_bytes:
        raise QuotaExceeded(f"your organization's files use {usage.bytes} of {quota_bytes} bytes; delete some first")
    if usage.files >= MAX_FILES:
        raise QuotaExceeded(f"your organization has {usage.files} files, which is the limit; delete some first")


async def release_object(session: AsyncSession, key: str) -> None:
    """Marks the object of a failed upload for removal now, unless it became a file after all."""
    leftover = insert(FileLeftover).values(object_key=key, remove_after=func.now())
    await session.execute(
        leftover.on_conflict_do_update(
            index_elements=[FileLeftover.object_key], set_={"remove_after": leftover.excluded.remove_after}
        )
    )
    # Afterwards: an interrupted commit may have held that row until now, and have stored the file.
    is_needed = select(File.id).where(File.object_key == key).exists()
    await session.execute(delete(FileLeftover).where(FileLeftover.object_key == key, is_needed))


async def due_leftover(session: AsyncSession) -> FileLeftover | None:
    """Returns the first object that is due for removal, locked; None when no unlocked one is due."""
    due = (
        select(FileLeftover)
        .where(FileLeftover.remove_after <= text("clock_timestamp()"))
        .order_by(FileLeftover.remove_after)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    leftover: FileLeftover | None = await session.scalar(due)
    return leftover


async def postpone_leftover(session: AsyncSession, leftover: FileLeftover, *, seconds: int) -> None:
    """Delays the removal of an object by `seconds`."""
    later = select(func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds))
    leftover.remove_after = await session.scalar(later)  # type: ignore[assignment]  # never None
    await session.flush()


async def _files(session: AsyncSession, actor: Actor, app: App) -> Select[File]:
    return select(File).where(await reached_files(session, actor, app))  # tenancy: reached_files() has the actor
