"""Watches a run in its jail until it ends, and determines the reason."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from sandbox_runner.isolation.policy import IsolationLevel
from sandbox_runner.jails.channel import ChannelBroken
from sandbox_runner.jails.disk_use import disk_bytes
from sandbox_runner.jails.jail import Exit, Jail
from sandbox_runner.jails.process_tree import proportional_bytes
from sandbox_runner.protocol import Cause, Limits, Outcome, Status, Usage
from sandbox_runner.reports.output import RunOutput
from sandbox_runner.reports.results import ResultRefused, clean_result, clean_text

_MEGABYTE = 1024 * 1024
_MESSAGE_SLACK_BYTES = 256 * 1024
_SAMPLE_SECONDS = 0.25
_PAUSE_PER_SCAN = 4
_TERMINATE_SECONDS = 2.0
_MEMORY_SLACK_BYTES = 48 * _MEGABYTE
_OWN_PROCESSES = 2
# Threads of their own, so that no other check of a run waits for one of those.
_SCANS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="disk-use")
_ENDS_BY_USER_CODE = frozenset(
    {
        Cause.RETURNED,
        Cause.EXCEPTION,
        Cause.EXIT,
        Cause.SYNTAX_ERROR,
        Cause.MEMORY_LIMIT,
        Cause.PROCESS_LIMIT,
        Cause.RESULT_TOO_LARGE,
        Cause.CANCELLED,
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Describes the status and reason of the end of a run."""

    status: Status
    cause: Cause
    error: str | None
    result: Any = None
    notice: str | None = None


class Cancellation:
    """Holds a request to end a run from outside, with the verdict to report."""

    def __init__(self) -> None:
        self._set = asyncio.Event()
        self.verdict: Verdict | None = None

    def request(self, verdict: Verdict) -> None:
        """Requests the end of the run; later requests are ignored."""
        if self.verdict is None:
            self.verdict = verdict
            self._set.set()

    async def wait(self) -> Verdict:
        """Waits for a request and returns its verdict."""
        await self._set.wait()
        assert self.verdict is not None
        return self.verdict


CANCELLED_BY_REQUEST = Verdict("stopped", Cause.CANCELLED, "the run was cancelled")
RUNNER_STOPPED = Verdict("failed", Cause.RUNNER_LOST, "the runner was stopped before the run had ended")


async def supervise(
    jail: Jail, message: dict[str, Any], *, limits: Limits, output: RunOutput, cancellation: Cancellation
) -> Outcome:
    """Sends the run to the jail, waits until it ends, and kills all processes of the jail."""
    started = time.monotonic()
    if jail.cgroup is not None:
        memory = limits.memory_mb * _MEGABYTE + _MEMORY_SLACK_BYTES
        jail.cgroup.limit(memory_bytes=memory, processes=limits.processes + _OWN_PROCESSES)
    output.attach(framed=jail.output.fileno(), stdout=jail.stdout.fileno(), stderr=jail.stderr.fileno())
    try:
        with contextlib.suppress(OSError):
            await jail.control.send(message)
        verdict = await _first(
            _end(jail, limits),
            _wall_clock(limits),
            _resources(jail, limits),
            _disk(jail),
            _overflow(output, limits),
            _cancelled(jail, cancellation),
        )
    finally:
        ended, kills = await _all_gone(jail, output)
    if verdict is None:
        verdict = _verdict_of_exit(ended, out_of_memory_kills=kills, limits=limits)
    if verdict.cause is Cause.CANCELLED:
        # The script only saw SIGTERM; the reason for it is known here.
        verdict = cancellation.verdict or _killed_by(signal.SIGTERM)
    if verdict.notice:
        output.system(clean_text(verdict.notice))
    wall = time.monotonic() - started
    return Outcome(
        status=verdict.status,
        cause=verdict.cause,
        result=verdict.result,
        error=clean_text(verdict.error) if verdict.error is not None else None,
        usage=Usage(wall_ms=int(wall * 1000), cpu_ms=int(ended.cpu_seconds * 1000), max_rss_kb=ended.max_rss_kb),
    )


async def _first(*waits: Coroutine[Any, Any, Verdict | None]) -> Verdict | None:
    """Returns the result of the first wait that ends; if several end at once, of the first in the list."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task.result() for task in tasks if task.done())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _all_gone(jail: Jail, output: RunOutput) -> tuple[Exit, int]:
    """Kills the remaining processes and reads the rest of the output; returns exit and out-of-memory kills."""
    jail.kill()
    ended = await jail.gone()
    output.finish()
    return ended, jail.cgroup.out_of_memory_kills() if jail.cgroup is not None else 0


async def _end(jail: Jail, limits: Limits) -> Verdict | None:
    """Returns the end that the harness reports; None if the process ended without a report."""
    max_bytes = limits.result_kb * 1024 * 2 + _MESSAGE_SLACK_BYTES
    try:
        message = await jail.control.receive(max_bytes=max_bytes)
        if message is None:
            # The channel was closed, perhaps by user code: the exit status of the process decides.
            await asyncio.shield(jail.exited)
            return None
        return _verdict_of_message(message)
    except (ChannelBroken, ResultRefused) as error:
        return Verdict("failed", Cause.KILLED, f"ended by the runner: {error}")


def _verdict_of_message(message: dict[str, Any]) -> Verdict:
    """Reads the harness's report; user code may have forged it, so only known values are accepted."""
    status, cause = message.get("status"), message.get("cause")
    if status not in ("completed", "failed", "stopped") or cause not in _ENDS_BY_USER_CODE:
        raise ChannelBroken("the jail reported an end that does not exist")
    if (status == "completed") != (cause in (Cause.RETURNED, Cause.EXIT)) and (status, cause) != (
        "failed",
        Cause.EXIT,
    ):
        raise ChannelBroken(f"the jail reported {status} with cause {cause}")
    error, notice = message.get("error"), message.get("notice")
    return Verdict(
        status,
        Cause(cause),
        str(error) if error is not None else None,
        result=clean_result(message.get("result")) if status == "completed" else None,
        notice=str(notice) if notice is not None else None,
    )


async def _wall_clock(limits: Limits) -> Verdict:
    await asyncio.sleep(limits.wall_seconds)
    return Verdict("failed", Cause.TIMEOUT, f"the run took longer than {limits.wall_seconds:g} s")


async def _overflow(output: RunOutput, limits: Limits) -> Verdict:
    await output.overflowed.wait()
    return Verdict("failed", Cause.OUTPUT_LIMIT, f"the run printed more than {limits.output_kb} KB")


async def _cancelled(jail: Jail, cancellation: Cancellation) -> Verdict:
    verdict = await cancellation.wait()
    jail.terminate()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_TERMINATE_SECONDS):
            await asyncio.shield(jail.exited)
    return verdict


async def _resources(jail: Jail, limits: Limits) -> Verdict:
    """Checks several times a second the limits that the kernel does not enforce for the jail as a whole."""
    memory = limits.memory_mb * _MEGABYTE
    bounding = jail.cgroup if jail.cgroup is not None and jail.cgroup.limits_memory else None
    while True:
        await asyncio.sleep(_SAMPLE_SECONDS)
        used = jail.usage()
        if used.cpu_seconds > limits.cpu_seconds:
            return _out_of_cpu(limits)
        if bounding is not None:
            # The kernel chooses the process to kill; a script that lost a child could wait for it until its timeout.
            if bounding.out_of_memory_kills():
                return _out_of_memory(limits)
        elif used.resident_bytes > memory + _MEMORY_SLACK_BYTES:
            exact = await asyncio.to_thread(proportional_bytes, jail.root_pid)
            if exact > memory + _MEMORY_SLACK_BYTES:
                return _out_of_memory(limits)


async def _disk(jail: Jail) -> Verdict:
    """Checks the files of the run, beside the other checks: a scan of many files takes long."""
    # In bubblewrap the work directory is a file system of limited size; files in memory are outside of it.
    directories = () if jail.policy.level is IsolationLevel.BUBBLEWRAP else (jail.policy.host.work,)
    max_bytes = jail.policy.scratch_bytes
    measure = partial(disk_bytes, directories, jail.root_pid, max_bytes=max_bytes)
    pause = _SAMPLE_SECONDS
    while True:
        await asyncio.sleep(pause)
        began = time.monotonic()
        if await asyncio.get_running_loop().run_in_executor(_SCANS, measure) > max_bytes:
            return Verdict(
                "failed",
                Cause.KILLED,
                f"the run wrote more than {max_bytes // _MEGABYTE} MB to its work directory, deleted files that are "
                f"open or mapped included; each file and directory counts as at least 4 KB",
            )
        pause = max(_SAMPLE_SECONDS, _PAUSE_PER_SCAN * (time.monotonic() - began))


def _out_of_cpu(limits: Limits) -> Verdict:
    return Verdict("failed", Cause.CPU_LIMIT, f"the run used more than {limits.cpu_seconds:g} s of processor time")


def _out_of_memory(limits: Limits) -> Verdict:
    return Verdict("failed", Cause.MEMORY_LIMIT, f"the run used more than {limits.memory_mb} MB of memory")


def _verdict_of_exit(ended: Exit, *, out_of_memory_kills: int, limits: Limits) -> Verdict:
    """Returns the verdict on a process that ended without a report."""
    if ended.status == 0:
        return Verdict("completed", Cause.EXIT, None)
    number = ended.status - 128
    if number == signal.SIGXCPU or (number == signal.SIGKILL and ended.cpu_seconds >= limits.cpu_seconds):
        return _out_of_cpu(limits)
    if out_of_memory_kills:
        return _out_of_memory(limits)
    if number in signal.valid_signals():
        return _killed_by(number)
    return Verdict("failed", Cause.EXIT, f"the process ended with status {ended.status} without a value")


def _killed_by(number: int) -> Verdict:
    return Verdict("failed", Cause.KILLED, f"the run was killed by {signal.Signals(number).name}")
