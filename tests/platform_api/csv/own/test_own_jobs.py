"""What a caller sees of their own imports and exports, and what they are told of the end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from platform_api.accounts.models import Role
from platform_api.csv.models import CsvExport, CsvImport
from platform_api.csv.own.telling import tell_ended
from tests.platform_api.conftest import BASE_URL, Caller, Platform
from tests.platform_api.csv.working import Shop, open_shop

pytestmark = pytest.mark.anyio

PATH = "/api/apps/csv-jobs/"


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


async def own_jobs(shop: Shop, caller: Caller | None = None) -> list[dict[str, Any]]:
    async with shop.client(caller) as client:
        answer = await client.get(PATH)
    assert answer.status_code == 200, answer.text
    jobs: list[dict[str, Any]] = answer.json()["results"]
    return jobs


@asynccontextmanager
async def signed_in(shop: Shop) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a sign-in, as the console is one."""
    headers = {"X-Organization-Id": shop.caller.organization_slug, "Origin": BASE_URL}
    async with shop.platform.client(timeout=240, headers=headers) as it:
        credentials = {"email": shop.caller.email, "password": Platform.password}
        assert (await it.post("/api/sessions/", json=credentials)).status_code == 200
        yield it


async def send(client: httpx.AsyncClient, shop: Shop, content: str, name: str = "a.csv", **form: str) -> int:
    data = {"app": str(shop.app.id), "table": "products", **form}
    sent = await client.post("/api/apps/csv-imports/", data=data, files={"file": (name, content.encode())})
    assert sent.status_code == 201, sent.text
    return int(sent.json()["id"])


async def inbox(shop: Shop) -> list[dict[str, Any]]:
    async with shop.client() as client:
        found: list[dict[str, Any]] = (await client.get("/api/notifications/")).json()["results"]
    return found


async def change(shop: Shop, statement: str) -> None:
    async with shop.platform.database.transaction() as session:
        values = {"organization": shop.caller.organization_id} if ":organization" in statement else {}
        await session.execute(text(statement), values)


async def test_both_kinds_are_listed_newest_first_with_where_they_belong(shop: Shop) -> None:
    imported = await shop.import_("sku,amount\nA,1\nB,x\n")
    exported = await shop.export()
    waiting = (await shop.send("sku\nC\n")).json()
    async with shop.client() as client:
        await client.post(f"/api/apps/csv-imports/{waiting['id']}/cancel/")
    jobs = await own_jobs(shop)
    assert [(job["kind"], job["id"]) for job in jobs] == [
        ("import", waiting["id"]),
        ("export", exported["id"]),
        ("import", imported["id"]),
    ]
    assert [job["is_cancelled"] for job in jobs] == [jobs[0]["status"] != "completed", False, False]
    app = {"id": shop.app.id, "slug": shop.app.slug, "name": shop.app.name}
    assert all((job["app"], job["table"]) == (app, "products") for job in jobs)
    assert (jobs[2]["file_name"], jobs[2]["rows"], jobs[2]["rejected"], jobs[2]["to_repair"]) == (
        "products.csv",
        2,
        1,
        1,
    )
    assert (jobs[1]["file"], jobs[1]["rows"], jobs[1]["total_rows"]) == (exported["file"], 1, None)


async def test_what_is_others_or_long_ago_is_not_listed(shop: Shop) -> None:
    await shop.import_("sku\nA\n")
    colleague = await shop.platform.create_colleague(shop.caller, Role.OWNER)
    stranger = await shop.platform.create_caller()
    elsewhere = await shop.platform.create_app(shop.caller)
    bound = await shop.platform.create_colleague(shop.caller, Role.OWNER, app_id=elsewhere.id)
    for other in (colleague, stranger, bound):
        assert await own_jobs(shop, other) == []
    assert len(await own_jobs(shop)) == 1
    long_ago = "update platform.csv_imports set finished_at = now() - interval '25 hours'"
    await change(shop, f"{long_ago} where organization_id = :organization")
    assert await own_jobs(shop) == []


async def test_who_imports_in_the_console_is_told_of_the_end(shop: Shop) -> None:
    async with signed_in(shop) as browser:
        repairs = await send(browser, shop, "sku,amount\nA,1\nB,x\n", "or\u2028ders.csv")
        await shop.ended("csv-imports", repairs)
        whole = await send(browser, shop, "sku\nC\nD\n")
        await shop.ended("csv-imports", whole)
        unreadable = await send(browser, shop, "%PDF-1.7")
        await shop.ended("csv-imports", unreadable)
    failed, done, to_repair = await inbox(shop)
    assert (to_repair["kind"], to_repair["title"]) == ("warning", "1 row of or ders.csv to repair")
    assert (done["kind"], done["title"], done["description"]) == (
        "success",
        "a.csv is imported",
        "2 rows are in products.",
    )
    assert (failed["kind"], failed["title"]) == ("error", "The import of a.csv failed")
    assert "PDF" in failed["description"]
    assert [item["data"]["import_id"] for item in (to_repair, done, failed)] == [repairs, whole, unreadable]
    assert {item["app_id"] for item in (to_repair, done, failed)} == {shop.app.id}


async def test_programs_and_trials_fill_no_inbox(shop: Shop) -> None:
    await shop.import_("sku\nA\n")
    async with signed_in(shop) as browser:
        await shop.ended("csv-imports", await send(browser, shop, "sku\nB\n", dry_run="true"))
    assert await inbox(shop) == []


async def tell_again(shop: Shop, kind: type[CsvImport | CsvExport], job_id: int) -> None:
    """Tells of a job that has ended as the process does that ends it."""
    async with shop.platform.database.transaction() as session:
        job = await session.get(kind, job_id)
        assert job is not None
        await tell_ended(session, job)


async def test_of_an_export_one_is_told_that_took_long(shop: Shop) -> None:
    async with signed_in(shop) as browser:
        asked = await browser.post("/api/apps/csv-exports/", json={"app": shop.app.id, "table": "products"})
        export_id = (await shop.ended("csv-exports", asked.json()["id"]))["id"]
    for age, titles in (("0 seconds", []), ("1 minute", ["products is exported"])):
        await change(
            shop,
            f"update platform.csv_exports set created_at = finished_at - interval '{age}'"
            " where organization_id = :organization",
        )
        await tell_again(shop, CsvExport, export_id)
        assert [item["title"] for item in await inbox(shop)] == titles


async def test_of_what_was_cancelled_and_after_one_has_left_nothing_is_told(shop: Shop) -> None:
    async with signed_in(shop) as browser:
        import_id = await send(browser, shop, "sku\nA\n")
        await shop.ended("csv-imports", import_id)
    mine = "where organization_id = :organization"
    for before, after in (
        (
            f"update platform.csv_imports set cancel_requested_at = now() {mine}",
            f"update platform.csv_imports set cancel_requested_at = null {mine}",
        ),
        (
            f"update platform.users set is_active = false where id = {shop.caller.user_id}",
            f"update platform.users set is_active = true where id = {shop.caller.user_id}",
        ),
    ):
        await change(shop, before)
        await tell_again(shop, CsvImport, import_id)
        await change(shop, after)
        assert len(await inbox(shop)) == 1, "of its end alone"
