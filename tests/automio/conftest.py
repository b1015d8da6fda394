"""A loopback platform, and clients configured for it and for nothing else."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from automio import RetryPolicy
from automio.wrapper import API
from tests.automio.loopback import Loopback
from tests.ports import free_port

SETTINGS = [
    "API_BASE_URL",
    "APP_TOKEN",
    "APP_ID",
    "ORG_SLUG",
    "APP_SLUG",
    "CONNECTION_ID",
    "ACTION_TYPE",
    "ACTION_ID",
    "TASK_ID",
    "CACHE_SERVICE_URL",
    "CACHE_SERVICE_TOKEN",
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_DB",
    "REDIS_PASSWORD",
]

QUICK = RetryPolicy(attempts=3, total_seconds=60, first_wait=0.01, longest_wait=0.02)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Removes the developer's own settings, and changes to a working directory without `.env`."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server() -> Iterator[Loopback]:
    loopback = Loopback()
    yield loopback
    loopback.close()


@pytest.fixture
def create_api(server: Loopback) -> Iterator[Callable[..., API]]:
    made: list[API] = []

    def create(**arguments: Any) -> API:
        api = API(**{"base_url": server.url, "token": "app-token", "app_id": 7, "retry": QUICK, **arguments})
        made.append(api)
        return api

    yield create
    for api in made:
        api.close()


@pytest.fixture
def api(create_api: Callable[..., API]) -> API:
    return create_api()


@pytest.fixture
def cached_api(create_api: Callable[..., API], server: Loopback, monkeypatch: pytest.MonkeyPatch) -> API:
    """Provides a client that uses the cache service."""
    monkeypatch.setenv("CACHE_SERVICE_URL", f"{server.url}/cache")
    monkeypatch.setenv("CACHE_SERVICE_TOKEN", "cache-token")
    monkeypatch.setenv("TASK_ID", "task-1")
    monkeypatch.setenv("ACTION_ID", "9")
    return create_api()


def _start_redis(executable: str) -> "tuple[subprocess.Popen[bytes], int]":
    """Returns a server and its port: another one when somebody took the chosen one meanwhile."""
    for _ in range(10):
        port = free_port()
        process = subprocess.Popen(
            [executable, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
        )
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return process, port
            time.sleep(0.02)
    raise AssertionError("redis-server does not start")


@pytest.fixture(scope="session")
def redis_port() -> Iterator[int]:
    """Provides a Redis server of this test process."""
    executable = shutil.which("redis-server")
    if executable is None:
        pytest.skip("redis-server is not installed")
    process, port = _start_redis(executable)
    yield port
    process.terminate()
    process.wait()
