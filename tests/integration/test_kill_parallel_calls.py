"""`kill -9` of the control plane during many parallel calls: a clear error or the rest of the answers.

The accounts are connected by OAuth, with tokens that are renewed every other second: whatever renewal the kill meets,
the connections work afterwards.
"""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from automio import AutomioError, StreamInterrupted
from automio.wrapper import API
from platform_api.mock_shop.app import Shop
from platform_api.mock_shop.faults import Fault
from platform_api.supervisor.testing import Installation
from tests.integration.oauth_shop import INTEGRATION, connect_accounts, serving_shop
from tests.memory import quick_directory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

CALLS = 500


@dataclass(frozen=True)
class Connected:
    """A platform with accounts at the shop."""

    installation: Installation
    shop: Shop
    connection_ids: list[int]


@pytest.fixture(scope="module")
def connected() -> Iterator[Connected]:
    with (
        serving_shop() as (shop, url),
        tempfile.TemporaryDirectory(prefix="amk-", dir=quick_directory()) as directory,
        Installation(
            Path(directory) / "data",
            arguments=["--no-runner"],
            environment={"ALLOW_PRIVATE_UPSTREAMS": "true", "LOG_LEVEL": "WARNING"},
        ) as installation,
        installation.client() as platform,
    ):
        platform.post("/api/apps/", json={"name": "Killed"}).raise_for_status()
        yield Connected(installation, shop, connect_accounts(platform, url))


@pytest.fixture
def api(connected: Connected, monkeypatch: pytest.MonkeyPatch) -> Iterator[API]:
    monkeypatch.setenv("API_BASE_URL", connected.installation.url)
    monkeypatch.setenv("APP_TOKEN", connected.installation.admin["token"])
    monkeypatch.setenv("APP_ID", "killed")
    # Answers take their time: all of them need some seconds.
    connected.shop.faults.add(Fault("delay", path="/offers", times=10**6, seconds=0.25))
    with API() as api:
        yield api
    connected.shop.faults.clear()


def _items(connected: Connected) -> list[dict[str, Any]]:
    return [
        {"connection_id": connected.connection_ids[number % 2], "url_params": {"id": str(10_000_000 + number % 20)}}
        for number in range(CALLS)
    ]


def _kill_when(connected: Connected, has_begun: Callable[[], bool]) -> threading.Thread:
    """Kills the control plane once it has begun; the thread ends when another one has taken its place."""
    killed = connected.installation.wait_child("control-plane")

    def kill() -> None:
        deadline = time.monotonic() + 240
        while not has_begun() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(killed, signal.SIGKILL)
        connected.installation.wait_child("control-plane", other_than=killed)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread


def _expect_all_is_well(connected: Connected, api: API) -> None:
    connected.shop.faults.clear()
    deadline = time.monotonic() + 240
    while True:
        try:
            answers = api.integrations.parallel_call(
                INTEGRATION, method="GET", endpoint="/offers/{id}", data_list=_items(connected)
            )
            break
        except AutomioError:
            assert time.monotonic() < deadline
            time.sleep(0.2)
    assert [answer.api_response.status_code for answer in answers] == [200] * CALLS
    with connected.installation.client() as platform:
        listed = platform.get(f"/api/integrations/{INTEGRATION}/connections/").json()["results"]
    assert [(one["status"], one["status_reason"]) for one in listed] == [("active", "")] * 2


def test_collected_calls_end_in_a_clear_error_or_all_answers(connected: Connected, api: API) -> None:
    before = connected.shop.requests
    killing = _kill_when(connected, lambda: connected.shop.requests > before + 150)
    try:
        answers = api.integrations.parallel_call(
            INTEGRATION, method="GET", endpoint="/offers/{id}", data_list=_items(connected)
        )
    except AutomioError as error:
        assert str(error)
    else:
        assert len(answers) == CALLS
    killing.join()
    _expect_all_is_well(connected, api)


def test_a_stream_of_harmless_calls_goes_on_where_it_was(connected: Connected, api: API) -> None:
    seen: list[int] = []
    killing = _kill_when(connected, lambda: len(seen) > 100)
    for result in api.integrations.parallel_call_stream(
        INTEGRATION, method="GET", endpoint="/offers/{id}", data_list=_items(connected)
    ):
        if result.get("final"):
            assert result["total_processed"] == CALLS
        else:
            seen.append(result["index"])
    assert sorted(seen) == list(range(CALLS))
    killing.join()
    _expect_all_is_well(connected, api)


def test_a_stream_of_calls_that_change_something_says_which_are_open(connected: Connected, api: API) -> None:
    seen: list[int] = []
    killing = _kill_when(connected, lambda: len(seen) > 100)
    with pytest.raises(StreamInterrupted, match=rf"of {CALLS} requests have no answer yet"):
        for result in api.integrations.parallel_call_stream(
            INTEGRATION, method="PATCH", endpoint="/offers/{id}", json={"stock": 7}, data_list=_items(connected)
        ):
            seen.append(result["index"])
    assert 100 < len(seen) < CALLS and len(set(seen)) == len(seen)
    killing.join()
    _expect_all_is_well(connected, api)
