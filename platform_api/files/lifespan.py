"""Provides what files need as long as the application runs: the store, the intake, the removal of unused objects."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import structlog
from fastapi import Depends, Request

from platform_api.core.crypto import Vault
from platform_api.core.database import Database
from platform_api.core.errors import Unavailable
from platform_api.core.services import Services, services_of
from platform_api.core.settings import Settings
from platform_api.core.work_loop import WorkLoop
from platform_api.files.links import FileLinks
from platform_api.files.service import due_leftover, postpone_leftover
from platform_api.files.store import ObjectStore, create_store
from platform_api.files.uploads.concurrency import ConcurrencyLimit
from platform_api.files.uploads.intake import Intake, Limits

log = structlog.stdlib.get_logger()

MAX_CONCURRENT_DOWNLOADS = 64
"""Of the files of one organization, from one process; each holds a piece in memory."""
_LOOKED_FOR_EVERY_SECONDS = 60.0
_TRIED_AGAIN_AFTER_SECONDS = 300


class Sweeper:
    """Removes objects whose time has come, in any number of processes at once."""

    def __init__(self, database: Database, store: ObjectStore) -> None:
        self._database = database
        self._store = store
        self.loop = WorkLoop("files_sweep", self._remove_one, look_again_seconds=_LOOKED_FOR_EVERY_SECONDS)

    async def sweep(self) -> int:
        """Removes transfers is due, up to the first object that cannot be removed now; how many were."""
        removed = 0
        while await self._remove_one():
            removed += 1
        return removed

    async def _remove_one(self) -> bool:
        """Removes one object, then its row: when either fails, both are retried. Returns whether one was removed."""
        async with self._database.transaction() as session:
            leftover = await due_leftover(session)
            if leftover is None:
                return False
            try:
                await self._store.remove(leftover.object_key)
            except Unavailable as error:
                # Behind the others, which may fare better.
                log.warning("files.removal_failed", object_key=leftover.object_key, error=str(error.__cause__))
                await postpone_leftover(session, leftover, seconds=_TRIED_AGAIN_AFTER_SECONDS)
                return False
            await session.delete(leftover)
        return True


@dataclass(frozen=True, slots=True)
class Files:
    """Holds the parts that endpoints use."""

    store: ObjectStore
    intake: Intake
    sweeper: Sweeper
    links: FileLinks
    downloads: ConcurrencyLimit


@asynccontextmanager
async def files_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides Files when a store is configured."""
    settings, database = services[Settings], services[Database]
    store = create_store(settings)
    if store is None:
        yield
        return
    sweeper = Sweeper(database, store)
    intake = Intake(database, store, Limits.from_settings(settings), wake=sweeper.loop.wake)
    links = FileLinks(Vault(settings.secret_keys, purpose="file links"))
    downloads = ConcurrencyLimit(max_active=MAX_CONCURRENT_DOWNLOADS, transfers="downloads of files")
    services.provide(Files(store, intake, sweeper, links, downloads))
    async with sweeper.loop.running():
        yield


class NoFileStore(Unavailable):
    """Reports that the installation stores no files: trying again does not help."""

    code = "no_file_store"


async def _files(request: Request) -> Files:
    files = services_of(request).find(Files)
    if files is None:
        raise NoFileStore(
            "this installation has no store for files; its operator can set FILES_DIR or FILES_S3_BUCKET"
        )
    return files


FilesDep = Annotated[Files, Depends(_files)]
