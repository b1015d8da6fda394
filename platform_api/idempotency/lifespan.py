"""Renews the leases of what is under way, and forgets old keys, as long as the application runs."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

from platform_api.core.database import Database
from platform_api.core.services import Services
from platform_api.core.work_loop import WorkLoop
from platform_api.idempotency.service import LEASE, forget_expired, renew

_RENEWED_EVERY_SECONDS = LEASE.total_seconds() / 4
_FORGOTTEN_EVERY_SECONDS = 60.0


class HeldKeys:
    """Knows the keys whose requests this process is carrying out."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: set[UUID] = set()

    @contextmanager
    def holding(self, key_id: UUID) -> Iterator[None]:
        """Keeps the lease of a key as long as the block runs."""
        self._ids.add(key_id)
        try:
            yield
        finally:
            self._ids.discard(key_id)

    async def renew(self) -> bool:
        """Renews all leases, with one statement."""
        if self._ids:
            async with self._database.transaction() as session:
                await renew(session, list(self._ids))
        return False


@asynccontextmanager
async def idempotency_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides HeldKeys."""
    database = services[Database]
    held = services.provide(HeldKeys(database))

    async def forget() -> bool:
        async with database.transaction() as session:
            return await forget_expired(session)

    renewing = WorkLoop("idempotency.renew", held.renew, look_again_seconds=_RENEWED_EVERY_SECONDS)
    forgetting = WorkLoop("idempotency.forget", forget, look_again_seconds=_FORGOTTEN_EVERY_SECONDS)
    async with renewing.running(), forgetting.running():
        yield
