"""Adopts grandchildren whose parent died, so that none outlives the supervisor and none stays a zombie."""

import contextlib
import os
import signal
import time
from collections.abc import Collection
from pathlib import Path

from platform_api.supervisor.processes.identity import libc

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Makes orphaned descendants children of this process from now on (as they are of process 1 in a container)."""
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(own_children: Collection[int]) -> None:
    """Collects adopted children that have ended; who started `own_children` waits for them."""
    for pid in _children(os.getpid()):
        if pid not in own_children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def end_descendants(*, timeout: float = 5.0) -> None:
    """Kills whatever still descends from this process and waits for it, up to `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while (pids := _children(os.getpid())) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children(pid: int) -> list[int]:
    pids: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            pids += map(int, (task / "children").read_text().split())
    return pids
