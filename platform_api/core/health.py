"""Serves `/health`: tells probes and people whether this control plane can do its work."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy import text

from automio import __version__
from platform_api.core.database import Database
from platform_api.core.services import services_of
from platform_api.core.settings import Settings

log = structlog.stdlib.get_logger()

router = APIRouter(tags=["operations"])

HealthCheck: TypeAlias = Callable[[], Awaitable[Any]]
"""Returns what `/health` shows of its part (JSON); raises when the part does not work."""

_TIMEOUT_SECONDS = 3.0


class IsolationHealth(BaseModel):
    """Shows how runs are isolated: what is configured, and what the runners that are present do."""

    configured: str
    levels: list[str] = []
    runners: int = 0
    as_root: int = Field(default=0, description="Runners whose scripts have the user id 0: their log says why")


class Health(BaseModel):
    """Reports each part: `ok`, or `unavailable`."""

    status: Literal["ok", "unavailable"]
    version: str
    isolation: IsolationHealth | Literal["unavailable"]
    parts: dict[str, str]


class HealthChecks:
    """Holds the checks that `/health` makes, by the name of the part; the domains' lifespans add theirs."""

    def __init__(self) -> None:
        self._checks: dict[str, HealthCheck] = {}

    def add(self, name: str, check: HealthCheck) -> None:
        """Shows `name` in `/health`."""
        self._checks[name] = check

    async def run(self) -> dict[str, Any]:
        """Runs all checks at once; returns what each answered, or `unavailable`."""
        names = sorted(self._checks)
        results = await asyncio.gather(*(_run(name, self._checks[name]) for name in names))
        return dict(zip(names, results, strict=True))


@router.get(
    "/health",
    summary="Report whether the platform works; 503 when a part of it does not",
    response_model=Health,
    responses={503: {"model": Health, "description": "A part does not work"}},
)
async def health(request: Request) -> JSONResponse:
    services = services_of(request)
    parts = await services[HealthChecks].run()
    settings = services[Settings]
    works = "unavailable" not in parts.values()
    report = Health(
        status="ok" if works else "unavailable",
        version=__version__,
        isolation=parts.pop("isolation", {"configured": settings.sandbox_isolation}),
        parts=parts,
    )
    return JSONResponse(report.model_dump(mode="json"), status_code=200 if works else 503)


def database_check(database: Database) -> HealthCheck:
    """Asks the database the least that it can be asked."""

    async def check() -> str:
        async with database.sessions() as session:
            await session.execute(text("select 1"))
        return "ok"

    return check


async def _run(name: str, check: HealthCheck) -> Any:
    try:
        return await asyncio.wait_for(check(), _TIMEOUT_SECONDS)
    except Exception as error:  # whatever is wrong with a part is what this endpoint reports
        log.warning("health.unavailable", part=name, error=str(error))
        return "unavailable"
