"""Lists of a service in a table: what goes in, what is refused, and where a run goes on."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.responses import JSONResponse

from tests.platform_api.conftest import Platform
from tests.platform_api.syncs.working import Bench, Upstream, open_bench, serving

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with serving() as running:
        yield running


@pytest.fixture
async def bench(shared_platform: Platform, upstream: Upstream) -> Bench:
    return await open_bench(shared_platform, upstream)


def things(count: int, start: int = 1) -> list[dict[str, Any]]:
    return [
        {"id": f"t{number:05}", "name": f"Thing {number}", "stock": number} for number in range(start, start + count)
    ]


def counts(run: dict[str, Any]) -> tuple[int, ...]:
    return tuple(run[name] for name in ("seen", "inserted", "updated", "deleted", "rejected"))


async def test_a_list_becomes_rows_of_the_organization_and_the_connection(bench: Bench) -> None:
    bench.upstream.pages(things(7))
    await bench.declared()
    run = await bench.sync()
    assert (run["state"], run["kind"], run["pages"]) == ("completed", "full", 3), run
    assert counts(run) == (7, 7, 0, 0, 0)
    rows = await bench.rows()
    assert [row["stock"] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert {row["organization_id"] for row in rows} == {bench.caller.organization_id}
    assert {row["connection_id"] for row in rows} == {bench.connection}
    again = await bench.sync()
    assert counts(again) == (7, 0, 7, 0, 0)
    assert len(await bench.rows()) == 7


async def test_values_become_the_columns_types_and_constants_are_put_in(bench: Bench) -> None:
    item = {
        "id": 17,
        "name": None,
        "stock": "5",
        "price": {"amount": "12.50"},
        "on": "yes",
        "at": "2026-01-31T12:00:00+02:00",
        "tags": ["a", {"b": 1}],
    }
    bench.upstream.pages([item])
    mapping = {
        "external_id": "id",
        "name": {"path": "title", "default": "unnamed"},
        "stock": "stock",
        "price": "price.amount",
        "active": "on",
        "seen_at": "at",
        "colour": {"value": "red"},
        "extra": "tags",
    }
    await bench.declared(mapping=mapping)
    run = await bench.sync()
    assert run["inserted"] == 1, run
    [row] = await bench.rows("external_id name stock price active seen_at colour extra")
    assert (row["external_id"], row["name"], row["stock"], float(row["price"])) == ("17", "unnamed", 5, 12.5)
    assert (row["active"], row["colour"], row["extra"]) == (True, "red", ["a", {"b": 1}])
    assert row["seen_at"].startswith("2026-01-31T10:00:00")


async def test_items_that_cannot_be_stored_are_rejected_with_the_reason_and_the_rest_goes_in(bench: Bench) -> None:
    items = [
        {"id": "a", "stock": 1, "colour": "red"},
        {"stock": 2},
        {"id": "c", "stock": "many"},
        {"id": "d", "stock": 3_000_000_000},
        {"id": "e", "colour": "green"},
        "no object",
        {"id": "g", "parent": "00000000-0000-4000-8000-000000000000"},
        {"id": "h", "stock": 8},
    ]
    bench.upstream.pages(items, size=100)
    await bench.declared(mapping={"external_id": "id", "stock": "stock", "colour": "colour", "parent": "parent"})
    run = await bench.sync()
    assert run["state"] == "completed", run
    assert counts(run) == (8, 2, 0, 0, 6)
    assert await bench.ids() == ["a", "h"]
    reasons = {one["item"]: (one["column"], one["reason"]) for one in run["rejections"]}
    assert reasons[2] == ("external_id", "the key needs a value; the item has none at id")
    assert reasons[3] == ("stock", "'many' is not a whole number of 32 bits")
    assert reasons[4][0] == "stock"
    assert reasons[5][1].startswith("'green' is not one of the choices: red, blue")
    assert reasons[6][0] == "external_id"
    assert reasons[7] == ("parent", "the row it refers to does not exist")


async def test_of_several_items_with_one_key_the_last_one_counts(bench: Bench) -> None:
    bench.upstream.pages([{"id": "a", "stock": 1}, {"id": "b", "stock": 5}, {"id": "a", "stock": 2}])
    await bench.declared()
    run = await bench.sync()
    assert counts(run) == (3, 2, 0, 0, 0)
    assert [row["stock"] for row in await bench.rows()] == [2, 5]


async def test_ten_thousand_items_go_in_page_by_page(bench: Bench) -> None:
    bench.upstream.pages(things(10_000), size=1_000)
    await bench.declared()
    run = await bench.sync()
    assert (run["pages"], run["inserted"], run["rejected"]) == (10, 10_000, 0), run


@pytest.mark.parametrize("style", ["link", "page", "offset", "cursor in a body"])
async def test_lists_go_on_in_the_ways_that_services_have(bench: Bench, style: str) -> None:
    items = things(7)

    def answer(query: dict[str, str]) -> Any:
        size = int(query.get("limit", 3))
        start = int(query.get("offset", (int(query.get("page", 1)) - 1) * size))
        body = {"items": items[start : start + size], "next": start + size if start + size < 7 else None}
        following = f"/things?offset={start + size}&limit={size}&key=secret"
        headers = {"Link": f'<{following}>; rel="next"'} if style == "link" and start + size < 7 else {}
        return JSONResponse(body, headers=headers)

    bench.upstream.answer = answer
    sized = {"size_parameter": "limit", "size": 3}
    ways: dict[str, dict[str, Any]] = {
        "link": {"pagination": {"style": "link"}},
        "page": {"pagination": {"style": "page", **sized}},
        "offset": {"pagination": {"style": "offset", **sized}},
        "cursor in a body": {
            "pagination": {"style": "cursor", "parameter": "offset", "next": "next"},
            "request": {"method": "POST", "endpoint": "/things", "data": {"limit": 3}},
        },
    }
    await bench.declared(**ways[style])
    run = await bench.sync()
    assert (run["state"], run["pages"], run["inserted"]) == ("completed", 3, 7), run


@pytest.mark.parametrize("length", [1, 2, 5])
async def test_pages_that_repeat_for_ever_end_with_a_clear_reason(bench: Bench, length: int) -> None:
    def answer(query: dict[str, str]) -> Any:
        number = int(query.get("cursor", 0))
        return {"items": [{"id": f"i{number}"}], "next": number % length + 1}

    bench.upstream.answer = answer
    await bench.declared()
    run = await bench.sync()
    assert run["state"] == "failed"
    assert "the service's pages repeat" in run["error"]
    assert run["pages"] < 30
    assert (await bench.status())["checkpoints"][0]["unfinished"] is None, "the next run is not caught in it again"


def journal(bench: Bench, items: list[dict[str, Any]]) -> None:
    """Items that were changed at or after `since`, by cursor."""

    def answer(query: dict[str, str]) -> Any:
        since = int(query.get("since", 0))
        found = [one for one in items if one["stock"] >= since]
        start = int(query.get("cursor", 0))
        return {"items": found[start : start + 3], "next": str(start + 3) if start + 3 < len(found) else None}

    bench.upstream.answer = answer


INCREMENTAL: dict[str, Any] = {
    "mode": "incremental",
    "incremental": {"parameter": "since", "path": "stock", "initial": 0, "overlap": 1},
}


async def test_an_incremental_run_begins_after_what_the_last_one_saw(bench: Bench) -> None:
    items = things(7)
    journal(bench, items)
    await bench.declared(**INCREMENTAL)
    assert counts(await bench.sync()) == (7, 7, 0, 0, 0)
    assert (await bench.status())["checkpoints"][0]["cursor"] == 7
    items += things(2, start=8)
    bench.upstream.queries.clear()
    assert counts(await bench.sync()) == (4, 2, 2, 0, 0)
    assert bench.upstream.queries[0]["since"] == "6", "less the overlap"
    assert (await bench.status())["checkpoints"][0]["cursor"] == 9


async def test_a_service_that_fails_midway_costs_nothing_and_the_next_run_goes_on(bench: Bench) -> None:
    journal(bench, things(7))
    whole = bench.upstream.answer
    bench.upstream.answer = lambda query: JSONResponse({}, 500) if query.get("cursor") == "3" else whole(query)
    await bench.declared(**INCREMENTAL)
    run = await bench.sync()
    assert (run["state"], run["pages"], run["inserted"]) == ("failed", 1, 3)
    assert run["error"].startswith("GET /things answered 500")
    [checkpoint] = (await bench.status())["checkpoints"]
    assert (checkpoint["cursor"], checkpoint["unfinished"]) == (None, "incremental")
    bench.upstream.answer = whole
    bench.upstream.queries.clear()
    assert counts(await bench.sync()) == (4, 4, 0, 0, 0)
    assert bench.upstream.queries[0]["cursor"] == "3"
    assert (await bench.status())["checkpoints"][0]["cursor"] == 7


async def test_a_run_that_reaches_its_limit_is_continued_by_the_next(bench: Bench) -> None:
    journal(bench, things(7))
    await bench.declared(**INCREMENTAL, limits={"pages": 2})
    run = await bench.sync()
    assert (run["state"], run["inserted"]) == ("partial", 6)
    assert run["error"] == "ended at the limit of 2 pages; the next run goes on"
    assert (await bench.sync())["inserted"] == 1


async def test_a_backfill_keeps_the_checkpoint_until_it_is_complete(bench: Bench) -> None:
    items = things(7)
    journal(bench, items)
    await bench.declared(**INCREMENTAL)
    await bench.sync()
    whole = bench.upstream.answer
    bench.upstream.answer = lambda query: JSONResponse({}, 500) if query.get("cursor") == "3" else whole(query)
    run = await bench.sync(word="backfill")
    assert (run["state"], run["kind"], run["updated"]) == ("failed", "backfill", 3)
    [checkpoint] = (await bench.status())["checkpoints"]
    assert (checkpoint["cursor"], checkpoint["unfinished"]) == (7, "backfill")
    bench.upstream.answer = whole
    run = await bench.sync()
    assert (run["kind"], run["updated"], run["state"]) == ("backfill", 4, "completed")
    run = await bench.sync(word="backfill", start=5)
    assert run["updated"] == 3
    run = await bench.sync()
    assert (run["kind"], run["seen"]) == ("incremental", 2)


async def test_a_reset_makes_the_next_run_begin_at_the_beginning(bench: Bench) -> None:
    journal(bench, things(4))
    await bench.declared(**INCREMENTAL)
    await bench.sync()
    answer = await bench.post("reset")
    assert answer.status_code == 200, answer.text
    assert answer.json()["checkpoints"][0]["cursor"] is None
    assert (await bench.sync())["seen"] == 4


async def test_the_mark_itself_leads_through_a_journal(bench: Bench) -> None:
    items = things(7)

    def answer(query: dict[str, str]) -> Any:
        return {"items": [one for one in items if one["stock"] > int(query["since"])][:3]}

    bench.upstream.answer = answer
    incremental = {**INCREMENTAL["incremental"], "overlap": 0}
    await bench.declared(mode="incremental", incremental=incremental, pagination={"style": "after"})
    assert counts(await bench.sync()) == (7, 7, 0, 0, 0)
    assert counts(await bench.sync()) == (0, 0, 0, 0, 0)


async def test_rows_that_a_full_run_does_not_see_are_deleted(bench: Bench) -> None:
    bench.upstream.pages(things(5))
    await bench.declared(tombstones={"absent": True})
    await bench.sync()
    bench.upstream.pages([{"id": "t00001"}, {"id": "t00003", "stock": "unreadable"}, {"id": "t00009"}])
    run = await bench.sync()
    assert counts(run) == (3, 1, 1, 3, 1), run
    assert await bench.ids() == ["t00001", "t00003", "t00009"], "an item that is rejected is there all the same"


async def test_nothing_is_taken_for_gone_when_keys_cannot_be_read_or_the_list_breaks_off(bench: Bench) -> None:
    bench.upstream.pages(things(5))
    await bench.declared(tombstones={"absent": True})
    await bench.sync()
    bench.upstream.pages([{"nothing": 1}])
    run = await bench.sync()
    assert (run["state"], run["deleted"]) == ("completed", 0)
    assert run["error"] == "nothing was taken for gone: the keys of 1 items could not be read"
    bench.upstream.answer = lambda query: {"error": "odd"}
    run = await bench.sync()
    assert (run["state"], run["deleted"]) == ("failed", 0)
    assert "expected a list at items" in run["error"]
    assert len(await bench.ids()) == 5


async def test_tombstones_can_be_a_column_and_are_taken_back(bench: Bench) -> None:
    bench.upstream.pages(things(2))
    await bench.declared(tombstones={"absent": True, "column": "gone"})
    await bench.sync()
    bench.upstream.pages(things(1))
    assert (await bench.sync())["deleted"] == 1
    assert [row["gone"] for row in await bench.rows("external_id gone")] == [False, True]
    bench.upstream.pages(things(2))
    await bench.sync()
    assert [row["gone"] for row in await bench.rows("external_id gone")] == [False, False]


async def test_items_marked_as_deleted_delete_their_rows(bench: Bench) -> None:
    bench.upstream.pages(things(3))
    await bench.declared(tombstones={"path": "state", "values": ["removed"]})
    await bench.sync()
    bench.upstream.pages(
        [
            {"id": "t00001", "state": "removed"},
            {"id": "t00002", "state": "kept"},
            {"id": "unknown", "state": "removed"},
        ]
    )
    assert counts(await bench.sync()) == (3, 0, 1, 1, 0)
    assert await bench.ids() == ["t00002", "t00003"]
