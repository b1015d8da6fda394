"""A real runner with real jails against the in-memory control plane, one per isolation level and test process."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from sandbox_runner.errors import IsolationUnavailable
from sandbox_runner.jails.probe import choose_isolation, open_workshop
from sandbox_runner.runner import Runner
from sandbox_runner.settings import IsolationChoice, RunnerSettings
from sandbox_runner.testing import RUNNER_TOKEN, TwinControlPlane, TwinRun

T = TypeVar("T")

# What a run can do is the same at every level; what it cannot do is tried at each.
_ALIKE_AT_EVERY_LEVEL = ("test_broker.py", "test_execution.py", "test_plugins.py")
_TRIED_AT_THE_OTHER_LEVEL = 3


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leaves all but the first tests of such a module to `make test-full`, for every level but one."""
    tried: Counter[str] = Counter()
    for item in items:
        level = (
            item.callspec.params.get("live")
            if isinstance(item, pytest.Function) and hasattr(item, "callspec")
            else None
        )
        if item.path.name in _ALIKE_AT_EVERY_LEVEL and level == "landlock":
            tried[item.path.name] += 1
            if tried[item.path.name] > _TRIED_AT_THE_OTHER_LEVEL:
                item.add_marker(pytest.mark.full)


class LiveRunner:
    """A runner and its control plane on an event loop of their own; tests talk to it from their thread."""

    def __init__(self, level: str, state: Path, *, site: Path | None = None) -> None:
        self._site = site
        self.level = level
        self._state = state
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.twin: TwinControlPlane
        self.runner: Runner
        self._running: Future[None]

    def start(self) -> None:
        self.call(self._start())

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self.runner.stop)
        self._running.result(timeout=240)
        self.call(self.twin.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def call(self, coroutine: Coroutine[Any, Any, T], *, timeout: float = 240) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=timeout)

    def submit(self, files: str | dict[str, str], **options: Any) -> TwinRun:
        async def submit() -> TwinRun:
            return self.twin.submit(files, **options)

        return self.call(submit())

    def execute(self, files: str | dict[str, str], *, timeout: float = 240, **options: Any) -> "Ended":
        """Submits a run and waits for its recorded end."""

        async def execute() -> TwinRun:
            run = self.twin.submit(files, **options)
            async with asyncio.timeout(timeout):
                await run.ended.wait()
            return run

        return Ended(self.call(execute(), timeout=timeout + 10))

    def wait_for_line(self, run: TwinRun, text: str, *, timeout: float = 240) -> None:
        deadline = time.monotonic() + timeout
        while text not in run.text:
            assert time.monotonic() < deadline, f"no {text!r} in the log: {run.text!r}, {run.finished}"
            time.sleep(0.01)

    async def _start(self) -> None:
        self.twin = await TwinControlPlane().__aenter__()
        settings = RunnerSettings(
            server=self.twin.base_url,
            token=SecretStr(RUNNER_TOKEN),
            concurrency=4,
            ready_jails=2,
            isolation=IsolationChoice(self.level),
            state_directory=self._state,
            shutdown_seconds=1,
        )
        self.runner = Runner(settings, site=self._site, preload=())
        self._running = asyncio.run_coroutine_threadsafe(self.runner.run(), self._loop)


class Ended:
    """A finished run as tests read it."""

    def __init__(self, run: TwinRun) -> None:
        assert run.finished is not None
        self.run = run
        self.status: str = run.finished["status"]
        self.cause: str = run.finished["cause"]
        self.result: Any = run.finished["result"]
        self.error: str = run.finished["error"] or ""
        self.usage: dict[str, int] = run.finished["usage"]

    @property
    def stdout(self) -> list[str]:
        return self.run.stream("stdout")

    @property
    def stderr(self) -> list[str]:
        return self.run.stream("stderr")

    def __repr__(self) -> str:
        return f"<{self.status} {self.cause} {self.result!r} {self.error!r} {self.run.text!r}>"


@pytest.fixture(scope="session")
def state_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provides the directory where jail content is built, shared by all test workers."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if base.name.startswith("popen-") else base) / "runner-state"


def _usable(level: str, state: Path) -> str | None:
    """Returns the reason why this isolation level cannot be used here; None when it can."""

    async def attempt() -> None:
        workshop = open_workshop(state, preload=())
        try:
            await choose_isolation(workshop, IsolationChoice(level))
        finally:
            workshop.close()

    try:
        asyncio.run(attempt())
    except IsolationUnavailable as error:
        return str(error)
    return None


def start_live(level: str, state: Path, *, site: Path | None = None) -> Iterator[LiveRunner]:
    if (reason := _usable(level, state)) is not None:
        pytest.skip(reason)
    live = LiveRunner(level, state, site=site)
    live.start()
    yield live
    live.stop()


@pytest.fixture(scope="session")
def bubblewrap_runner(state_directory: Path) -> Iterator[LiveRunner]:
    yield from start_live("bubblewrap", state_directory)


@pytest.fixture(scope="session")
def landlock_runner(state_directory: Path) -> Iterator[LiveRunner]:
    yield from start_live("landlock", state_directory)


@pytest.fixture(scope="session", params=["bubblewrap", "landlock"])
def live(request: pytest.FixtureRequest) -> LiveRunner:
    """Provides a running runner, once per isolation level."""
    runner: LiveRunner = request.getfixturevalue(f"{request.param}_runner")
    return runner
