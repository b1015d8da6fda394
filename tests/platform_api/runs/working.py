"""A runner that speaks the protocol and executes nothing, and apps with actions to run."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import insert

from platform_api.accounts.tokens import issue_runner_token
from platform_api.apps.models import App
from platform_api.runs.models import Run, RunState
from tests.platform_api.conftest import Caller, Platform

_numbers = itertools.count(1_000_000)
NO_USAGE = {"wall_ms": 1, "cpu_ms": 1, "max_rss_kb": 1}


async def create_runner_token(platform: Platform) -> str:
    """The secret of a runner token."""
    async with platform.database.transaction() as session:
        return (await issue_runner_token(session, name="runner under test")).secret


@dataclass
class ProtocolRunner:
    """Calls the control plane as a runner does."""

    client: httpx.AsyncClient
    runner_id: str = "runner-1"

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return await self.client.post(f"/api/runner/{path}", json=body)

    async def claim(self, slots: int = 1, wait_seconds: float = 0) -> list[dict[str, Any]]:
        reply = await self.post(
            "claim/",
            {
                "runner_id": self.runner_id,
                "slots": slots,
                "isolation": "bubblewrap",
                "wait_seconds": wait_seconds,
            },
        )
        assert reply.status_code == 200, reply.text
        runs: list[dict[str, Any]] = reply.json()["runs"]
        return runs

    async def claim_one(self) -> dict[str, Any]:
        [claim] = await self.claim()
        return claim

    async def start(self, claim: dict[str, Any]) -> httpx.Response:
        return await self.post(f"runs/{claim['run_id']}/start/", {"fence": claim["fence"]})

    async def log(self, claim: dict[str, Any], *texts: str, first: int = 1) -> httpx.Response:
        lines = [
            {"seq": seq, "stream": "stdout", "text": text, "at": "2026-01-01T00:00:00Z"}
            for seq, text in enumerate(texts, first)
        ]
        return await self.post(f"runs/{claim['run_id']}/logs/", {"fence": claim["fence"], "lines": lines})

    async def finish(self, claim: dict[str, Any], **changes: Any) -> httpx.Response:
        body = {"status": "completed", "cause": "returned", "result": None, "error": None, "usage": NO_USAGE}
        return await self.post(f"runs/{claim['run_id']}/finish/", {"fence": claim["fence"], **body, **changes})

    async def heartbeat(self, *claims: dict[str, Any]) -> list[dict[str, Any]]:
        reply = await self.post("heartbeat/", {"runner_id": self.runner_id, "runs": _held(claims)})
        assert reply.status_code == 200, reply.text
        runs: list[dict[str, Any]] = reply.json()["runs"]
        return runs

    async def release(self, *claims: dict[str, Any]) -> int:
        reply = await self.post("release/", {"runner_id": self.runner_id, "runs": _held(claims)})
        released: int = reply.json()["released"]
        return released


def _held(claims: tuple[dict[str, Any], ...]) -> list[dict[str, int]]:
    return [{"run_id": claim["run_id"], "fence": claim["fence"]} for claim in claims]


@dataclass
class Workshop:
    """An organization with an app and one action of it."""

    platform: Platform
    caller: Caller
    app: App
    action: dict[str, Any]

    async def run(self, **body: Any) -> dict[str, Any]:
        """Queues a run; returns the reply."""
        async with self.platform.client(self.caller) as client:
            reply = await client.post(f"/api/actions/{self.action['id']}/run/", json=body)
        assert reply.status_code == 200, reply.text
        started: dict[str, Any] = reply.json()
        return started

    async def status(self, started: dict[str, Any]) -> dict[str, Any]:
        async with self.platform.client(self.caller) as client:
            reply = await client.get(f"/api/actions/runs/{started['run_id']}/status/")
        assert reply.status_code == 200, reply.text
        status: dict[str, Any] = reply.json()
        return status


async def create_workshop(platform: Platform, *, caller: Caller | None = None, **action: Any) -> Workshop:
    """A workshop whose action runs `main.py`."""
    caller = caller or await platform.create_caller()
    app = await platform.create_app(caller)
    async with platform.client(caller) as client:
        reply = await client.post(
            "/api/actions/",
            json={"name": "Import", "app": app.id, "entry": "main.py", "code": "print('hello')\n", **action},
        )
    assert reply.status_code == 201, reply.text
    return Workshop(platform, caller, app, reply.json())


async def expire_leases(platform: Platform) -> None:
    """As if every runner had been silent for a lease."""
    async with platform.database.transaction() as session:
        driver = await (await session.connection()).get_raw_connection()
        assert driver.driver_connection is not None
        await driver.driver_connection.execute(
            "update platform.runs set lease_expires_at = now() - interval '1 second'"
            " where state in ('claimed', 'running')"
        )


async def insert_runs(workshop: Workshop, runs: list[dict[str, Any]]) -> list[int]:
    """Stores runs of the workshop's action as they are given, without a queue; returns their ids, in order."""
    fixed = {
        "organization_id": workshop.caller.organization_id,
        "app_id": workshop.app.id,
        "action_id": workshop.action["id"],
        "user_id": workshop.caller.user_id,
        "action_type": "user_action",
        "reaches_installs": False,
        "entry": "main.py",
        "bundle": "0" * 64,
        "event": {},
        "environment": {},
        "limits": {},
        "allows_retries": False,
    }
    rows = []
    for run in runs:
        has_ended = RunState(run["state"]).has_ended
        is_held = run["state"] in ("claimed", "running")
        rows.append(
            {
                "task_id": str(uuid4()),
                "number": next(_numbers),
                "finished_at": datetime.now(UTC) if has_ended else None,
                "lease_expires_at": datetime.now(UTC) + timedelta(hours=1) if is_held else None,
                **fixed,
                **run,
            }
        )
    async with workshop.platform.database.transaction() as session:
        ids = await session.scalars(insert(Run).returning(Run.id, sort_by_parameter_order=True), rows)
        return list(ids)
