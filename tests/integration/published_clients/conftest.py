"""A platform with an app, and what the published clients see of it: one run of all checks per client."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from platform_api.supervisor.testing import Installation
from tests.integration.published_clients.environments import EACH_CLIENT, IndexUnreachable, PublishedClient, install
from tests.integration.published_clients.preparation import Prepared, prepare
from tests.memory import quick_directory

_CHECKS = Path(__file__).with_name("checks.py")
_MAX_RUN_SECONDS = 600

Report = dict[int, str | None]


@pytest.fixture(scope="module")
def prepared(shop_url: str) -> Iterator[Prepared]:
    """`automio up` with the app `orders`, an action, and a connection to a shop on loopback."""
    # PostgreSQL's socket lies below it: pytest's own directories are too deep.
    with tempfile.TemporaryDirectory(prefix="amp-", dir=quick_directory()) as directory:
        environment = {"ALLOW_PRIVATE_UPSTREAMS": "true"}
        with Installation(Path(directory) / "data", environment=environment) as installation:
            yield prepare(installation, shop_url)


@pytest.fixture(scope="module", params=EACH_CLIENT)
def report(request: pytest.FixtureRequest, prepared: Prepared) -> Report:
    """What each check of one client found: None, or what went wrong."""
    client: PublishedClient = request.param
    try:
        python = install(client)
    except IndexUnreachable as error:
        pytest.skip(f"{client} cannot be installed: {error}")
    # A `.env` above the package would be read by the client; its environment must come from here alone.
    settings = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "HOME", "TZ")}
    done = subprocess.run(
        [python, "-B", _CHECKS, client.package],
        input=json.dumps(prepared.facts),
        env={**settings, **prepared.environment},
        cwd=prepared.directory,
        capture_output=True,
        text=True,
        timeout=_MAX_RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return {int(row): problem for row, problem in json.loads(done.stdout).items()}
