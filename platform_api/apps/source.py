"""Stores the versioned source tree of an app: every save is a new immutable version."""

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.apps.models import App, SourceFile, SourceVersion
from platform_api.apps.source_tree import Files, check_tree, compare, file_digest, tree_digest
from platform_api.core.errors import NotFound, StaleVersion, Unprocessable
from platform_api.core.types import AppId, UserId


async def latest_version(session: AsyncSession, app_id: AppId) -> SourceVersion | None:
    """Returns the newest version; None when nothing was saved yet."""
    statement = (
        select(SourceVersion).where(SourceVersion.app_id == app_id).order_by(SourceVersion.number.desc()).limit(1)
    )
    version: SourceVersion | None = await session.scalar(statement)
    return version


async def get_version(session: AsyncSession, app_id: AppId, number: int | None = None) -> SourceVersion:
    """Returns a version by its number, or the latest. Raises NotFound."""
    if number is None:
        version = await latest_version(session, app_id)
    else:
        statement = select(SourceVersion).where(SourceVersion.app_id == app_id, SourceVersion.number == number)
        version = await session.scalar(statement)
    if version is None:
        raise NotFound("the app has no source yet" if number is None else f"the app has no version {number}")
    return version


async def list_versions(
    session: AsyncSession, app_id: AppId, *, before: int | None, limit: int
) -> list[SourceVersion]:
    """Returns versions older than number `before`, newest first."""
    statement = select(SourceVersion).where(SourceVersion.app_id == app_id)
    if before is not None:
        statement = statement.where(SourceVersion.number < before)
    return list(await session.scalars(statement.order_by(SourceVersion.number.desc()).limit(limit)))


async def load_files(session: AsyncSession, version: SourceVersion) -> dict[str, str]:
    """Returns the tree of a version: path to text."""
    digests = set(version.manifest.values())
    statement = select(SourceFile.digest, SourceFile.content).where(
        SourceFile.app_id == version.app_id, SourceFile.digest.in_(digests)
    )
    contents = {row.digest: row.content for row in await session.execute(statement)}
    return {path: contents[digest] for path, digest in sorted(version.manifest.items())}


async def load_file(session: AsyncSession, version: SourceVersion, path: str) -> str:
    """Returns the text of a file that the version has."""
    statement = select(SourceFile.content).where(
        SourceFile.app_id == version.app_id, SourceFile.digest == version.manifest[path]
    )
    return (await session.execute(statement)).scalar_one()


async def save_tree(
    session: AsyncSession,
    app: App,
    files: Files,
    *,
    base_version: int,
    author_id: UserId,
    message: str = "",
) -> tuple[SourceVersion, bool]:
    """Stores `files` as the next version; returns it and whether it is new (an unchanged tree is not stored again).

    Raises StaleVersion, with what changed since, when `base_version` is not the latest.
    """
    check_tree(files)
    latest = await _lock_and_get_latest(session, app)
    await _require_base(session, app, latest, base_version)
    manifest = {path: file_digest(text) for path, text in files.items()}
    if latest is not None and latest.manifest == manifest:
        return latest, False
    return await _store(session, app, latest, files, manifest, author_id=author_id, message=message), True


async def apply_changes(
    session: AsyncSession,
    app: App,
    changes: Mapping[str, str | None],
    *,
    base_version: int,
    author_id: UserId,
    message: str = "",
) -> tuple[SourceVersion, bool]:
    """Stores the latest version with `changes` as the next, like `save_tree`; None removes a file."""
    latest = await _lock_and_get_latest(session, app)
    await _require_base(session, app, latest, base_version)
    files = {} if latest is None else await load_files(session, latest)
    for path, text in changes.items():
        if text is not None:
            files[path] = text
        elif files.pop(path, None) is None:
            raise Unprocessable(
                f"changes: {path} cannot be removed: version {base_version} does not contain it", field="changes"
            )
    return await save_tree(session, app, files, base_version=base_version, author_id=author_id, message=message)


async def _lock_and_get_latest(session: AsyncSession, app: App) -> SourceVersion | None:
    await session.execute(select(App.id).where(App.id == app.id).with_for_update(key_share=True))
    return await latest_version(session, app.id)


async def _require_base(session: AsyncSession, app: App, latest: SourceVersion | None, base_version: int) -> None:
    current = latest.number if latest is not None else 0
    if base_version == current:
        return
    if base_version > current:
        raise StaleVersion(
            f"base_version: the app has no version {base_version}; its latest is {current}", field="base_version"
        )
    assert latest is not None
    before = (await get_version(session, app.id, base_version)).manifest if base_version else {}
    change = compare(before, latest.manifest)
    raise StaleVersion(
        f"version {current} was saved since version {base_version}: {change.describe()}; load it and merge",
        field="base_version",
        extra={"current_version": current, "changed": asdict(change)},
    )


async def _store(
    session: AsyncSession,
    app: App,
    latest: SourceVersion | None,
    files: Files,
    manifest: dict[str, str],
    *,
    author_id: UserId,
    message: str,
) -> SourceVersion:
    known = set(latest.manifest.values()) if latest is not None else set()
    new = {digest: files[path] for path, digest in manifest.items() if digest not in known}
    if new:
        rows = [{"app_id": app.id, "digest": digest, "content": content} for digest, content in new.items()]
        await session.execute(insert(SourceFile).values(rows).on_conflict_do_nothing())
    version = SourceVersion(
        app_id=app.id,
        number=(latest.number if latest is not None else 0) + 1,
        digest=tree_digest(manifest),
        manifest=manifest,
        author_id=author_id,
        message=message,
    )
    session.add(version)
    await session.flush()
    return version
