"""`kill -9` of the control plane between a call and its answer: a repeated call says that nobody knows."""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from platform_api.supervisor.testing import Installation
from tests.integration.published_clients.counting import counting_upstream
from tests.memory import quick_directory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CALL = "/api/integrations/counter/call/"
KEY = {"Idempotency-Key": "order-1"}


@dataclass(frozen=True)
class Counting:
    """A platform, and the upstream that it calls."""

    installation: Installation
    upstream: str

    def count(self, name: str) -> int:
        """How many effects the upstream had."""
        return int(httpx.get(f"{self.upstream}/count", params={"name": name}).json()["count"])


@pytest.fixture(scope="module")
def counting() -> Iterator[Counting]:
    with (
        counting_upstream() as url,
        tempfile.TemporaryDirectory(prefix="amq-", dir=quick_directory()) as directory,
        Installation(
            Path(directory) / "data",
            arguments=["--no-runner"],
            environment={"ALLOW_PRIVATE_UPSTREAMS": "true", "LOG_LEVEL": "WARNING"},
        ) as installation,
        installation.client() as platform,
    ):
        definition = {"id": "counter", "name": "Counter", "base_url": url}
        platform.post("/api/integrations/", json=definition).raise_for_status()
        platform.post("/api/integrations/counter/connections/", json={"name": "one"}).raise_for_status()
        yield Counting(installation, url)


def _until(condition: Callable[[], Any], what: str, *, within: float = 60) -> Any:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if found := condition():
                return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come within {within} s")


def test_a_call_whose_process_was_killed_is_not_made_again(counting: Counting) -> None:
    installation = counting.installation
    body = {"method": "POST", "endpoint": "/slow", "data": {"name": "killed"}}

    def first() -> None:
        with suppress(httpx.HTTPError), installation.client() as platform:
            platform.post(CALL, json=body, headers=KEY)

    caller = threading.Thread(target=first)
    caller.start()
    pid = installation.wait_child("control-plane")
    _until(lambda: counting.count("killed") == 1, "the call at the upstream")
    os.kill(pid, signal.SIGKILL)
    caller.join(60)
    installation.wait_child("control-plane", other_than=pid)

    def repeated() -> dict[str, Any] | None:
        with installation.client() as platform:
            reply = platform.post(CALL, json=body, headers=KEY)
        called: dict[str, Any] = reply.json()
        return called if reply.status_code == 200 else None

    for _ in range(2):
        called = _until(repeated, "the answer to the repeated call", within=120)
        assert (called["outcome"], called["may_have_executed"], called["business_ok"]) == ("unknown", True, None)
    assert counting.count("killed") == 1


def test_an_answer_outlives_the_process_that_received_it(counting: Counting) -> None:
    installation = counting.installation
    body = {"method": "POST", "endpoint": "/count", "data": {"name": "answered"}}
    key = {"Idempotency-Key": "order-2"}
    with installation.client() as platform:
        first = platform.post(CALL, json=body, headers=key).json()
    pid = installation.wait_child("control-plane")
    os.kill(pid, signal.SIGKILL)
    installation.wait_child("control-plane", other_than=pid)

    def repeated() -> dict[str, Any] | None:
        with installation.client() as platform:
            reply = platform.post(CALL, json=body, headers=key)
        called: dict[str, Any] = reply.json()
        return called if reply.status_code == 200 else None

    assert _until(repeated, "the answer to the repeated call") == first
    assert counting.count("answered") == 1
