"""`automio demo --exit` as a person runs it, twice."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_api.demo.sample_shop import BILLING_ENTRIES, LINES_PER_ORDER, ORDERS
from tests.memory import quick_directory


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="amd-", dir=quick_directory()) as made:
        yield Path(made)


def _demo(directory: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*(sys.executable, "-P", "-m", "automio.cli", "demo"), "--exit", "--port", "0", "--data-dir", "data"],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=800,
    )


def _rows(output: str) -> dict[str, int]:
    """The last column of the table that is printed."""
    found = re.findall(r"│ (orders|order_lines|billing_entries) +│ +[\d,]+ │ +([\d,]+) │", output)
    return {table: int(count.replace(",", "")) for table, count in found}


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_demonstration_completes_and_a_second_one_adds_no_row(directory: Path) -> None:
    expected = {"orders": ORDERS, "order_lines": ORDERS * LINES_PER_ORDER, "billing_entries": BILLING_ENTRIES}
    for _ in range(2):
        done = _demo(directory)
        assert done.returncode == 0, done.stdout + done.stderr
        assert _rows(done.stdout) == expected
        assert "rows/s" in done.stdout
        assert "Where to look next" in done.stdout
        assert _processes_in(directory) == []


def _processes_in(directory: Path) -> list[str]:
    """Command lines of processes that name the directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(directory) in command:
            found.append(command)
    return found
