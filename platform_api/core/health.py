"""`/health`: whether this control plane can do its work, for probes and people."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any, TypeAlias

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy import text
from starlette.datastructures import State

from platform_api.core.database import Database
from platform_api.core.settings import Settings

log = structlog.stdlib.get_logger()

router = APIRouter(tags=["operations"])

HealthCheck: TypeAlias = Callable[[], Awaitable[Any]]
"""Answers with what is to be shown (JSON); raises when its part does not work."""

_SECONDS = 3.0


class Health(BaseModel):
    """Each part is what its check says, or `unavailable`."""

    status: str
    version: str
    isolation: Any
    parts: dict[str, Any]


def add_health_check(state: State, name: str, check: HealthCheck) -> None:
    """Adds a part to `/health`; called from the lifespan of the domain that knows about it."""
    state.health_checks[name] = check


@router.get("/health", summary="Whether the platform works; 503 when a part of it does not")
async def health(request: Request) -> JSONResponse:
    state = request.app.state
    checks: dict[str, HealthCheck] = {"database": _database_check(state.database), **state.health_checks}
    names = sorted(checks)
    results = await asyncio.gather(*(_run(name, checks[name]) for name in names))
    parts = dict(zip(names, results, strict=True))
    settings: Settings = state.settings
    works = "unavailable" not in parts.values()
    shown = Health(
        status="ok" if works else "unavailable",
        version=version("automio"),
        isolation=parts.pop("isolation", {"configured": settings.sandbox_isolation}),
        parts=parts,
    )
    return JSONResponse(shown.model_dump(mode="json"), status_code=200 if works else 503)


def _database_check(database: Database) -> HealthCheck:
    async def check() -> str:
        async with database.sessions() as session:
            await session.execute(text("select 1"))
        return "ok"

    return check


async def _run(name: str, check: HealthCheck) -> Any:
    try:
        return await asyncio.wait_for(check(), _SECONDS)
    except Exception as error:  # whatever is wrong with a part is what this endpoint reports
        log.warning("health.unavailable", part=name, error=str(error))
        return "unavailable"
