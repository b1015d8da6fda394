"""The runner as a process: leases, fences, restarts of the control plane, shutdown, its own death."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox_runner.jails.leftovers import clear_leftovers
from sandbox_runner.testing import RUNNER_TOKEN, TwinControlPlane, TwinRun
from tests.sandbox_runner.conftest import LiveRunner
from tests.waiting import eventually, wait_until


class RunnerProcess:
    """`automio runner` as a child process."""

    def __init__(self, url: str, state: Path, log: Path) -> None:
        self.log = log
        environment = {"PATH": os.environ["PATH"], "HOME": str(state), "RUNNER_TOKEN": RUNNER_TOKEN}
        environment |= {"RUNNER_STATE_DIR": str(state), "RUNNER_READY_JAILS": "1", "RUNNER_SHUTDOWN_SECONDS": "1"}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "automio.cli", "runner", "--server", url, "--concurrency", "2"],
                env=environment,
                stderr=output,
            )

    def jails(self) -> list[int]:
        """Processes of its jails, by what bwrap was told to mount."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if f"/jails-{self.process.pid}-".encode() in command:
                found.append(int(process.name))
        return found


@asynccontextmanager
async def running(
    state: Path, tmp_path: Path, *, lease_seconds: float = 15
) -> AsyncIterator[tuple[TwinControlPlane, RunnerProcess]]:
    async with TwinControlPlane(lease_seconds=lease_seconds) as twin:
        runner = RunnerProcess(twin.base_url, state, tmp_path / "log")
        try:
            yield twin, runner
        finally:
            runner.process.kill()
            runner.process.wait()


@pytest.fixture(autouse=True)
def needs_bubblewrap(bubblewrap_runner: LiveRunner) -> None:
    """These tests use whatever level `auto` finds; without bubblewrap there may be none."""


def scenario(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def test_the_command_executes_runs_and_ends_cleanly_on_sigterm(state_directory: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with running(state_directory, tmp_path) as (twin, runner):
            run = twin.submit("print('hello')\nresult = 1\n")
            async with asyncio.timeout(240):
                await run.ended.wait()
            assert run.finished is not None and run.finished["result"] == 1
            assert run.text == "hello"
            runner.process.send_signal(signal.SIGTERM)
            status = await asyncio.to_thread(runner.process.wait, 240)
            assert status == 0, runner.log.read_text()
            assert runner.jails() == []

    scenario(test)


def test_a_ready_made_jail_has_the_client_imported(state_directory: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with running(state_directory, tmp_path) as (twin, _):
            for _ in range(20):
                run = twin.submit(
                    "import sys\nresult = [name in sys.modules for name in ('automio.wrapper', 'httpx', 'gql')]\n"
                )
                async with asyncio.timeout(240):
                    await run.ended.wait()
                assert run.finished is not None
                # Until one is ready, a run gets a jail that was made for it.
                if run.finished["result"] == [True, True, True]:
                    return
                await asyncio.sleep(0.5)
            raise AssertionError(run.finished)

    scenario(test)


def test_sigterm_ends_a_long_run_after_the_grace_time_and_says_why(state_directory: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with running(state_directory, tmp_path) as (twin, runner):
            run = twin.submit("import time\nprint('begun')\ntime.sleep(60)\n")
            await eventually(lambda: "begun" in run.text, what=runner.log.read_text)
            runner.process.send_signal(signal.SIGTERM)
            await eventually(lambda: run.finished is not None)
            assert run.finished is not None
            assert (run.finished["status"], run.finished["cause"]) == ("failed", "runner_lost")
            assert await asyncio.to_thread(runner.process.wait, 240) == 0

    scenario(test)


def test_kill_9_of_the_runner_leaves_no_process_behind(state_directory: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with running(state_directory, tmp_path) as (twin, runner):
            run = twin.submit("import time\nprint('begun')\ntime.sleep(60)\n")
            await eventually(lambda: "begun" in run.text)
            await eventually(lambda: len(runner.jails()) >= 2)
            runner.process.kill()
            runner.process.wait()
            await eventually(lambda: runner.jails() == [], what=lambda: "jails outlived their runner")

    scenario(test)


def test_a_restart_of_the_control_plane_loses_neither_lines_nor_the_end(
    state_directory: Path, tmp_path: Path
) -> None:
    async def test() -> None:
        async with running(state_directory, tmp_path) as (twin, _):
            run = twin.submit(
                "import time\nfor number in range(30):\n    print(number)\n    time.sleep(0.05)\nresult = 'done'\n"
            )
            await eventually(lambda: "3" in run.text)
            await twin.go_down()
            await asyncio.sleep(1)
            twin.is_away = True
            await twin.come_up()
            await asyncio.sleep(0.3)
            twin.is_away = False
            async with asyncio.timeout(240):
                await run.ended.wait()
            assert run.finished is not None and run.finished["result"] == "done"
            assert run.text.split("\n") == [str(number) for number in range(30)]

    scenario(test)


def test_a_run_whose_lease_was_lost_is_stopped_and_says_nothing_more(live: LiveRunner) -> None:
    run = live.submit(
        "import time\nprint('begun')\nfor n in range(100):\n    time.sleep(0.1)\n    print('tick', n)\n"
    )
    live.wait_for_line(run, "begun")

    async def take_away() -> int:
        # As another runner's claim would: the fence grows.
        run.claim = {**run.claim, "fence": run.claim["fence"] + 1}
        return len(run.lines)

    lines = live.call(take_away())
    time.sleep(2.5)
    assert run.finished is None
    assert len(run.lines) <= lines + 1

    async def finish() -> None:
        run.finished = {}

    live.call(finish())


def test_a_bundle_that_cannot_be_fetched_ends_the_run_with_a_reason(bubblewrap_runner: LiveRunner) -> None:
    async def submit() -> TwinRun:
        run = bubblewrap_runner.twin.submit("x = 1")
        run.claim["bundle"] = "0" * 64
        async with asyncio.timeout(240):
            await run.ended.wait()
        return run

    run = bubblewrap_runner.call(submit())
    assert run.finished is not None
    assert run.finished["cause"] == "runner_error"
    assert "no such bundle" in run.finished["error"]


@pytest.mark.parametrize("path", ["../evil.py", "/etc/evil", "a/../../evil", "a//b", "./x", "", "a\0b"])
def test_a_bundle_with_a_path_that_leaves_it_is_refused(bubblewrap_runner: LiveRunner, path: str) -> None:
    ended = bubblewrap_runner.execute({"main.py": "x = 1", path: "x"})
    assert ended.cause == "runner_error" and "not a relative path inside the bundle" in ended.error


def test_runs_go_on_at_the_same_time_up_to_the_concurrency(bubblewrap_runner: LiveRunner) -> None:
    async def several() -> list[TwinRun]:
        runs = [bubblewrap_runner.twin.submit("import time\nprint('begun')\ntime.sleep(200)\n") for _ in range(4)]
        await eventually(lambda: all("begun" in run.text for run in runs), what=lambda: "they wait for each other")
        for run in runs:
            run.cancel = True
        async with asyncio.timeout(240):
            await asyncio.gather(*(run.ended.wait() for run in runs))
        return runs

    runs = bubblewrap_runner.call(several())
    assert [run.finished and run.finished["cause"] for run in runs] == ["cancelled"] * 4


def test_sigterm_gives_back_a_run_that_has_not_started(state_directory: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with running(state_directory, tmp_path) as (twin, runner):
            twin.bundle_delay = 0.7
            run = twin.submit("print('never')\n")
            await eventually(lambda: run.claimed_by is not None)
            runner.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(runner.process.wait, 240) == 0
            assert (run.claimed_by, run.started, run.finished) == (None, 0, None)

    scenario(test)


def test_what_a_killed_runner_left_behind_is_cleared_by_the_next(tmp_path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    left = tmp_path / f"jails-{gone.stdout.strip()}-ab"
    own = tmp_path / f"jails-{os.getpid()}-cd"
    for directory in (left, own):
        directory.mkdir()
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    with (
        subprocess.Popen([*sleep, f"{left}/1-x/bundle"]) as orphan,
        subprocess.Popen([*sleep, f"{own}/1-x/bundle"]) as working,
    ):
        # A process that was cloned an instant before still has no command line of its own.
        wait_until(
            lambda: all(b"time.sleep" in Path(f"/proc/{one.pid}/cmdline").read_bytes() for one in (orphan, working))
        )
        clear_leftovers(tmp_path)
        assert orphan.wait(timeout=240) == -signal.SIGKILL
        assert not left.exists() and own.exists()
        assert working.poll() is None
        working.kill()
