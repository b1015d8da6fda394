"""Measures the start time of `automio up` (first and later starts), its memory, and its CPU when idle.

`python -m benchmarks.startup`. Memory is PSS, which counts pages shared between processes once in total; CPU is of
all processes together, in percent of one core.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from platform_api.supervisor.testing import Installation

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Sequence[int]) -> float:
    """Returns the user and system time of the processes."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS_PER_SECOND


def memory_kilobytes(pid: int) -> int:
    """Returns the proportional set size (PSS) of a process."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def role(pid: int) -> str:
    """Returns the role of a process of an installation, by its command line."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    if "control_plane" in command:
        return "control plane with engine"
    if "postgres" in command.split(" ")[0]:
        return "PostgreSQL"
    if "automio.cli up" in command:
        return "supervisor"
    return "runner and ready-made jails"


def timed_start(installation: Installation) -> float:
    started = time.perf_counter()
    installation.start()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="later starts to take the median of")
    parser.add_argument("--idle-seconds", type=float, default=20.0, help="how long CPU is watched")
    arguments = parser.parse_args()
    console = Console()

    with tempfile.TemporaryDirectory(prefix="amb-") as directory:
        installation = Installation(Path(directory) / "data")
        first = timed_start(installation)
        later = []
        for _ in range(arguments.rounds):
            installation.stop()
            later.append(timed_start(installation))
        time.sleep(5)  # ready-made jails are still being prepared
        pids = installation.descendants()
        memory: dict[str, int] = defaultdict(int)
        for pid in pids:
            memory[role(pid)] += memory_kilobytes(pid)
        before = cpu_seconds(pids)
        time.sleep(arguments.idle_seconds)
        idle = 100 * (cpu_seconds([pid for pid in pids if Path(f"/proc/{pid}").exists()]) - before)
        installation.stop()

    table = Table(title="automio up")
    table.add_column("measure")
    table.add_column("value", justify="right")
    table.add_row("first start (initdb, migrations, administrator)", f"{first:.2f} s")
    table.add_row(f"later start, median of {len(later)}", f"{statistics.median(later):.2f} s")
    for name, kilobytes in sorted(memory.items()):
        table.add_row(f"memory: {name}", f"{kilobytes / 1024:.0f} MB")
    table.add_row("memory: all", f"{sum(memory.values()) / 1024:.0f} MB")
    table.add_row(f"CPU when idle, over {arguments.idle_seconds:.0f} s", f"{idle / arguments.idle_seconds:.2f} %")
    console.print(table)


if __name__ == "__main__":
    main()
