"""Receives a file: first the object, under a key marked for removal; then the row, which cancels the removal.

However it is interrupted, either the file is stored whole or its object is removed.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import structlog

from platform_api.accounts.actor import Actor
from platform_api.core.database import Database
from platform_api.core.errors import TooLarge
from platform_api.core.settings import Settings
from platform_api.core.types import AppId, OrganizationId
from platform_api.files.models import File
from platform_api.files.names import check_name
from platform_api.files.paths import Place
from platform_api.files.service import (
    QuotaExceeded,
    UploadTookTooLong,
    announce_object,
    release_object,
    require_quota,
    store_file,
    usage_of,
)
from platform_api.files.store import ObjectStore
from platform_api.files.uploads.concurrency import ConcurrencyLimit
from platform_api.files.uploads.content_types import HEAD_BYTES, decide, require_allowed

log = structlog.stdlib.get_logger()

MAX_UPLOAD_SECONDS = 6 * 3600.0
ANNOUNCED_SECONDS = 24 * 3600
"""Is far longer than an upload may take: the object of one in progress is never removed."""
MAX_CONCURRENT_UPLOADS = 8
"""Applies to each organization in each process; every upload holds some parts in memory."""
MAX_WAITING_UPLOADS = 100
_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Described:
    """Holds the name and type that the sender gives a file."""

    name: str
    content_type: str | None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits the size and type of files."""

    file_bytes: int
    quota_bytes: int
    content_types: Sequence[str]

    @classmethod
    def from_settings(cls, settings: Settings) -> "Limits":
        return cls(settings.files_max_bytes, settings.files_quota_bytes, settings.files_content_types)


class Intake:
    """Stores new files in this process; `wake` starts a search for objects to remove."""

    def __init__(self, database: Database, store: ObjectStore, limits: Limits, *, wake: Callable[[], None]) -> None:
        self._database = database
        self._store = store
        self._limits = limits
        self._wake = wake
        self._limit = ConcurrencyLimit(
            max_active=MAX_CONCURRENT_UPLOADS,
            max_waiting=MAX_WAITING_UPLOADS,
            wait_seconds=_WAIT_SECONDS,
            transfers="uploads of files",
        )

    async def receive(
        self,
        actor: Actor,
        app_id: AppId,
        organization_id: OrganizationId,
        chunks: AsyncIterator[bytes],
        describe: Callable[[], Described],
    ) -> File:
        """Stores a file and commits it. `describe` is called once all `chunks` have arrived.

        Raises TooLarge, QuotaExceeded, TooManyRequests, Unprocessable, Unavailable, and transfers `chunks` raises.
        """
        async with self._limit.acquire(organization_id):
            key = _new_key()
            async with self._database.transaction() as session:
                usage = await usage_of(session, organization_id)
                require_quota(usage, 0, quota_bytes=self._limits.quota_bytes)
                await announce_object(session, key, seconds=ANNOUNCED_SECONDS)
            content = _Content(chunks, limits=self._limits, room=self._limits.quota_bytes - usage.bytes)
            try:
                try:
                    async with asyncio.timeout(MAX_UPLOAD_SECONDS) as deadline:
                        await self._store.write(key, content.measured())
                except TimeoutError as error:
                    if not deadline.expired():
                        raise
                    raise UploadTookTooLong("the upload took too long; send the file again") from error
                description = describe()
                name = check_name(description.name)
                kind = decide(declared=description.content_type, name=name, head=content.head)
                require_allowed(kind, content.head, allowed=self._limits.content_types)
                file = File(
                    app_id=app_id,
                    organization_id=organization_id,
                    name=name,
                    content_type=kind,
                    size=content.size,
                    sha256=content.sha256,
                    object_key=key,
                    created_by=actor.user_id,
                    run_id=actor.run_id,
                )
                async with self._database.transaction() as session:
                    file = await store_file(
                        session, file, place=description.place, quota_bytes=self._limits.quota_bytes
                    )
            except BaseException:
                await self._release(key)
                raise
            return file

    async def _release(self, key: str) -> None:
        async def release() -> None:
            try:
                async with self._database.transaction() as session:
                    await release_object(session, key)
            except Exception as error:  # the object is removed when its time runs out
                log.warning("files.give_up_failed", object_key=key, error=str(error))
            self._wake()

        # Also when the request is being cancelled.
        await asyncio.shield(release())


class _Content:
    """Counts and hashes incoming bytes, and enforces the limits on them."""

    def __init__(self, chunks: AsyncIterator[bytes], *, limits: Limits, room: int) -> None:
        self._chunks = chunks
        self._limits = limits
        self._room = room
        self._digest = hashlib.sha256()
        self.size = 0
        self.head = b""

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    async def measured(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            self.size += len(chunk)
            if self.size > self._limits.file_bytes:
                raise TooLarge(f"the file is larger than {self._limits.file_bytes} bytes, the limit for one file")
            if self.size > self._room:
                raise QuotaExceeded(
                    f"your organization's files may use {self._limits.quota_bytes} bytes; {self._room} are free;"
                    " delete some first"
                )
            if len(self.head) < HEAD_BYTES:
                self.head += chunk[: HEAD_BYTES - len(self.head)]
            self._digest.update(chunk)
            yield chunk


def _new_key() -> str:
    name = secrets.token_hex(20)
    # Spread over directories, which file systems like better than one large one.
    return f"{name[:2]}/{name[2:]}"
