"""Streams of imports and exports: progress, the end, coming back, and who may follow."""

import asyncio
import json
from typing import Any

import pytest

from platform_api.csv.live import stream as streams
from platform_api.csv.worker import CsvWorker
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.csv.working import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


async def follow(shop: Shop, path: str, *, last: str = "", **query: str) -> list[tuple[str, str, dict[str, Any]]]:
    """The events of a stream until the server ends it: name, id, data."""
    events = []
    async with shop.client() as client:
        headers = {"Last-Event-ID": last} if last else {}
        answer = await client.get(path, params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    for block in answer.text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and line[0] != ":")
        if "data" in fields:
            events.append((fields["event"], fields["id"], json.loads(fields["data"])))
    return events


async def test_an_import_is_followed_to_its_end(shop: Shop) -> None:
    sent = (await shop.send("sku,amount\n" + "".join(f"A{n},{n}\n" for n in range(1200)) + "B,x\n")).json()
    path = f"/api/apps/csv-imports/{sent['id']}/stream/"
    following = asyncio.create_task(follow(shop, path, organization=shop.caller.organization_slug))
    await shop.platform.app.services[CsvWorker].import_next()
    events = await asyncio.wait_for(following, 240)
    assert [name for name, _, _ in events][-1] == "end" and {name for name, _, _ in events[:-1]} <= {"progress"}
    done = [data["import_result"]["total"] for _, _, data in events]
    assert done == sorted(done) and done[-1] == 1201
    _, last_id, last = events[-1]
    assert (last["status"], last["to_repair"]) == ("completed", 1)
    # Who comes back is told the end again: it may have been what was missed.
    assert [name for name, _, _ in await follow(shop, path, last=last_id)] == ["end"]


async def test_an_export_is_followed_to_its_end(shop: Shop) -> None:
    await shop.import_("sku\nA\nB\n")
    job = await shop.export()
    [(name, _, data)] = await follow(shop, f"/api/apps/csv-exports/{job['id']}/stream/")
    assert (name, data["rows"], data["status"]) == ("end", 2, "completed")


async def test_a_cancelled_import_ends_its_stream(shop: Shop) -> None:
    sent = (await shop.send("sku\nA\n")).json()
    following = asyncio.create_task(follow(shop, f"/api/apps/csv-imports/{sent['id']}/stream/"))
    async with shop.client() as client:
        await client.post(f"/api/apps/csv-imports/{sent['id']}/cancel/")
    await shop.ended("csv-imports", sent["id"])
    events = await asyncio.wait_for(following, 240)
    assert events[-1][0] == "end" and events[-1][2]["status"] in ("failed", "completed")


async def test_streams_are_of_the_organization_and_bounded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await shop.import_("sku\nA\n")
    stranger: Caller = await shop.platform.create_caller()
    path = f"/api/apps/csv-imports/{job['id']}/stream/"
    async with shop.client(stranger) as client:
        assert (await client.get(path)).status_code == 404
        query = {"organization": shop.caller.organization_slug}
        assert (await client.get(path, params=query)).status_code in (403, 404)
    monkeypatch.setattr(streams, "MAX_STREAMS", 0)
    async with shop.client() as client:
        assert (await client.get(path)).status_code == 429
