"""The sample shop and an installation with the sample app, as processes of their own."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from platform_api.demo.sample_app import Platform, SampleApp, set_up
from platform_api.supervisor.listener import base_url, listen, reachable_address
from platform_api.supervisor.testing import Installation
from tests.memory import quick_directory

# Slow enough that a run is still at it when a test kills something.
_SECONDS_PER_PAGE = 0.15


@pytest.fixture(scope="module")
def shop_url() -> Iterator[str]:
    with listen("127.0.0.1", 0) as listening:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "platform_api.demo.sample_shop"),
                *("--fd", str(listening.fileno()), "--seconds-per-page", str(_SECONDS_PER_PAGE)),
            ],
            pass_fds=[listening.fileno()],
        )
        yield base_url(*reachable_address(listening))
    process.terminate()
    process.wait(240)


@dataclass
class SampleInstallation:
    """An installation with the sample app, and the ways tests look at a run of its import."""

    installation: Installation
    app: SampleApp
    seen: list[str] = field(default_factory=list)

    def client(self) -> httpx.Client:
        return self.installation.client()

    def start_run(self) -> dict[str, Any]:
        with self.client() as client:
            answer = client.post(f"/api/actions/{self.app.action_id}/run/")
            assert answer.status_code == 200, answer.text
            started: dict[str, Any] = answer.json()
        return started

    def status(self, run: dict[str, Any]) -> dict[str, Any]:
        with self.client() as client:
            answer = client.get(f"/api/actions/runs/{run['run_id']}/status/")
            assert answer.status_code == 200, answer.text
            loaded: dict[str, Any] = answer.json()
        return loaded

    def wait_log(self, run: dict[str, Any], text: str, *, within: float = 240) -> None:
        """Waits until the run's log has a line with `text`."""
        self._wait(lambda: text in (self.status(run).get("logs") or ""), within, f"{text!r} in the log")

    def wait_end(self, run: dict[str, Any], *, within: float = 240) -> dict[str, Any]:
        """The status of the run once it has ended. Questions may fail while parts are being restarted."""
        ended: dict[str, Any] = {}

        def has_ended() -> bool:
            with suppress(httpx.HTTPError, AssertionError):
                status = self.status(run)
                if status["status"] in {"completed", "failed", "stopped"}:
                    ended.update(status)
            return bool(ended)

        self._wait(has_ended, within, "the end of the run")
        return ended

    def counts(self) -> dict[str, int]:
        """Rows of each table."""
        tables = ("orders", "order_lines", "billing_entries")
        roots = "\n".join(
            f"{table}: app_{self.app.app_id}_{table}_aggregate {{ aggregate {{ count }} }}" for table in tables
        )
        with self.client() as client:
            answer = client.post(f"/api/apps/{self.app.app_id}/v1/graphql", json={"query": f"{{ {roots} }}"}).json()
        assert "errors" not in answer, answer
        return {table: answer["data"][table]["aggregate"]["count"] for table in tables}

    def empty(self) -> None:
        """Removes every row, as before the first import."""
        tables = ("order_lines", "orders", "billing_entries")
        roots = "\n".join(
            f"{table}: delete_app_{self.app.app_id}_{table}(where: {{}}) {{ affected_rows }}" for table in tables
        )
        with self.client() as client:
            answer = client.post(f"/api/apps/{self.app.app_id}/v1/graphql", json={"query": f"mutation {{ {roots} }}"})
        assert "errors" not in answer.json(), answer.text

    def checkpoint(self) -> dict[str, int]:
        """What the script keeps in the app's cache: the last imported page of each collection."""
        with self.client() as client:
            made = client.post("/api/tokens/", json={"app": self.app.app_id, "scopes": ["data"], "name": "test"})
            assert made.status_code == 201, made.text
        with self.installation.client(token=made.json()["token"]) as client:
            answer = client.get("/cache/get/import_orders/checkpoint/", params={"cache_type": "app", "task_id": "t"})
            assert answer.status_code == 200, answer.text
            entry = answer.json()
        return dict(entry["value"]) if entry else {}

    def _wait(self, condition: Callable[[], bool], within: float, what: str) -> None:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if condition():
                return
            time.sleep(0.05)
        raise AssertionError(f"{what} did not come within {within} s:\n{self.installation.log[-4000:]}")


def _set_up(installation: Installation, shop_url: str) -> SampleApp:
    async def run() -> SampleApp:
        headers = {"Authorization": f"Bearer {installation.admin['token']}"}
        async with httpx.AsyncClient(base_url=installation.url, headers=headers, timeout=240) as client:
            return await set_up(Platform(client), shop_url=shop_url)

    return asyncio.run(run())


@pytest.fixture(scope="module")
def sample(shop_url: str) -> Iterator[SampleInstallation]:
    """An installation with the sample app, whose parts tests may kill."""
    with tempfile.TemporaryDirectory(prefix="ami-", dir=quick_directory()) as directory:
        environment = {"ALLOW_PRIVATE_UPSTREAMS": "true", "PATH": os.environ["PATH"]}
        installation = Installation(Path(directory) / "data", environment=environment)
        with installation:
            yield SampleInstallation(installation, _set_up(installation, shop_url))
