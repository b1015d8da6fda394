"""Repair lists: what is on them, what a repair does, twice and from two sides, and who may."""

import asyncio
import io
from datetime import date
from typing import Any

import httpx
import openpyxl
import pytest

from platform_api.accounts.models import Role, Scope
from platform_api.csv.repairs import collecting
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.csv.working import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


async def listed(shop: Shop, import_id: int, **query: Any) -> dict[str, Any]:
    async with shop.client() as client:
        answer = await client.get(f"/api/apps/csv-imports/{import_id}/repairs/", params=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def send(shop: Shop, import_id: int, *rows: dict[str, Any], caller: Caller | None = None) -> httpx.Response:
    async with shop.client(caller) as client:
        return await client.post(f"/api/apps/csv-imports/{import_id}/repairs/", json={"rows": list(rows)})


async def repair(shop: Shop, import_id: int, *rows: dict[str, Any]) -> dict[str, Any]:
    answer = await send(shop, import_id, *rows)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def values(row: dict[str, Any]) -> dict[str, str]:
    return {item["column"]: item["value"] for item in row["values"]}


def reasons(row: dict[str, Any]) -> dict[str | None, str]:
    return {item["column"]: item["reason"] for item in row["reasons"]}


async def test_every_fault_of_a_row_is_listed_and_what_is_repaired_goes_in(shop: Shop) -> None:
    job = await shop.import_(
        "Article,Count,price\nA,1,2\nB,many,dear\nA,3,4\nC,1\n\x00,1,1\n",
        mapping={"Article": "sku", "Count": "amount"},
    )
    assert (job["to_repair"], job["repaired"], job["import_result"]["inserted"]) == (4, 0, 1)
    page = await listed(shop, job["id"])
    assert [row["line"] for row in page["results"]] == [3, 4, 5, 6]
    faulty, double, short, nul = page["results"]
    assert values(faulty) == {"sku": "B", "amount": "many", "price": "dear"}
    assert reasons(faulty) == {"amount": "'many' is not a whole number", "price": "'dear' is not a number"}
    assert reasons(double) == {None: "a row with this sku already exists"}
    assert short["raw"] == "C,1" and "too few fields" in reasons(short)[None]
    assert values(short) == {"sku": "C", "amount": "1", "price": ""}
    assert "NUL" in reasons(nul)["sku"]

    half = {"line": 3, "revision": 1, "values": {"amount": "2"}}
    whole = {"line": 5, "revision": 1, "values": {}}
    result = await repair(shop, job["id"], half, whole, {"line": 99, "revision": 1})
    outcomes = {item["line"]: item for item in result["results"]}
    assert {line: item["outcome"] for line, item in outcomes.items()} == {
        3: "rejected",
        5: "imported",
        99: "unknown",
    }
    stays = outcomes[3]["row"]
    assert (values(stays)["amount"], stays["revision"], reasons(stays)) == (
        "2",
        2,
        {"price": "'dear' is not a number"},
    )
    counts = result["csv_import"]["import_result"]
    assert (counts["inserted"], counts["rejected"], result["csv_import"]["to_repair"]) == (2, 3, 3)
    assert [row["line"] for row in (await listed(shop, job["id"]))["results"]] == [3, 4, 6]
    assert {row["sku"] for row in await shop.rows()} == {"A", "C"}


async def test_a_repair_that_is_sent_twice_or_by_two_writes_one_row(shop: Shop) -> None:
    job = await shop.import_("sku,amount\nA,x\nB,y\n")
    first = {"line": 2, "revision": 1, "values": {"amount": "1"}}
    answers = await asyncio.gather(*[repair(shop, job["id"], first) for _ in range(4)])
    outcomes = sorted(answer["results"][0]["outcome"] for answer in answers)
    assert outcomes == ["imported", "imported_before", "imported_before", "imported_before"]
    assert (await repair(shop, job["id"], first))["csv_import"]["repaired"] == 1
    # Somebody else has tried the other row meanwhile: what was typed before that does not overwrite it.
    await repair(shop, job["id"], {"line": 3, "revision": 1, "values": {"amount": "still bad"}})
    late = await repair(shop, job["id"], {"line": 3, "revision": 1, "values": {"amount": "7"}})
    assert late["results"][0]["outcome"] == "changed"
    assert values(late["results"][0]["row"])["amount"] == "still bad"
    assert [(row["sku"], row["amount"]) for row in await shop.rows()] == [("A", 1)]


async def test_typed_cells_keep_their_type_and_options_count(shop: Shop) -> None:
    book = openpyxl.Workbook()
    book.active.append(["sku", "amount", "price", "day"])
    book.active.append(["A", "x", 1.5, date(2026, 1, 31)])
    content = io.BytesIO()
    book.save(content)
    job = await shop.import_(content.getvalue(), name="a.xlsx", decimal=",")
    [row] = (await listed(shop, job["id"]))["results"]
    assert values(row) == {"sku": "A", "amount": "x", "price": "1.5", "day": "2026-01-31"}
    result = await repair(shop, job["id"], {"line": 2, "revision": 1, "values": {"amount": "1.000"}})
    assert result["results"][0]["outcome"] == "imported"
    [stored] = await shop.rows()
    assert (stored["amount"], float(stored["price"]), stored["day"]) == (1000, 1.5, "2026-01-31")


async def test_a_repaired_row_follows_the_rule_of_its_import(shop: Shop) -> None:
    await shop.import_("sku,amount\nA,1\n")
    upsert = {"columns": ["sku"], "action": "update"}
    job = await shop.import_("sku,amount\nA,x\n", on_conflict=upsert)
    result = await repair(shop, job["id"], {"line": 2, "revision": 1, "values": {"amount": "2"}})
    assert result["csv_import"]["import_result"]["updated"] == 1
    assert [(row["sku"], row["amount"]) for row in await shop.rows()] == [("A", 2)]


async def test_lists_are_read_in_parts_and_bounded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "MAX_ROWS", 5)
    long = "y" * collecting.MAX_ROW_BYTES
    job = await shop.import_("sku,amount\n" + f"{long},x\n" + "A,x\n" * 9)
    assert (job["import_result"]["rejected"], job["to_repair"]) == (10, 5)
    first = await listed(shop, job["id"], cursor="", limit=3)
    rest = await listed(shop, job["id"], cursor=first["next_cursor"], limit=3)
    assert [row["line"] for page in (first, rest) for row in page["results"]] == [3, 4, 5, 6, 7]
    assert rest["next_cursor"] is None
    assert (await shop.import_("sku,amount\nA,x\n", dry_run="true"))["to_repair"] == 0


async def test_a_running_import_is_not_repaired(shop: Shop) -> None:
    sent = (await shop.send("sku,amount\nA,x\n")).json()
    row = {"line": 2, "revision": 1, "values": {"amount": "1"}}
    refused = await send(shop, sent["id"], row)
    # The worker of the platform may have been quicker.
    assert (refused.status_code, refused.json().get("code")) in ((409, "import_running"), (200, None))


async def test_nobody_else_repairs_and_rights_count_at_that_time(shop: Shop) -> None:
    job = await shop.import_("sku,amount\nA,x\n")
    row = {"line": 2, "revision": 1, "values": {"amount": "1"}}
    stranger = await shop.platform.create_caller()
    assert (await send(shop, job["id"], row, caller=stranger)).status_code == 404
    async with shop.client(stranger) as client:
        assert (await client.get(f"/api/apps/csv-imports/{job['id']}/repairs/")).status_code == 404
    builder = await shop.platform.create_colleague(shop.caller, Role.BUILDER, scopes=[Scope.BUILD])
    assert (await send(shop, job["id"], row, caller=builder)).status_code == 403
    assert await shop.rows() == []
    too_many = [{"line": line, "revision": 1} for line in range(1, 102)]
    assert (await send(shop, job["id"], *too_many)).status_code == 422
    assert (await repair(shop, job["id"], row))["results"][0]["outcome"] == "imported"
