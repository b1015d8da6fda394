"""Files that are sent once, for their previews and their import."""

import json

import httpx
import pytest

from platform_api.csv import uploads
from tests.platform_api.conftest import Platform
from tests.platform_api.csv.working import Shop, open_shop

pytestmark = pytest.mark.anyio

UPLOADS = "/api/apps/csv-imports/uploads/"


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


async def upload(client: httpx.AsyncClient, content: bytes = b"sku,amount\nA,1\nB,x\n") -> str:
    answer = await client.post(UPLOADS, files={"file": ("products.csv", content)})
    assert (answer.status_code, answer.json()["name"], answer.json()["size"]) == (201, "products.csv", len(content))
    return str(answer.json()["id"])


async def test_a_file_is_sent_once_for_previews_and_the_import(shop: Shop) -> None:
    into = {"app": str(shop.app.id), "table": "products"}
    async with shop.client() as client:
        file = await upload(client)
        for _ in range(2):
            looked = await client.post("/api/apps/csv-imports/preview/", data={**into, "upload": file})
            assert (looked.json()["rows_to_repair"], looked.json()["total_rows"]) == (1, 2), looked.text
        sent = await client.post("/api/apps/csv-imports/", data={**into, "upload": file})
        assert sent.status_code == 201, sent.text
        plan = {"table": "things", "columns": [{"position": 1, "name": "sku", "type": "text"}]}
        created = await client.post(
            "/api/apps/from-file/", data={"name": "New", "upload": file, "plan": json.dumps(plan)}
        )
        assert created.status_code == 201, created.text
    job = await shop.ended("csv-imports", sent.json()["id"])
    assert (job["file_name"], job["import_result"]["inserted"]) == ("products.csv", 1)
    assert await shop.download(job["file"]) == b"sku,amount\nA,1\nB,x\n"


async def test_a_request_has_one_file(shop: Shop) -> None:
    into = {"app": str(shop.app.id), "table": "products"}
    async with shop.client() as client:
        file = await upload(client)
        neither = await client.post("/api/apps/csv-imports/", data=into)
        both = await client.post("/api/apps/csv-imports/", data={**into, "upload": file}, files={"file": b"sku\nA\n"})
        empty = await client.post(UPLOADS, files={"file": ("a.csv", b"")})
    assert [answer.status_code for answer in (neither, both, empty)] == [422, 422, 400]
    assert neither.json()["fields"][0]["path"] == both.json()["fields"][0]["path"] == "file"


async def test_uploads_are_the_organizations_own_and_few(
    shop: Shop, shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_WAITING", 2)
    other = await open_shop(shared_platform)
    async with shop.client() as client, other.client() as stranger:
        theirs = await upload(stranger)
        files = [await upload(client) for _ in range(3)]
        into = {"app": str(shop.app.id), "table": "products"}
        found = [
            (await client.post("/api/apps/csv-imports/preview/", data={**into, "upload": file})).status_code
            for file in (theirs, *files)
        ]
        kept = await stranger.post("/api/apps/csv-imports/preview/", data={"upload": theirs})
    assert found == [422, 422, 200, 200], "another organization's, and the oldest of one's own"
    assert kept.status_code == 200
