"""Grandchildren whose parent died are handed to the supervisor, so that none outlives it and none stays a zombie."""

import contextlib
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

from platform_api.supervisor.processes.identity import libc

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on orphaned descendants become children of this process (as they do of process 1 in a container)."""
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(known: Collection[int]) -> None:
    """Collects adopted children that have ended; children in `known` are waited for by who started them."""
    for pid in _children(os.getpid()):
        if pid not in known:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def end_descendants(*, patience: float = 5.0) -> None:
    """Kills whatever still descends from this process and waits for it."""
    deadline = time.monotonic() + patience
    while (pids := _children(os.getpid())) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found
