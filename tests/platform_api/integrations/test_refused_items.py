"""Refusals say what was wrong, and of many items which one."""

import json
from typing import Any

import pytest

from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.integrations.raw_upstream import connect_raw, raw_upstream
from tests.platform_api.integrations.test_bodies import own_client

pytestmark = pytest.mark.anyio


async def _parallel(platform: Platform, caller: Caller, items: list[dict[str, Any]]) -> dict[str, Any]:
    async with platform.client(caller) as client:
        reply = await client.post("/api/integrations/raw/parallel_call/", json={"endpoint": "/x", "data_list": items})
    assert reply.status_code == 200, reply.text
    answered: dict[str, Any] = reply.json()
    return answered


async def test_a_refused_item_keeps_its_ids_and_is_not_counted_as_used(shared_platform: Platform) -> None:
    other, caller = await shared_platform.create_caller(), await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        foreign = await connect_raw(shared_platform, other, upstream.url)
        own = await connect_raw(shared_platform, caller, upstream.url)
        items: list[dict[str, Any]] = [
            {"connection_id": own},
            {"connection_id": 999_999, "organization_id": caller.organization_id},
            {"connection_id": str(foreign), "organization_id": str(other.organization_id)},
            {"connection_id": "anna@example.com"},
            {"connection_id": own, "organization_id": "abc"},
            {"connection_id": own, "headers": {"Host": "x"}},
        ]
        answered = await _parallel(shared_platform, caller, items)
    ids = [(one["connection_id"], one["organization_id"]) for one in answered["responses"]]
    mine = caller.organization_id
    assert ids == [
        (own, mine),
        (999_999, mine),
        (foreign, other.organization_id),
        ("anna@example.com", None),
        (own, "abc"),
        (own, mine),
    ]
    assert answered["connections_used"] == {str(own): 2}
    assert [one["api_response"]["ok"] for one in answered["responses"]] == [True, *[False] * 5]


@pytest.mark.parametrize("text", ["abc", "-1", "0", "1e3", "99999999999999999999", "1.5", ""])
async def test_an_organization_id_that_is_none_is_called_so(shared_platform: Platform, text: str) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        own = await connect_raw(shared_platform, caller, upstream.url)
        item = {"connection_id": own, "organization_id": text}
        [refused] = (await _parallel(shared_platform, caller, [item]))["responses"]
        async with shared_platform.client(caller) as client:
            single = await client.post(
                "/api/integrations/raw/call/", params={"organization_id": text}, json={"endpoint": "/x"}
            )
            many = await client.post(
                "/api/integrations/raw/parallel_call_for_connection/",
                params={"connection_id": own, "organization_id": text},
                json={"data_list": [{}]},
            )
        assert not upstream.arrived
    assert refused["api_response"]["status_code"] == single.status_code == many.status_code == 422
    for said in (refused["api_response"]["text"], single.json()["detail"], many.json()["detail"]):
        assert said.startswith("organization_id: "), said


async def test_another_organization_is_told_as_that_whether_or_not_it_exists(shared_platform: Platform) -> None:
    other, caller = await shared_platform.create_caller(), await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        own = await connect_raw(shared_platform, caller, upstream.url)
        await connect_raw(shared_platform, other, upstream.url)
        said = {}
        for organization in (int(other.organization_id), 2_000_000_000):
            item = {"connection_id": own, "organization_id": organization}
            [refused] = (await _parallel(shared_platform, caller, [item]))["responses"]
            async with shared_platform.client(caller) as client:
                single = await client.post(
                    "/api/integrations/raw/call/", params={"organization_id": organization}, json={"endpoint": "/x"}
                )
            assert (refused["api_response"]["status_code"], single.status_code) == (403, 403)
            assert refused["api_response"]["text"] == single.json()["detail"]
            said[organization] = single.json()["detail"].replace(str(organization), "N")
        assert not upstream.arrived
    assert len(set(said.values())) == 1
    assert said[2_000_000_000].startswith("organization_id: N is not yours to work in")


async def test_in_the_own_organization_the_connection_is_what_is_wrong(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
    item = {"connection_id": 999_999, "organization_id": caller.organization_id}
    [refused] = (await _parallel(shared_platform, caller, [item]))["responses"]
    assert refused["api_response"]["text"].startswith("connection '999999' to raw does not exist")


async def test_the_client_does_not_remember_the_connection_of_a_refused_item(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        own = await connect_raw(shared_platform, caller, upstream.url)
        async with own_client(shared_platform, caller) as api:
            for items, remembered in (([{"connection_id": own}], own), ([{"connection_id": 999_999}], own)):
                stream = api.integrations.parallel_call_stream("raw", "GET", "/x", items)
                answers = [answer async for answer in stream]
                assert answers[0]["connection_id"] == items[0]["connection_id"], json.dumps(answers, default=str)
                assert api.connection_id == remembered
