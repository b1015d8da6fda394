"""Measures the time from a request to the first line of an action, compared with a bare `python3 -c`.

The request goes to an in-memory control plane over HTTP, so this measures the runner: claim, ready jail, user code,
log line. Rounds are interleaved; compare the ratios, not the milliseconds.
"""

import argparse
import asyncio
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import structlog
from pydantic import SecretStr

from sandbox_runner.runner import Runner
from sandbox_runner.settings import IsolationChoice, RunnerSettings
from sandbox_runner.testing import RUNNER_TOKEN, TwinControlPlane

_SCRIPT = "print('first line')\n"
_SETTLE_SECONDS = 0.6
_BURST = 20


def bare_python() -> float:
    """Returns the milliseconds until a fresh interpreter's first line arrives."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", _SCRIPT], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        return (time.perf_counter() - began) * 1000


async def first_line(twin: TwinControlPlane) -> float:
    """Returns the milliseconds until a run's first line has arrived at the control plane."""
    began = time.monotonic()
    run = twin.submit(_SCRIPT)
    await run.ended.wait()
    assert run.first_line_at is not None, run.finished
    return (run.first_line_at - began) * 1000


async def burst(twin: TwinControlPlane) -> float:
    """Runs per second when many are asked for at once: bounded by making new jails."""
    began = time.monotonic()
    runs = [twin.submit(_SCRIPT) for _ in range(_BURST)]
    await asyncio.gather(*(run.ended.wait() for run in runs))
    return _BURST / (time.monotonic() - began)


async def measure(level: IsolationChoice, rounds: int, state: Path) -> None:
    """Prints one line per way of starting."""
    ready, fresh, bare = [], [], []
    async with TwinControlPlane() as warm_plane, TwinControlPlane() as cold_plane:
        runners = [_runner(warm_plane, level, state, ready_jails=2), _runner(cold_plane, level, state, ready_jails=0)]
        working = [asyncio.create_task(runner.run()) for runner in runners]
        await asyncio.gather(first_line(warm_plane), first_line(cold_plane))
        for _ in range(rounds):
            await asyncio.sleep(_SETTLE_SECONDS)
            bare.append(await asyncio.to_thread(bare_python))
            ready.append(await first_line(warm_plane))
            fresh.append(await first_line(cold_plane))
        per_second = await burst(warm_plane)
        for runner in runners:
            runner.stop()
        await asyncio.gather(*working)
    floor = statistics.median(bare)
    sys.stdout.write(f"{'bare python3 -c':<34} {floor:8.1f} ms  1.00\n")
    for name, values in ((f"{level}, ready-made jail", ready), (f"{level}, jail made on request", fresh)):
        sys.stdout.write(f"{name:<34} {statistics.median(values):8.1f} ms  {statistics.median(values) / floor:.2f}\n")
    sys.stdout.write(f"{f'{level}, {_BURST} runs at once':<34} {per_second:8.1f} runs/s\n")


def _runner(twin: TwinControlPlane, level: IsolationChoice, state: Path, *, ready_jails: int) -> Runner:
    return Runner(
        RunnerSettings(
            server=twin.base_url,
            token=SecretStr(RUNNER_TOKEN),
            isolation=level,
            ready_jails=ready_jails,
            state_directory=state,
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--isolation", choices=["bubblewrap", "landlock", "none"], default="bubblewrap")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="automio-bench-") as state:
        asyncio.run(measure(IsolationChoice(options.isolation), options.rounds, Path(state)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
