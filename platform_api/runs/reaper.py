"""Finds runs whose lease expired. Every process looks; the first one decides, the others skip the run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import func, select

from platform_api.accounts.tokens import delete_ended_run_tokens
from platform_api.core.database import Database
from platform_api.core.health import HealthChecks
from platform_api.core.listener import Listener
from platform_api.core.services import Services
from platform_api.core.settings import Settings
from platform_api.core.work_loop import WorkLoop
from platform_api.runs.listing.signals import RunListSignals
from platform_api.runs.models import Run
from platform_api.runs.presence import isolation_check
from platform_api.runs.queue import reap
from platform_api.runs.signals import RunSignals
from platform_api.work.sweep import Source, Sweep

_TOKENS_CLEARED_EVERY_SECONDS = 3600.0
_TOKENS_KEPT = timedelta(days=1)


@asynccontextmanager
async def runs_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides RunSignals and RunListSignals; decides about stalled runs in the background."""
    database = services[Database]
    services.provide(RunSignals(services[Listener]))
    services.provide(RunListSignals(services[Listener]))
    services[HealthChecks].add("isolation", isolation_check(database, services[Settings].sandbox_isolation))
    async with reaping(services[Sweep]), _clearing(database):
        yield


@asynccontextmanager
async def reaping(sweep: Sweep) -> AsyncIterator[None]:
    """Decides about runs whose lease expired, as long as the block runs; the sweep finds them."""

    async def reap_once() -> bool:
        async with sweep.database.transaction() as session:
            return await reap(session, sweep.watch.horizon) > 0

    loop = WorkLoop("reaper", reap_once)
    # Only a held run has a lease, so the index on leases answers this.
    expiry = select(func.min(Run.lease_expires_at)).where(Run.state.in_(["claimed", "running"]))
    async with loop.running(), sweep.serving(Source("runs", loop.wake, expiry=expiry.scalar_subquery())):
        yield


@asynccontextmanager
async def _clearing(database: Database) -> AsyncIterator[None]:
    async def clear() -> bool:
        async with database.transaction() as session:
            await delete_ended_run_tokens(session, older_than=_TOKENS_KEPT)
        return False

    async with WorkLoop("run_tokens", clear, look_again_seconds=_TOKENS_CLEARED_EVERY_SECONDS).running():
        yield
