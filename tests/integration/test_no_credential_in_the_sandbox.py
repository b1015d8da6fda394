"""A script that has just called an integration looks for the third party's credentials wherever it can look."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from platform_api.mock_shop.app import Shop
from platform_api.supervisor.testing import Installation
from tests.integration.oauth_shop import INTEGRATION, connect_accounts, serving_shop
from tests.memory import quick_directory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

API_KEY = "shop-key-anna"
# What is looked for comes in two halves that are never put together: the script must not find itself.
SEARCH = """
import os
from pathlib import Path
from automio.wrapper import API

api = API()
for integration in ("allegro_sandbox", "shop"):
    data, response = api.integrations.call(integration, method="GET", endpoint="/me")
    assert response.ok, response.text
    for result in api.integrations.parallel_call_stream(integration, "GET", "/offers", [{}, {}]):
        pass


def memory():
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, rights = line.split()[:2]
        if "r" not in rights or "[v" in line:
            continue
        start, end = (int(edge, 16) for edge in span.split("-"))
        with open("/proc/self/mem", "rb", 0) as file:
            try:
                file.seek(start)
                yield file.read(min(end - start, 256 * 1024 * 1024))
            except OSError:
                continue


def files():
    for root, _, names in os.walk("/"):
        if root.startswith(("/proc", "/sys", "/usr", "/lib", "/dev", "/etc", "/bin", "/sbin")):
            continue
        for name in names:
            path = Path(root, name)
            try:
                if path.is_file() and path.stat().st_size < 200_000 and not name.endswith((".py", ".pyc")):
                    yield path.read_bytes()
            except OSError:
                continue


def holds(piece, first, second):
    at = piece.find(first)
    while at >= 0:
        if piece[at + len(first) : at + len(first) + len(second)] == second:
            return True
        at = piece.find(first, at + 1)
    return False


def found(first, second):
    places = {"memory": memory, "files": files, "environment": lambda: [repr(dict(os.environ)).encode()]}
    first, second = first.encode(), second.encode()
    return sorted(name for name, pieces in places.items() if any(holds(piece, first, second) for piece in pieces()))


def run(event):
    own = "".join(("a-secret", "-of-its-own"))
    Path("note.txt").write_text(own)
    os.environ["NOTE"] = own
    halves = event["user_input"]["halves"]
    return {"own": found("a-secret", "-of-its-own"), "credentials": [found(*pair) for pair in halves]}
"""


@pytest.fixture(scope="module")
def shop() -> Iterator[tuple[Shop, str]]:
    # One token for all of the test: the script is told what to look for when it starts.
    with serving_shop(token_seconds=600) as serving:
        yield serving


@pytest.fixture(scope="module")
def platform(shop: tuple[Shop, str]) -> Iterator[httpx.Client]:
    with (
        tempfile.TemporaryDirectory(prefix="ams-", dir=quick_directory()) as directory,
        Installation(Path(directory) / "data", environment={"ALLOW_PRIVATE_UPSTREAMS": "true"}) as installation,
        installation.client() as client,
    ):
        connect_accounts(client, shop[1], ["anna"])
        definition = {
            "id": "shop",
            "name": "Shop",
            "base_url": shop[1],
            "auth": {"type": "api_key", "location": "header", "name": "X-Api-Key"},
        }
        _post(client, "/api/integrations/", definition)
        _post(client, "/api/integrations/shop/connections/", {"name": "a", "credentials": {"api_key": API_KEY}})
        yield client


def _post(platform: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = platform.post(path, json=body)
    assert answer.is_success, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_a_script_finds_what_it_holds_and_no_credential(platform: httpx.Client, shop: tuple[Shop, str]) -> None:
    tokens = shop[0].tokens
    secrets = [API_KEY, "shop-secret", *tokens.by_access_token, *tokens.by_refresh_token]
    assert len(secrets) == 4, "one access and one refresh token"
    app = _post(platform, "/api/apps/", {"name": "Search"})
    action = {"app": app["id"], "name": "search", "action_type": "app_action", "entry": "search.py:run"}
    made = _post(platform, "/api/actions/", {**action, "code": SEARCH})
    halves = [[secret[: len(secret) // 2], secret[len(secret) // 2 :]] for secret in secrets]
    run = _post(platform, f"/api/actions/{made['id']}/run/", {"user_input": {"halves": halves}})
    deadline = time.monotonic() + 240
    while (status := platform.get(f"/api/actions/runs/{run['run_id']}/status/").json())["status"] in (
        "pending",
        "running",
    ):
        assert time.monotonic() < deadline, status
        time.sleep(0.1)
    assert status["status"] == "completed", status
    assert status["result"] == {"own": ["environment", "files", "memory"], "credentials": [[]] * 4}
    # The credentials were the ones in use.
    called = platform.post(f"/api/integrations/{INTEGRATION}/call/", json={"endpoint": "/me"}).json()
    assert called["api_data"]["login"] == "anna"
    assert [*tokens.by_access_token, *tokens.by_refresh_token] == secrets[2:]
