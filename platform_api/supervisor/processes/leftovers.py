"""Ends processes of an embedded PostgreSQL that outlived its supervisor, or whose postmaster was killed.

A pid alone says nothing: after a restart of the machine or of a container the number in `postmaster.pid` may belong
to anything, and PostgreSQL then refuses to start. And after a `kill -9` of the postmaster its backends may work on
for a while; starting beside them would fail because of their shared memory. So we look for processes that have the
data directory as their working directory (all of PostgreSQL's do), or that `postmaster.pid` names by pid **and**
start time.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_START_TIME_TOLERANCE = 3.0


class LeftoverError(RuntimeError):
    """Reports that a PostgreSQL which we may not stop still works on the data directory."""


@dataclass(frozen=True, slots=True)
class Process:
    """Identifies a process so that a later one with the same pid is not mistaken for it."""

    pid: int
    start_ticks: int

    def is_alive(self) -> bool:
        return start_ticks(self.pid) == self.start_ticks


def start_ticks(pid: int) -> int | None:
    """Returns when the process started, in clock ticks since boot; None when there is none or it is a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command's name is in parentheses and may itself hold spaces and parentheses.
    fields = stat[stat.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else int(fields[19])


def find_leftovers(data: Path) -> list[Process]:
    """Returns the processes of a PostgreSQL on data directory `data`."""
    processes = {process.pid: process for process in _working_in(data)}
    if (recorded := _recorded_postmaster(data)) is not None:
        processes[recorded.pid] = recorded
    return list(processes.values())


def stop_leftovers(data: Path, *, timeout: float = 10.0) -> list[Process]:
    """Ends what is left of a PostgreSQL on `data` and removes its lock file; returns what was ended.

    Immediate shutdown first (its parent-death signal has asked for the same), `kill` after `timeout` seconds.
    Raises LeftoverError when a process belongs to another user.
    """
    leftovers = find_leftovers(data)
    for number in (signal.SIGQUIT, signal.SIGKILL):
        for process in leftovers:
            _send(process, number)
        deadline = time.monotonic() + timeout
        while any(process.is_alive() for process in leftovers) and time.monotonic() < deadline:
            time.sleep(0.02)
    if alive := [process.pid for process in leftovers if process.is_alive()]:
        raise LeftoverError(
            f"PostgreSQL processes {alive} still work on {data} and do not end; end them, then start again"
        )
    (data / "postmaster.pid").unlink(missing_ok=True)
    return leftovers


def _working_in(data: Path) -> Iterator[Process]:
    directory = str(data.resolve())
    for entry in os.listdir("/proc"):  # noqa: PTH208 - thousands of entries, no need for Path objects
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            if (
                str(Path(f"/proc/{entry}/cwd").readlink()) == directory
                and (ticks := start_ticks(int(entry))) is not None
            ):
                yield Process(int(entry), ticks)


def _recorded_postmaster(data: Path) -> Process | None:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, started = int(lines[0]), float(lines[2])
    except (OSError, ValueError, IndexError):
        return None
    ticks = start_ticks(pid)
    if ticks is None or pid == os.getpid():
        return None
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    if abs(boot + ticks / os.sysconf("SC_CLK_TCK") - started) > _START_TIME_TOLERANCE:
        return None
    return Process(pid, ticks)


def _send(process: Process, number: signal.Signals) -> None:
    """Signals through a pidfd opened before the check, so that a reused pid can never be hit."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if process.is_alive():
            signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise LeftoverError(
            f"PostgreSQL (process {process.pid}) of another user works on the data directory; stop it first"
        ) from error
    finally:
        os.close(descriptor)
