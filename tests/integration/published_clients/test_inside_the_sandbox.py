"""The published client, unmodified, in the place of ours inside the jail: the same checks through the broker."""

import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from platform_api.supervisor.testing import Installation
from tests.integration.published_clients.environments import CLIENTS, IndexUnreachable, PublishedClient, install
from tests.integration.published_clients.preparation import create_action, prepare
from tests.integration.published_clients.test_contract_rows import ROWS
from tests.memory import quick_directory

PUBLISHED = CLIENTS[0]
# A script may not create apps or tables: these paths do not lead out of the jail.
_ROWS_INSIDE = [row for row in ROWS if row < 20]
_CHECKS = Path(__file__).with_name("checks.py")


def put_into_jail(client: PublishedClient, state: Path) -> None:
    """Fills the runner's site directory with the client and what it needs, before the runner looks at it."""
    state.mkdir(mode=0o755)
    # In a process of its own, as the runner's: what tests before this one imported must not count.
    build = "import pathlib, sys, sandbox_runner.jails.content as c; print(c.prepare_site(pathlib.Path(sys.argv[1])))"
    built = subprocess.run([sys.executable, "-P", "-c", build, state], check=True, capture_output=True, text=True)
    site = Path(built.stdout.strip())
    version = sysconfig.get_python_version()
    installed = client.directory / "lib" / f"python{version}" / "site-packages"
    own_plugins = site / "plugins"
    kept = state / "plugins"
    shutil.move(own_plugins, kept)
    shutil.rmtree(site)
    shutil.copytree(installed, site, ignore=shutil.ignore_patterns("pip", "pip-*", "setuptools*", "*.pth"))
    shutil.move(kept, own_plugins)


@pytest.fixture(scope="module")
def report(shop_url: str) -> Iterator[dict[str, Any]]:
    try:
        install(PUBLISHED)
    except IndexUnreachable as error:
        pytest.skip(f"{PUBLISHED} cannot be installed: {error}")
    # PostgreSQL's socket lies below it, and jails under another uid look into it.
    with tempfile.TemporaryDirectory(prefix="amj-", dir=quick_directory()) as directory:
        Path(directory).chmod(0o755)
        state = Path(directory) / "runner"
        put_into_jail(PUBLISHED, state)
        environment = {"ALLOW_PRIVATE_UPSTREAMS": "true", "RUNNER_STATE_DIR": str(state)}
        with Installation(Path(directory) / "data", environment=environment) as installation:
            yield _run_inside(installation, shop_url)


def run_checks(platform: httpx.Client, facts: dict[str, Any], checks: Path) -> dict[str, Any]:
    """What the checks report that are run as an action of the app."""
    action = create_action(platform, facts["app_id"], "checks", checks.read_text())
    started = platform.post(
        f"/api/actions/{action['id']}/run/", json={"user_input": {"package": PUBLISHED.package, "facts": facts}}
    ).json()
    deadline = time.monotonic() + 200
    while True:
        status: dict[str, Any] = platform.get(f"/api/actions/runs/{started['run_id']}/status/").json()
        if status["status"] not in ("pending", "running"):
            break
        assert time.monotonic() < deadline, status
        time.sleep(0.1)
    assert status["status"] == "completed", status
    result: dict[str, Any] = status["result"]
    return result


def _run_inside(installation: Installation, shop_url: str) -> dict[str, Any]:
    prepared = prepare(installation, shop_url)
    facts = {**prepared.facts, "rows": _ROWS_INSIDE, "owner_token": None}
    with installation.client() as platform:
        return run_checks(platform, facts, _CHECKS)


def test_the_client_in_the_jail_is_the_published_one(report: dict[str, Any]) -> None:
    assert report["client"].endswith("/automio/__init__.py")
    assert set(report["report"]) == {str(row) for row in _ROWS_INSIDE}


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("row", _ROWS_INSIDE, ids=lambda row: f"row-{row:02}")
def test_a_published_client_is_served_inside_the_jail(row: int, report: dict[str, Any]) -> None:
    assert report["report"][str(row)] is None, f"{ROWS[row]}\n{report['report'][str(row)]}"
