"""Taking in a file: the object first, under a key noted for removal; then the row, which takes that note back.

Whatever interrupts it, either the file is there, whole and acknowledged or about to be, or its object is removed.
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
from platform_api.files.service import (
    QuotaExceeded,
    UploadTookTooLong,
    give_up_object,
    promise_object,
    require_room,
    store_file,
    usage_of,
)
from platform_api.files.store import ObjectStore
from platform_api.files.uploads.concurrency import ConcurrencyLimit
from platform_api.files.uploads.content_types import HEAD_BYTES, decide, require_allowed

log = structlog.stdlib.get_logger()

MAX_UPLOAD_SECONDS = 6 * 3600.0
PROMISE_SECONDS = 24 * 3600
"""Far longer than an upload may take: the object of one under way is never removed."""
MAX_CONCURRENT_UPLOADS = 8
"""Files of one organization that a process takes in at the same time; each holds some parts in memory."""
MAX_WAITING_UPLOADS = 100
_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Described:
    """What the sender says of a file."""

    name: str
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken."""

    file_bytes: int
    quota_bytes: int
    content_types: Sequence[str]

    @classmethod
    def from_settings(cls, settings: Settings) -> "Limits":
        return cls(settings.files_max_bytes, settings.files_quota_bytes, settings.files_content_types)


class Intake:
    """What stores new files in this process; `wake` has leftovers looked for."""

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
        """The new file, committed. `describe` is asked once all of `chunks` has come.

        Raises TooLarge, QuotaExceeded, TooManyRequests, Unprocessable, Unavailable, and transfers `chunks` raises.
        """
        async with self._limit.acquire(organization_id):
            key = _new_key()
            async with self._database.transaction() as session:
                usage = await usage_of(session, organization_id)
                require_room(usage, 0, quota_bytes=self._limits.quota_bytes)
                await promise_object(session, key, seconds=PROMISE_SECONDS)
            content = _Content(chunks, limits=self._limits, room=self._limits.quota_bytes - usage.bytes)
            try:
                try:
                    async with asyncio.timeout(MAX_UPLOAD_SECONDS) as deadline:
                        await self._store.write(key, content.measured())
                except TimeoutError as error:
                    if not deadline.expired():
                        raise
                    raise UploadTookTooLong("the upload took too long; send the file again") from error
                described = describe()
                name = check_name(described.name)
                kind = decide(declared=described.content_type, name=name, head=content.head)
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
                    await store_file(session, file, quota_bytes=self._limits.quota_bytes)
            except BaseException:
                await self._give_up(key)
                raise
            return file

    async def _give_up(self, key: str) -> None:
        async def note() -> None:
            try:
                async with self._database.transaction() as session:
                    await give_up_object(session, key)
            except Exception as error:  # the object is removed when its promise runs out
                log.warning("files.give_up_failed", object_key=key, error=str(error))
            self._wake()

        # Also when the request is being cancelled.
        await asyncio.shield(note())


class _Content:
    """What comes, counted, digested and bounded."""

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
                raise TooLarge(f"a file may have {self._limits.file_bytes} bytes; this one has more")
            if self.size > self._room:
                raise QuotaExceeded(
                    f"the files of your organization may take {self._limits.quota_bytes} bytes together;"
                    f" there is room for {self._room}; delete some first"
                )
            if len(self.head) < HEAD_BYTES:
                self.head += chunk[: HEAD_BYTES - len(self.head)]
            self._digest.update(chunk)
            yield chunk


def _new_key() -> str:
    name = secrets.token_hex(20)
    # Spread over directories, which file systems like better than one large one.
    return f"{name[:2]}/{name[2:]}"
