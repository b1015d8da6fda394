"""Reads the resources used by a process and its descendants from /proc."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_CPU_FIELDS = slice(11, 15)  # utime, stime, cutime, cstime, counted after the command's closing parenthesis
_RESIDENT_FIELD = 21


@dataclass(frozen=True, slots=True)
class TreeUsage:
    """Sums the resources used by a process tree; `cpu_seconds` includes children that were waited for."""

    processes: int
    cpu_seconds: float
    resident_bytes: int


def descendants(process_id: int) -> Iterator[int]:
    """Yields the descendants of a process, parents before children; processes may end during the iteration."""
    waiting = [process_id]
    while waiting:
        for child in _children(waiting.pop()):
            yield child
            waiting.append(child)


def tree_usage(process_id: int) -> TreeUsage:
    """Returns the resources that a process and its descendants use now; zeros when it is gone."""
    processes, ticks, pages = 0, 0, 0
    for member in (process_id, *descendants(process_id)):
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[_CPU_FIELDS])
            pages += int(fields[_RESIDENT_FIELD])
            processes += 1
    return TreeUsage(processes, ticks / _TICKS_PER_SECOND, pages * _PAGE_BYTES)


def proportional_bytes(process_id: int) -> int:
    """Returns the tree's memory in bytes with shared pages counted once; slower than `tree_usage`."""
    total = 0
    for member in (process_id, *descendants(process_id)):
        with contextlib.suppress(OSError, ValueError):
            for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def _children(process_id: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{process_id}/task").iterdir():
            with contextlib.suppress(OSError):
                children += map(int, (task / "children").read_text().split())
    return children
