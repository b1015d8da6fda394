"""The published client `automio` 0.1.6, unmodified, in place of ours inside a jail."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sandbox_runner.conftest import LiveRunner, start_live

_WANTED = ("automio==0.1.6", "requests")


@pytest.fixture(scope="module")
def published_site(state_directory: Path) -> Path:
    """Provides a site directory with the published client and its dependencies, fetched once per test run."""
    site = state_directory.parent / "published-site"
    if (site / "automio").is_dir():
        return site
    staging = state_directory.parent / f"published-{time.monotonic_ns()}"
    fetched = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--target",
            staging,
            *_WANTED,
        ],
        capture_output=True,
        text=True,
        timeout=600,
    )
    if fetched.returncode != 0:
        pytest.skip(f"the package index cannot be reached: {fetched.stderr.strip().splitlines()[-1:]}")
    if not site.exists():
        staging.rename(site)
    return site


@pytest.fixture(scope="module", params=["bubblewrap", "landlock"])
def published(request: pytest.FixtureRequest, published_site: Path, state_directory: Path) -> Iterator[LiveRunner]:
    state_directory.mkdir(exist_ok=True, mode=0o711)
    yield from start_live(request.param, state_directory, site=published_site)


def test_the_published_client_talks_through_the_broker(published: LiveRunner) -> None:
    ended = published.execute(
        "import automio\n"
        "from automio.wrapper import API\n"
        "api = API()\n"
        "print('set', api.app_cache.set('rates', {'EUR': 4.3}))\n"
        "print('progress', api.task.set_progress(40, info='half', status='running'))\n"
        "result = {'entry': api.app_cache.get('rates'), 'missing': api.app_cache.get('none')}\n",
        environment={"ACTION_ID": "5", "ACTION_TYPE": "app_action"},
        timeout=240,
    )
    assert ended.status == "completed", ended
    assert ended.result["entry"] == {"key": "rates", "value": {"EUR": 4.3}, "exists": True, "ttl": -1}
    assert ended.result["missing"] is None
    progress = next(request for request in published.twin.received if "set-progress" in request.target)
    assert json.loads(progress.body)["progress"] == 40
    assert progress.headers["Authorization"] == f"Bearer amt_run_{ended.run.claim['run_id']}"
