"""Clears what a runner that was killed with SIGKILL left behind, when the next runner starts.

Jails die with their runner, except for a bwrap that was just cloned and has not requested that yet. The directories
of a dead runner's jails stay. Both have the runner's process id in their path.
"""

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path

_PREFIX = "jails-"
_UNUSED_SECONDS = 7 * 24 * 3600


def jails_directory(state: Path) -> Path:
    """Returns a new path for this runner's jails, with its process id."""
    return state / f"{_PREFIX}{os.getpid()}-{os.urandom(4).hex()}"


def clear_leftovers(state: Path) -> None:
    """Kills processes and deletes directories of dead runners, and content that no runner has used for a week."""
    for directory in state.glob(f"{_PREFIX}*"):
        runner = directory.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path("/proc", runner).exists():
            _end_processes_of(directory)
            shutil.rmtree(directory, ignore_errors=True)
    patterns = ("site-*", "harness-*", "python-*", ".building-*")
    for prepared in (path for pattern in patterns for path in state.glob(pattern)):
        with contextlib.suppress(OSError):
            if time.time() - prepared.stat().st_mtime > _UNUSED_SECONDS:
                shutil.rmtree(prepared, ignore_errors=True)


def _end_processes_of(directory: Path) -> None:
    mark = f"{directory}/".encode()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)
