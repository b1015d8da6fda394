"""The client documentation's calls, against a real OAuth provider whose tokens expire meanwhile.

By our client in the sandbox, and by the published ones as they are.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from platform_api.mock_shop.app import Shop
from platform_api.supervisor.testing import Installation
from tests.integration.oauth_shop import OFFERS, TOKEN_SECONDS, connect_accounts, serving_shop
from tests.integration.published_clients.environments import EACH_CLIENT, IndexUnreachable, PublishedClient, install
from tests.memory import quick_directory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

_SCRIPT = Path(__file__).with_name("documented_calls.py")
_INTERFACE = "def test_ifc(orders):\n    return len(orders)\n"
_PLUGIN = """
from plugins.interfaces.test_interface import test_ifc


def foo(connection_ids: list):
    counts = []
    for connection_id in connection_ids:
        data, response = api.integrations.call(
            api.integrations.get_integration("allegro_sandbox"),
            method="GET",
            endpoint="/orders",
            connection_id=connection_id,
        )
        counts.append(test_ifc(data["orders"]))
    return counts
"""


@dataclass(frozen=True)
class Documented:
    """A platform with two connected accounts, a plugin, and the script as an action."""

    installation: Installation
    shop: Shop
    given: dict[str, Any]
    action_id: int
    environment: dict[str, str]


@pytest.fixture(scope="module")
def documented() -> Iterator[Documented]:
    with (
        serving_shop() as (shop, url),
        tempfile.TemporaryDirectory(prefix="amd-", dir=quick_directory()) as directory,
        Installation(Path(directory) / "data", environment={"ALLOW_PRIVATE_UPSTREAMS": "true"}) as installation,
        installation.client() as platform,
    ):
        app = _post(platform, "/api/apps/", {"name": "Documented"})
        _post(platform, f"/api/apps/{app['id']}/new_table/", {"name": "orders", "columns": []})
        connection_ids = connect_accounts(platform, url)
        _post(
            platform,
            "/api/plugins/plugin-interfaces/",
            {"namespace": "test_interface", "capabilities": ["foo"], "code": _INTERFACE},
        )
        plugin = {"integration_id": "allegro_sandbox", "code": _PLUGIN}
        _post(platform, "/api/plugins/plugin-interfaces/test_interface/plugins/", plugin)
        action = {"app": app["id"], "name": "calls", "action_type": "app_action", "entry": "calls.py:run"}
        made = _post(platform, "/api/actions/", {**action, "code": _SCRIPT.read_text()})
        token = _post(platform, "/api/tokens/", {"app": app["id"], "scopes": ["data", "run"]})["token"]
        given = {
            "offers": [str(10_000_000 + number) for number in range(OFFERS)],
            "organization_id": installation.admin["organization_id"],
            "table": f"app_{app['id']}_orders",
            "connection_ids": connection_ids,
            "token_seconds": TOKEN_SECONDS,
            "plugins": True,
        }
        environment = {"API_BASE_URL": installation.url, "APP_TOKEN": token, "APP_ID": str(app["id"])}
        yield Documented(installation, shop, given, made["id"], environment)


def _post(platform: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = platform.post(path, json=body)
    assert answer.is_success, f"POST {path} answered {answer.status_code}: {answer.text}"
    made: dict[str, Any] = answer.json()
    return made


def _expect_everything(seen: dict[str, Any], documented: Documented) -> None:
    offers = documented.given["offers"]
    organization = str(documented.given["organization_id"])
    assert seen["basic"] == {"default": "anna", "per connection": [10, 10], "posted": 201, "error": 404}
    for number in range(2):
        several = seen[f"parallel {number}"]["several"]
        assert len(several) == len(offers) + 1 and several[-1] == "error 403"
        assert not any(name.startswith("error") for name in several[:-1])
        assert seen[f"parallel {number}"]["one"] == offers
        assert seen[f"streamed {number}"] == {"ids": offers, "final": len(offers)}
    names = ["anna@shop.example", "bert@shop.example"]
    assert seen["connections"] == {"all": {organization: names}, "mine": names, "catalogue": True}


def _renewals(documented: Documented) -> int:
    return int(documented.shop.tokens.issued.get("refresh_token", 0))


def test_our_client_in_the_sandbox(documented: Documented) -> None:
    before = _renewals(documented)
    with documented.installation.client() as platform:
        run = _post(platform, f"/api/actions/{documented.action_id}/run/", {"user_input": documented.given})
        deadline = time.monotonic() + 240
        while (status := platform.get(f"/api/actions/runs/{run['run_id']}/status/").json())["status"] in (
            "pending",
            "running",
        ):
            assert time.monotonic() < deadline, status
            time.sleep(0.1)
    assert status["status"] == "completed", status
    _expect_everything(status["result"], documented)
    # One more order: the script posted one, to the account it came to last.
    assert sorted(status["result"]["plugins"][0])[0] == 10
    assert _renewals(documented) >= before + 2


@pytest.mark.parametrize("client", EACH_CLIENT)
def test_a_published_client(documented: Documented, client: PublishedClient) -> None:
    try:
        python = install(client)
    except IndexUnreachable as error:
        pytest.skip(f"{client} cannot be installed: {error}")
    before = _renewals(documented)
    settings = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "HOME", "TZ")}
    done = subprocess.run(
        [python, "-B", _SCRIPT, client.package],
        # Plugins are modules of a run only: `invoke` of the published clients looks for them on the path.
        input=json.dumps({**documented.given, "plugins": False}),
        env={**settings, **documented.environment},
        cwd=documented.installation.data_dir,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    _expect_everything(json.loads(done.stdout), documented)
    assert _renewals(documented) >= before + 2
