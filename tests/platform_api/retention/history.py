"""Writes an app's history, has it looked through, and tells what is left."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert, select, update

from platform_api.core.types import AppId
from platform_api.retention.limits import RetentionLimits
from platform_api.retention.removal import Removal
from platform_api.runs.models import Run, RunLogLine
from tests.platform_api.conftest import Caller
from tests.platform_api.runs.working import Workshop, insert_runs

NOTHING = RetentionLimits()


def removal_of(workshop: Workshop, ceiling: RetentionLimits = NOTHING) -> Removal:
    return Removal(workshop.platform.database, ceiling)


async def look_through(workshop: Workshop, limits: RetentionLimits) -> dict[str, int]:
    return dict(await removal_of(workshop).look_through(AppId(workshop.app.id), limits))


async def kept(workshop: Workshop) -> list[int]:
    async with workshop.platform.database.transaction() as session:
        found = await session.scalars(select(Run.id).where(Run.app_id == workshop.app.id).order_by(Run.id))
        return [int(run) for run in found]


async def ended(workshop: Workshop, count: int, **fields: Any) -> list[int]:
    return await insert_runs(workshop, [{"state": "completed", "cause": "returned", **fields} for _ in range(count)])


async def write_logs(workshop: Workshop, runs: list[int], *, size: int) -> None:
    async with workshop.platform.database.transaction() as session:
        lines = [
            {"run_id": run, "fence": 1, "seq": 1, "stream": "stdout", "text": "x" * 10, "at": datetime.now(UTC)}
            for run in runs
        ]
        await session.execute(insert(RunLogLine), lines)
        await session.execute(update(Run).where(Run.id.in_(runs)).values(log_bytes=size))


async def logs_of(workshop: Workshop) -> list[int]:
    async with workshop.platform.database.transaction() as session:
        statement = select(RunLogLine.run_id).join(Run, Run.id == RunLogLine.run_id)
        found = await session.scalars(statement.where(Run.app_id == workshop.app.id).order_by(RunLogLine.run_id))
        return [int(run) for run in found]


def call_of(workshop: Workshop, caller: Caller, *, days: int = 0) -> dict[str, Any]:
    """The values of an entry in the log of calls."""
    return {
        "organization_id": caller.organization_id,
        "app_id": workshop.app.id,
        "integration_id": "mock",
        "connection_id": 1,
        "method": "GET",
        "endpoint": "/",
        "status_code": 200,
        "ok": True,
        "elapsed_ms": 1,
        "created_at": datetime.now(UTC) - timedelta(days=days),
    }
