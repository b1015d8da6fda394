"""The newest published client, unmodified, in the place of ours inside the jail: the same checks."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from platform_api.supervisor.testing import Installation
from tests.integration.published_clients.counting import counting_upstream
from tests.integration.published_clients.environments import RECENT, IndexUnreachable, install
from tests.integration.published_clients.preparation import prepare_recent
from tests.integration.published_clients.test_inside_the_sandbox import put_into_jail, run_checks
from tests.integration.published_clients.test_recent_client import CHECKS, calls
from tests.memory import quick_directory


@pytest.fixture(scope="module")
def report(shop_url: str) -> Iterator[dict[str, Any]]:
    try:
        install(RECENT)
    except IndexUnreachable as error:
        pytest.skip(f"{RECENT} cannot be installed: {error}")
    # PostgreSQL's socket lies below it, and jails under another uid look into it.
    with tempfile.TemporaryDirectory(prefix="ams-", dir=quick_directory()) as directory, counting_upstream() as url:
        Path(directory).chmod(0o755)
        state = Path(directory) / "runner"
        put_into_jail(RECENT, state)
        environment = {"ALLOW_PRIVATE_UPSTREAMS": "true", "RUNNER_STATE_DIR": str(state)}
        with Installation(Path(directory) / "data", environment=environment) as installation:
            facts = {**prepare_recent(installation, shop_url, url).facts, "owner_token": None, "is_inside": True}
            with installation.client() as platform:
                yield run_checks(platform, facts, CHECKS)


@pytest.mark.timeout(1500)
@pytest.mark.parametrize("call", calls())
def test_a_call_of_the_newest_client_is_served_inside_the_jail(call: str, report: dict[str, Any]) -> None:
    assert report["client"].endswith("/automio/__init__.py")
    assert report["report"][call] is None, f"{call}\n{report['report'][call]}"
