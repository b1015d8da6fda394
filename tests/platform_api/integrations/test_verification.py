"""A key is tried before it is stored: what the service refuses is no connection."""

from typing import Any

import pytest
from pydantic import ValidationError

from platform_api.integrations.definitions.refusal import Refusal
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.integrations.raw_upstream import RawUpstream, raw_upstream
from tests.ports import free_port

pytestmark = pytest.mark.anyio

KEY = "sk-very-secret"


async def _define(platform: Platform, caller: Caller, url: str, **definition: Any) -> None:
    whole = {
        "id": "raw",
        "name": "Raw",
        "base_url": url,
        "auth": {"type": "bearer"},
        "status_check_url": "/me",
        "retry": {"attempts": 1},
        **definition,
    }
    async with platform.client(caller) as client:
        made = await client.post("/api/integrations/", json=whole)
        assert made.status_code == 201, made.text


async def _connect(platform: Platform, caller: Caller) -> tuple[int, dict[str, Any], list[str]]:
    """Status and reply, and the connections that there are afterwards."""
    async with platform.client(caller) as client:
        body = {"name": "one", "credentials": {"token": KEY}}
        made = await client.post("/api/integrations/raw/connections/", json=body)
        listed = (await client.get("/api/integrations/raw/connections/")).json()["results"]
    return made.status_code, made.json(), [one["name"] for one in listed]


def _told(upstream: RawUpstream, status: int, body: str, **headers: str) -> None:
    upstream.answer(body.encode(), status=status, content_type="application/json", **headers)


@pytest.mark.parametrize(
    ("refusal", "status", "body"),
    [
        ({}, 401, f'{{"error": "bad key\\n {KEY}"}}'),
        ({"statuses": [401, 403]}, 403, "{}"),
        ({"at": "error.code", "values": [40001]}, 200, '{"error": {"code": 40001}}'),
        ({"at": "ok", "values": [False]}, 200, '{"ok": false}'),
        ({"at": "errcode", "values": ["40001"]}, 400, '{"errcode": 40001}'),
        ({"at": "errors.*.code", "values": [7]}, 200, '{"errors": [{"code": 1}, {"message": "x"}, {"code": 7}]}'),
        ({"at": "errors.*.extensions.code", "values": ["OUT"]}, 400, '{"errors": [{"extensions": {"code": "OUT"}}]}'),
        ({"at": '["error.code"]', "values": [7]}, 200, '{"error.code": 7}'),
    ],
)
async def test_a_refused_key_is_not_stored(
    shared_platform: Platform, refusal: dict[str, Any], status: int, body: str
) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await _define(shared_platform, caller, upstream.url, refusal=refusal)
        _told(upstream, status, body)
        answered, reply, listed = await _connect(shared_platform, caller)
        assert [one.target for one in upstream.arrived] == ["/me"]
        assert upstream.last.header("Authorization") == f"Bearer {KEY}"
        assert (answered, listed) == (422, [])
        assert f"Raw does not accept them, so nothing was stored: it answered {status}" in reply["detail"]
        assert KEY not in reply["detail"] and "\n" not in reply["detail"]
        _told(upstream, 200, '{"error": {"code": 0}, "ok": true, "errcode": 0}')
        answered, reply, listed = await _connect(shared_platform, caller)
    assert (answered, listed) == (201, ["one"])
    assert reply["tested"] == {"ok": True, "status_code": 200, "message": "accepted"}


@pytest.mark.parametrize(
    ("refusal", "status", "headers"),
    [
        ({}, 403, {}),
        ({}, 500, {}),
        ({"statuses": [401, 403]}, 403, {"retry_after": "1"}),
        ({"statuses": [403]}, 401, {}),
        ({"at": "errcode", "values": [1]}, 200, {}),
        ({"at": "errors.*.code", "values": [1]}, 200, {}),
        ({"at": "?", "values": [1]}, 200, {}),
    ],
)
async def test_any_other_answer_refuses_nothing(
    shared_platform: Platform, refusal: dict[str, Any], status: int, headers: dict[str, str]
) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await _define(shared_platform, caller, upstream.url, refusal=refusal)
        _told(upstream, status, '{"errcode": true}', **headers)
        answered, reply, listed = await _connect(shared_platform, caller)
    assert (answered, listed) == (201, ["one"])
    assert (reply["tested"]["ok"], reply["tested"]["status_code"]) == (status == 200, status)


async def test_a_service_that_is_away_or_has_no_test_refuses_nothing(shared_platform: Platform) -> None:
    port = free_port()
    for definition in ({}, {"status_check_url": None}):
        caller = await shared_platform.create_caller()
        await _define(shared_platform, caller, f"http://127.0.0.1:{port}", **definition)
        answered, reply, listed = await _connect(shared_platform, caller)
        assert (answered, listed) == (201, ["one"])
        assert (reply["tested"] or {}).get("message") in (None, f"cannot connect to 127.0.0.1:{port}: refused")


async def test_a_private_address_is_not_called_by_trying(module_database_url: str) -> None:
    async with raw_upstream() as upstream:
        settings = make_settings(module_database_url, allow_private_upstreams=False)
        async with running_platform(settings) as platform:
            caller = await platform.create_caller()
            await _define(platform, caller, upstream.url)
            _, reply, _ = await _connect(platform, caller)
        assert "private or local address" in reply["tested"]["message"] and not upstream.arrived


async def test_only_builders_of_the_organization_try_a_key(shared_platform: Platform) -> None:
    caller, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await _define(shared_platform, caller, upstream.url)
        async with shared_platform.client(stranger) as client:
            body = {"name": "one", "credentials": {"token": KEY}}
            assert (await client.post("/api/integrations/raw/connections/", json=body)).status_code == 404
        assert not upstream.arrived


async def test_the_test_of_a_connection_reads_refusals_too(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await _define(shared_platform, caller, upstream.url, refusal={"at": "ok", "values": [False]})
        _, made, _ = await _connect(shared_platform, caller)
        _told(upstream, 200, '{"ok": false}')
        async with shared_platform.client(caller) as client:
            tested = await client.post(f"/api/integrations/raw/connections/{made['id']}/test/")
            assert (await client.get("/api/integrations/raw/")).json()["refusal"] == {
                "statuses": [401],
                "at": "ok",
                "values": [False],
            }
    assert tested.json() == {"ok": False, "status_code": 200, "message": "Raw answered 200"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"at": "errcode"}, "give both `at`"),
        ({"values": [1]}, "give both `at`"),
        ({"statuses": [200]}, "greater than or equal to 400"),
        ({"statuses": ["many"]}, "integer"),
        ({"at": "a", "values": [{}]}, "values"),
    ],
)
def test_a_refusal_that_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Refusal.model_validate(changes)


def test_a_value_is_compared_as_it_is_written() -> None:
    refusal = Refusal(at="x", values=(40001, "bad", False))
    candidates = (40001, "40001", "bad", False, True, 0, "False", None, [], 40002)
    assert [value for value in candidates if refusal.says(value)] == [40001, "40001", "bad", False]
