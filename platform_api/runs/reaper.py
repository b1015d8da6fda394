"""Looks for runs whose lease ran out. Every process does; whoever comes first decides, the others pass over."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from platform_api.accounts.tokens import delete_ended_run_tokens
from platform_api.core.database import Database
from platform_api.core.health import HealthChecks
from platform_api.core.listener import Listener
from platform_api.core.services import Services
from platform_api.core.settings import Settings
from platform_api.runs.presence import isolation_check
from platform_api.runs.queue import LEASE_SECONDS, reap
from platform_api.runs.signals import RunSignals

log = structlog.stdlib.get_logger()

_INTERVAL_SECONDS = 3.0
_TOKENS_CLEARED_EVERY_SECONDS = 3600.0
_TOKENS_KEPT = timedelta(days=1)


@asynccontextmanager
async def runs_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides RunSignals; looks after lost runs in the background."""
    database = services[Database]
    services.provide(RunSignals(services[Listener]))
    services[HealthChecks].add("isolation", isolation_check(database, services[Settings].sandbox_isolation))
    task = asyncio.create_task(reap_for_ever(database))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def reap_for_ever(database: Database) -> None:
    """Reaps every few seconds.

    After a start, and after the database was away, a whole lease passes first: runners that could not report
    meanwhile are not lost, and must have the time to say so.
    """
    wait = float(LEASE_SECONDS)
    tokens_cleared = 0.0
    while True:
        await asyncio.sleep(wait)
        try:
            async with database.transaction() as session:
                await reap(session)
            if time.monotonic() - tokens_cleared > _TOKENS_CLEARED_EVERY_SECONDS:
                async with database.transaction() as session:
                    await delete_ended_run_tokens(session, older_than=_TOKENS_KEPT)
                tokens_cleared = time.monotonic()
            wait = _INTERVAL_SECONDS
        except Exception as error:  # whatever went wrong now, lost runs must be found later
            log.warning("reaper.failed", error=str(error) or type(error).__name__)
            wait = float(LEASE_SECONDS)
