"""What is not in a list any more is gone only when the service said that the list was read to its end."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from tests.platform_api.conftest import Platform
from tests.platform_api.syncs.test_syncs import things
from tests.platform_api.syncs.working import Bench, Upstream, open_bench, serving

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with serving() as running:
        yield running


@pytest.fixture
async def bench(shared_platform: Platform, upstream: Upstream) -> Bench:
    return await open_bench(shared_platform, upstream)


CURSOR = {"style": "cursor", "parameter": "cursor", "next": "next"}
LAST = {"style": "cursor", "parameter": "after", "last_item": "id", "has_more": "has_more"}
LINK = {"style": "link"}
BODY_LINK = {"style": "link", "next": '["@odata.nextLink"]'}
PAGE = {"style": "page", "parameter": "page"}
OFFSET = {"style": "offset", "parameter": "offset"}
SIZED = {"size_parameter": "limit", "size": 2}
HERE = things(3)
PARTS = [HERE[:2], HERE[2:]]
EMPTY: dict[str, Any] = {"items": []}


def link(rest: str) -> dict[str, str]:
    return {"Link": f"</things?token=1>{rest}"}


def page(items: list[Any], **more: Any) -> dict[str, Any]:
    return {"items": items, **more}


NEXT = '; rel="next"'
CERTAIN: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "the cursor is null": (CURSOR, [page(PARTS[0], next="1"), page(PARTS[1], next=None)]),
    "the cursor is an empty text": (CURSOR, [page(HERE, next="")]),
    "the flag says so": (LAST, [page(PARTS[0], has_more=True), page(PARTS[1], has_more=False)]),
    "the flag says so as text": (LAST, [page(HERE, has_more="false")]),
    "an inverted flag says so": (
        {**CURSOR, "is_last": "finished"},
        [page(PARTS[0], next="1", finished=0), page(PARTS[1], next="1", finished=1)],
    ),
    "the other links are there": (LINK, [(page(PARTS[0]), link(NEXT)), (page(PARTS[1]), link("; rel=prev"))]),
    "the link has no results": (LINK, [(page(HERE), link('; rel="next"; results="false"'))]),
    "the link in the body is null": (BODY_LINK, [page(HERE, **{"@odata.nextLink": None})]),
    "the link is left out as declared": (
        {**BODY_LINK, "omits_empty": True},
        [page(PARTS[0], **{"@odata.nextLink": "/things?token=1"}), page(PARTS[1])],
    ),
    "the total is reached": ({**OFFSET, "total": "total"}, [page(PARTS[0], total=3), page(PARTS[1], total=3)]),
    "the last page is reached": (
        {**PAGE, "total_pages": "header:X-Pages"},
        [(page(PARTS[0]), {"X-Pages": "2"}), (page(PARTS[1]), {"X-Pages": "2"})],
    ),
    "the page after the last is empty": (PAGE, [page(PARTS[0]), page(PARTS[1]), EMPTY]),
    "the page after a short one is empty": ({**OFFSET, **SIZED}, [page(PARTS[0]), page(PARTS[1]), EMPTY]),
    "the page after the last is 204": (PAGE, [page(HERE), 204]),
    "the list is one page": ({"style": "single"}, [page(HERE)]),
}
UNCERTAIN: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "the cursor is absent": (CURSOR, [page(HERE)]),
    "the cursor is absent later": (CURSOR, [page(PARTS[0], next="1"), page(PARTS[1])]),
    "the flag is absent": (LAST, [page(PARTS[0], has_more=True), page(PARTS[1])]),
    "there is no link header": (LINK, [page(HERE)]),
    "there is no link header later": (LINK, [(page(PARTS[0]), link(NEXT)), page(PARTS[1])]),
    "the link in the body is absent": (BODY_LINK, [page(HERE)]),
    "the body is empty": (CURSOR, [page(PARTS[0], next="1"), b""]),
    "the first page is empty": (PAGE, [EMPTY]),
    "the first body is empty": (PAGE, [b""]),
    "the one page is empty": ({"style": "single"}, [b""]),
    "the first answer is 204": (OFFSET, [204]),
    "the list is null": (CURSOR, [{"items": None, "next": None}]),
    "the list is left out": ({**CURSOR, "omits_empty": True}, [{"count": 0}]),
    "the total changed meanwhile": (
        {**OFFSET, "total": "total"},
        [page(PARTS[0], total=4), page(PARTS[1], total=3)],
    ),
    "the number of pages changed meanwhile": (
        {**PAGE, "total_pages": "pages"},
        [page(PARTS[0], pages=3), page(PARTS[1], pages=2)],
    ),
    "the last page is given again": (PAGE, [page(PARTS[0]), page(PARTS[1]), page(PARTS[1])]),
}
BROKEN: dict[str, tuple[dict[str, Any], list[Any], str]] = {
    "the link leads elsewhere": (LINK, [(page(HERE), {"Link": '<http://127.0.0.1:9/x>; rel="next"'})], "credentials"),
    "the same page comes again": (PAGE, [page(HERE), page(HERE)], "the same page again"),
    "a flag without a cursor": ({**CURSOR, "has_more": "more"}, [page(HERE, more=True)], "no cursor"),
    "an error in place of the list": ({**CURSOR, "omits_empty": True}, [{"error": "later"}], "later"),
    "an error beside an empty page": (PAGE, [page(HERE), EMPTY | {"status": "ERROR"}], "an error instead of items"),
    "an error in place of the one page": ({"style": "single"}, [EMPTY | {"error_code": 17}], "17"),
    "204 before the total": (
        {**PAGE, "total": "header:X-Total"},
        [(page(PARTS[0]), {"X-Total": "3"}), 204],
        "announced 3 items",
    ),
    "items that the total speaks of": (
        {**OFFSET, "total": "total"},
        [page(HERE, total=9), EMPTY | {"total": 9}],
        "no items",
    ),
}


def replaying(upstream: Upstream, answers: list[Any]) -> None:
    """Gives the answers in turn, whatever is asked; each is a body, a status, or a body with headers."""
    left = list(answers)

    def answer(query: dict[str, str]) -> Any:
        given = left.pop(0)
        if isinstance(given, int):
            return Response(status_code=given)
        if isinstance(given, bytes):
            return Response(given, 200, {"content-type": "application/json"})
        body, headers = given if isinstance(given, tuple) else (given, {})
        return JSONResponse(body, headers=headers)

    upstream.answer = answer


async def seeded(bench: Bench, pagination: dict[str, Any]) -> None:
    """Five rows by a list that was read to its end, then the list goes on in another way."""
    bench.upstream.pages(things(5))
    await bench.declared(tombstones={"absent": True})
    run = await bench.sync()
    assert (run["state"], run["inserted"]) == ("completed", 5), run
    body = bench.declaration(tombstones={"absent": True}, pagination=pagination)
    async with bench.client() as client:
        answer = await client.put(bench.path("things"), json=body)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", CERTAIN)
async def test_what_is_absent_is_gone_when_the_end_was_told(bench: Bench, name: str) -> None:
    pagination, answers = CERTAIN[name]
    await seeded(bench, pagination)
    replaying(bench.upstream, answers)
    run = await bench.sync()
    assert (run["state"], run["seen"], run["deleted"], run["error"]) == ("completed", 3, 2, None), run
    assert await bench.ids() == ["t00001", "t00002", "t00003"]


@pytest.mark.parametrize("name", UNCERTAIN)
async def test_nothing_is_taken_for_gone_when_the_end_was_not_told(bench: Bench, name: str) -> None:
    pagination, answers = UNCERTAIN[name]
    await seeded(bench, pagination)
    replaying(bench.upstream, answers)
    run = await bench.sync()
    assert (run["state"], run["deleted"]) == ("completed", 0), run
    assert run["error"].startswith("nothing was taken for gone")
    assert len(await bench.ids()) == 5


@pytest.mark.parametrize("name", BROKEN)
async def test_a_list_that_breaks_off_fails_the_run_and_takes_nothing(bench: Bench, name: str) -> None:
    pagination, answers, says = BROKEN[name]
    await seeded(bench, pagination)
    replaying(bench.upstream, answers)
    run = await bench.sync()
    assert (run["state"], run["deleted"]) == ("failed", 0), run
    assert says in run["error"]
    assert len(await bench.ids()) == 5


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"pagination": {"style": "cursor", "parameter": "cursor"}}, "needs `next`"),
        ({"pagination": CURSOR, "items": ""}, "`items` is missing"),
        ({"pagination": {**PAGE, "surprise": 1}}, "surprise"),
        (
            {"pagination": PAGE, "request": {"endpoint": "/things", "params": {"page": "one"}}},
            "first page must be a number",
        ),
    ],
)
async def test_a_sync_whose_list_could_not_be_read_to_its_end_is_refused(
    bench: Bench, changes: dict[str, Any], says: str
) -> None:
    answer = await bench.declare(**changes)
    assert (answer.status_code, says in answer.json()["detail"]) == (422, True), answer.text


async def test_a_link_is_followed_as_it_stands_and_a_run_that_takes_over_goes_on_with_it(bench: Bench) -> None:
    def answer(query: dict[str, str]) -> Any:
        if not query.get("token"):
            assert query == {"state": "new", "limit": "2"}
            return JSONResponse(page(things(2)), headers=link(NEXT))
        if bench.upstream.delay:
            return JSONResponse({}, 500)
        return JSONResponse(page(things(1, 3)), headers=link("; rel=prev"))

    bench.upstream.answer = answer
    request = {"endpoint": "/things", "params": {"state": "new"}}
    await bench.declared(request=request, pagination={**LINK, **SIZED})
    bench.upstream.delay = 0.001
    assert (await bench.sync())["state"] == "failed"
    bench.upstream.delay = 0
    bench.upstream.queries.clear()
    run = await bench.sync()
    assert (run["state"], run["inserted"]) == ("completed", 1), run
    assert bench.upstream.queries == [{"token": "1"}], "no filter beside the link"


async def test_the_cursor_of_a_search_goes_to_its_place_in_the_body(bench: Bench) -> None:
    def answer(query: dict[str, str]) -> Any:
        assert query["where"] == "{'a': 1}"
        start = 2 if "cursor" in query.get("page", "") else 0
        return page(things(3)[start : start + 2], next=None if start else "2")

    bench.upstream.answer = answer
    request = {"method": "POST", "endpoint": "/things", "data": {"where": {"a": 1}, "page": {"size": 2}}}
    await bench.declared(request=request, pagination={**CURSOR, "parameter": "page.cursor"})
    run = await bench.sync()
    assert (run["state"], run["pages"], run["inserted"]) == ("completed", 2, 3), run
    assert bench.upstream.queries[1]["page"] == "{'size': 2, 'cursor': '2'}"
