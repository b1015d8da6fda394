"""`kill -9` of the control plane in the middle of an import: every line is in once."""

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from platform_api.supervisor.testing import Installation
from tests.memory import quick_directory

ROWS = 8_000
BAD_EVERY = 500

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture
def installation() -> Iterator[Installation]:
    with (
        tempfile.TemporaryDirectory(prefix="amc-", dir=quick_directory()) as directory,
        Installation(Path(directory) / "data", arguments=("--no-runner",)) as running,
    ):
        yield running


def content() -> bytes:
    lines = [f"item-{n},{'bad' if n % BAD_EVERY == 0 else n}" for n in range(1, ROWS + 1)]
    return ("sku,amount\n" + "\n".join(lines) + "\n").encode()


def ask(installation: Installation, method: str, path: str, **options: Any) -> Any:
    """A request that must succeed; while the control plane is being restarted it is sent again."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError), installation.client() as client:
            answer = client.request(method, path, **options)
            if answer.status_code < 500:
                assert answer.is_success, answer.text
                return answer.json()
        time.sleep(0.05)
    raise AssertionError(f"{path} did not answer:\n{installation.log[-4000:]}")


def test_an_import_goes_on_where_the_killed_process_had_committed(installation: Installation) -> None:
    app = ask(installation, "POST", "/api/apps/", json={"name": "Stock"})["id"]
    columns = [{"name": "sku", "type": "text", "required": True}, {"name": "amount", "type": "integer"}]
    ask(installation, "POST", f"/api/apps/{app}/new_table/", json={"name": "items", "columns": columns})
    # No unique key: a line that was written twice would be two rows.
    sent = ask(
        installation,
        "POST",
        "/api/apps/csv-imports/",
        data={"app": str(app), "table": "items"},
        files={"file": ("items.csv", content())},
    )
    path = f"/api/apps/csv-imports/{sent['id']}/"
    seen, killed, job = 0, False, sent
    deadline = time.monotonic() + 200
    while job["status"] not in ("completed", "failed"):
        assert time.monotonic() < deadline, f"{job}\n{installation.log[-4000:]}"
        job = ask(installation, "GET", path)
        total = job["import_result"]["total"]
        assert total >= seen, "what was committed stays"
        if total == seen:
            time.sleep(0.05)
        if not killed and job["status"] == "in_progress" and total > seen:
            pid = installation.wait_child("control-plane")
            os.kill(pid, signal.SIGKILL)
            killed = True
            installation.wait_child("control-plane", other_than=pid)
        seen = total
    assert killed, "the import was too quick to be killed"
    result = job["import_result"]
    bad = ROWS // BAD_EVERY
    assert (job["status"], job["progress"]) == ("completed", 100), job
    assert (result["total"], result["inserted"], result["rejected"]) == (ROWS, ROWS - bad, bad)
    assert [error["line"] for error in result["errors"]] == [n * BAD_EVERY + 1 for n in range(1, bad + 1)]

    table = f"app_{app}_items"
    found: list[str] = []
    for offset in range(0, ROWS, 5000):
        query = f"{{ {table}(order_by: {{id: asc}}, limit: 5000, offset: {offset}) {{ sku }} }}"
        answer = ask(installation, "POST", f"/api/apps/{app}/v1/graphql", json={"query": query})
        found += [row["sku"] for row in answer["data"][table]]
    assert sorted(found) == sorted(f"item-{n}" for n in range(1, ROWS + 1) if n % BAD_EVERY), "each line once"
    with installation.client() as client:
        rejected = client.get(path + "rejected/").text.splitlines()
    assert len(rejected) == bad + 1, "each rejected line once"
