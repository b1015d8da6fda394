"""`kill -9` of each part in the middle of an import: nothing acknowledged is lost, and the run ends.

The script writes a log line once a page's rows and its checkpoint were acknowledged, so the last line that arrived
says how many rows and which checkpoint must be there.
"""

import os
import re
import signal
from typing import Any

import pytest

from platform_api.demo.sample_shop import BILLING_ENTRIES, LINES_PER_ORDER, ORDERS
from platform_api.supervisor.testing import wait_gone
from tests.integration.conftest import SampleInstallation

PER_PAGE = 100
LEASE_SECONDS = 15
COMPLETE = {"orders": ORDERS, "order_lines": ORDERS * LINES_PER_ORDER, "billing_entries": BILLING_ENTRIES}

pytestmark = [pytest.mark.first, pytest.mark.slow, pytest.mark.timeout(1500)]


def start_import(sample: SampleInstallation) -> tuple[dict[str, Any], int]:
    """A run in the middle of its import, and how many pages of billing entries it has reported."""
    sample.empty()
    run = sample.start_run()
    sample.wait_log(run, "billing-entries: page 3 of")
    return run, reported_pages(sample.status(run)["logs"])


def reported_pages(log: str) -> int:
    return max((int(number) for number in re.findall(r"billing-entries: page (\d+) of", log)), default=0)


def expect_nothing_lost_and_an_end(sample: SampleInstallation, run: dict[str, Any], pages: int) -> None:
    ended = sample.wait_end(run, within=16 * LEASE_SECONDS)
    assert ended["status"] in {"completed", "failed"}
    counts = sample.counts()
    if ended["status"] == "completed":
        assert counts == COMPLETE
        return
    assert ended["error"], "a failed run says why"
    pages = max(pages, reported_pages(ended["logs"]))
    assert (counts["orders"], counts["order_lines"]) == (COMPLETE["orders"], COMPLETE["order_lines"])
    assert counts["billing_entries"] >= pages * PER_PAGE
    assert sample.checkpoint()["billing-entries"] >= pages


def expect_the_next_run_completes(sample: SampleInstallation) -> None:
    ended = sample.wait_end(sample.start_run())
    assert ended["status"] == "completed", ended
    assert sample.counts() == COMPLETE


@pytest.mark.parametrize("part", ["runner", "control-plane", "postgres"])
def test_a_killed_part_loses_nothing_and_the_run_ends(sample: SampleInstallation, part: str) -> None:
    run, pages = start_import(sample)
    pid = sample.installation.wait_child(part)
    os.kill(pid, signal.SIGKILL)
    expect_nothing_lost_and_an_end(sample, run, pages)
    sample.installation.wait_child(part, other_than=pid)
    expect_the_next_run_completes(sample)


def test_after_the_supervisor_is_killed_the_next_start_takes_over(sample: SampleInstallation) -> None:
    run, pages = start_import(sample)
    pids = sample.installation.descendants()
    sample.installation.kill()
    assert wait_gone(pids) == []

    sample.installation.start()
    expect_nothing_lost_and_an_end(sample, run, pages)
    expect_the_next_run_completes(sample)
