"""`paginate`: lists of a service, in each of the styles services use."""

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from automio import AsyncAPI, CallFailed, InvalidReply, Pagination
from automio._link_header import next_link
from automio.wrapper import API
from tests.automio.conftest import QUICK
from tests.automio.loopback import Loopback, Seen, api_response

CALL = "POST /api/integrations/shop/call/"
ALL = list(range(7))


def served(data: Any, headers: dict[str, str] | None = None, status: int = 200) -> dict[str, Any]:
    response = {**api_response(status, json.dumps(data)), "headers": headers or {}}
    return {"api_data": data, "api_response": response, "connection_id": 5, "organization_id": 2}


def by_offset(request: Seen) -> Any:
    query = request.json["request_params"]
    start = query.get("offset", 0)
    return served({"data": {"orders": ALL[start : start + query["limit"]]}})


def by_page(request: Seen) -> Any:
    query = request.json["request_params"]
    return served(ALL[(query["p"] - 1) * 3 : query["p"] * 3])


def by_cursor(request: Seen) -> Any:
    start = int(request.json["request_params"].get("after") or 0)
    following = str(start + 3) if start + 3 < len(ALL) else None
    return served({"items": ALL[start : start + 3], "meta": {"cursor": following}})


def by_link(request: Seen) -> Any:
    start = int(dict(parse_qsl(urlsplit(request.json["endpoint"]).query)).get("from", 0))
    url = "https://service.test/orders"
    link = f'<{url}?from={start + 3}&state=new>; rel="next", <{url}>; rel=first'
    return served(ALL[start : start + 3], {"link": link} if start + 3 < len(ALL) else {})


CURSOR: dict[str, Any] = {"style": "cursor", "items": "items"}
STYLES: dict[str, tuple[Callable[[Seen], Any], Pagination, int]] = {
    "offset": (by_offset, Pagination(style="offset", items="data.orders", size_parameter="limit", size=3), 3),
    "page": (by_page, Pagination(style="page", parameter="p"), 4),
    "page-of-known-size": (by_page, Pagination(style="page", parameter="p", size=3), 3),
    "cursor": (by_cursor, Pagination(style="cursor", items="items", parameter="after", next="meta.cursor"), 3),
    "link": (by_link, Pagination(style="link"), 3),
}


@pytest.mark.parametrize("style", STYLES)
def test_all_items_come_once_and_in_order(server: Loopback, api: API, style: str) -> None:
    answer, pagination, calls = STYLES[style]
    server.on(CALL, answer)
    found = api.integrations.paginate("shop", "/orders", 5, pagination=pagination, params={"state": "new"})
    assert list(found) == ALL
    assert len(server.requests) == calls
    for number, request in enumerate(server.requests):
        assert request.json["method"] == "GET"
        if style == "link" and number > 0:
            assert request.json["endpoint"] == f"https://service.test/orders?from={number * 3}&state=new"
            assert request.json["request_params"] == {}, "a link stands for itself"
        else:
            assert request.json["endpoint"] == "/orders"
            assert request.json["request_params"]["state"] == "new"
        assert request.query == {"connection_id": "5"}
    assert api.connection_id == 5


def test_pages_are_fetched_as_they_are_needed(server: Loopback, api: API) -> None:
    server.on(CALL, by_cursor)
    items = api.integrations.paginate("shop", "/orders", pagination=STYLES["cursor"][1])
    assert server.requests == []
    assert [next(items), next(items)] == [0, 1]
    assert len(server.requests) == 1


def test_the_definition_says_how_lists_go_on(server: Loopback, api: API) -> None:
    definition = {"style": "cursor", "items": "items", "parameter": "after", "next": "meta.cursor"}
    shop = {"integration_id": "shop", "name": "S", "version": "1", "connected_accounts": [5]}
    server.on("GET /api/integrations/shop/", {**shop, "pagination": definition})
    server.on("GET /api/integrations/plain/", shop)
    server.on(CALL, by_cursor)
    assert list(api.integrations.paginate(api.integrations.get_integration("shop"), "/orders")) == ALL
    for unknown in ("shop", api.integrations.get_integration("plain")):
        with pytest.raises(ValueError, match="pagination="):
            list(api.integrations.paginate(unknown, "/orders"))


def test_an_error_of_the_service_ends_the_walk(server: Loopback, api: API) -> None:
    server.on(
        CALL, lambda request: by_page(request) if request.json["request_params"]["p"] < 2 else served({}, status=503)
    )
    found: list[int] = []
    with pytest.raises(CallFailed, match="answered 503") as caught:
        for item in api.integrations.paginate("shop", "/orders", pagination=STYLES["page"][1]):
            found.append(item)
    assert (found, caught.value.response.status_code) == ([0, 1, 2], 503)


@pytest.mark.parametrize(
    ("data", "pagination", "says"),
    [
        ({"items": {}}, Pagination(style="page", items="items"), "no list under 'items'"),
        ({"a": 1}, Pagination(style="page"), "no list as the whole answer"),
        ({"items": [1], "next": "same"}, Pagination(style="cursor", items="items"), "pages repeat"),
        ({"items": [1]}, Pagination(style="cursor", items="items"), "has no `next`"),
        ({"items": [1], "next": True}, Pagination(style="cursor", items="items"), "is a flag"),
        ({"items": [1], "more": True}, Pagination(**CURSOR, next="next", has_more="more"), "no cursor"),
        ({"items": [{"a": 1}], "more": 1}, Pagination(**CURSOR, last_item="id", has_more="more"), "'id'"),
        ({"items": [], "more": 1}, Pagination(**CURSOR, last_item="id", has_more="more"), "'id'"),
        ([{"id": 1}], Pagination(style="page"), "the same page again"),
        ([{"id": 1}], Pagination(style="offset", size=1), "the same page again"),
        ({"items": [], "total": 3}, Pagination(style="offset", items="items", total="total"), "no items from 0 on"),
        ({"a": [1], "b": [2]}, Pagination(style="page", items="?"), r"several lists \(a, b\)"),
        ({"items": [1], "next": 5}, Pagination(style="link", items="items", next="next"), "must be a URL, not a int"),
        (
            {"items": [1], "next": "//evil.test/x"},
            Pagination(style="link", items="items", next="next"),
            "to evil.test",
        ),
    ],
)
def test_answers_that_lead_nowhere_are_named(
    server: Loopback, api: API, data: Any, pagination: Pagination, says: str
) -> None:
    server.on(CALL, served(data))
    with pytest.raises(InvalidReply, match=says):
        list(api.integrations.paginate("shop", "/orders", pagination=pagination))
    assert len(server.requests) <= 2


def test_the_asynchronous_client_walks_too(server: Loopback) -> None:
    server.on(CALL, by_link)

    async def main() -> list[int]:
        async with AsyncAPI(base_url=server.url, token="t", app_id=7, retry=QUICK) as api:
            return [
                item async for item in api.integrations.paginate("shop", "/o", pagination=Pagination(style="link"))
            ]

    assert asyncio.run(main()) == ALL


@pytest.mark.parametrize(
    ("header", "target"),
    [
        ('<https://a.test/?p=2>; rel="next"', "https://a.test/?p=2"),
        ("</x?p=2,3>; rel=next; title=more", "/x?p=2,3"),
        ('<a>; rel="prev", <b>; title="x, y"; rel="last next"', "b"),
        ('<a>; rel="nextish"', None),
        ("", None),
        ("<https://a.test/x;v=1?a=1,2;b=3>; rel=next", "https://a.test/x;v=1?a=1,2;b=3"),
        ('<a>;REL="NEXT"', "a"),
        ('<a> ; rel = "next"', "a"),
        ('<a>; rel="prev"; rel="next"', None),
        ('<a>; title="<b>; rel=\\"next\\", c"; rel=last,<d>;rel=next', "d"),
        ('<a>; rel="next"; anchor="/other", <b>; rel="next"', "b"),
        ("<a>; flag; rel=next", "a"),
        ('garbage, <a>; rel="next"', "a"),
        ("< a >; rel=next", "a"),
        ('<a; rel="next"', None),
        ('<a>; rel="next', "a"),
    ],
)
def test_links_are_read_as_services_write_them(header: str, target: str | None) -> None:
    found = next_link({"Link": header})
    assert (found and found.target) == target


def test_links_stand_in_several_headers() -> None:
    found = next_link({"LINK": "<a>; rel=prev", "link": "<b>; rel=next"})
    assert found is not None and found.target == "b"


@pytest.mark.parametrize(
    "pagination",
    [
        Pagination(style="link"),
        Pagination(style="cursor", items="items", next="next"),
        Pagination(style="page", items="items", total="total"),
        Pagination(style="page", items="items", has_more="more"),
    ],
    ids=["link", "cursor", "page with a total", "page with a flag"],
)
@pytest.mark.slow
def test_page_after_page_without_items_ends(server: Loopback, api: API, pagination: Pagination) -> None:
    def empty(request: Seen) -> Any:
        number = len(server.requests)
        link = {"link": f'</orders?page={number}>; rel="next"'}
        body = {"items": [], "next": number, "total": 3, "more": True}
        return served([] if pagination.style == "link" else body, link)

    server.on(CALL, empty)
    with pytest.raises(InvalidReply, match="20 pages in a row had no items"):
        list(api.integrations.paginate("shop", "/orders", pagination=pagination))
    assert len(server.requests) == 20


@pytest.mark.parametrize("length", [1, 2, 5])
def test_pages_that_lead_back_end_at_once(server: Loopback, api: API, length: int) -> None:
    def around(request: Seen) -> Any:
        number = int(request.json["request_params"].get("cursor", 0))
        return served({"items": [number], "next": number % length + 1})

    server.on(CALL, around)
    pagination = Pagination(style="cursor", items="items", next="next")
    found: list[int] = []
    with pytest.raises(InvalidReply, match="pages repeat"):
        for item in api.integrations.paginate("shop", "/o", pagination=pagination):
            found.append(item)
    assert len(server.requests) == length + 1
    assert found == list(range(length + 1)), "what came is handed out before the walk fails"


def test_a_service_that_gives_its_last_page_for_every_later_number_is_read_once(server: Loopback, api: API) -> None:
    def clamped(request: Seen) -> Any:
        number = min(int(request.json["request_params"]["page"]), 3)
        return served([{"id": number}, {"id": -number}])

    server.on(CALL, clamped)
    found = list(api.integrations.paginate("shop", "/o", pagination=Pagination(style="page")))
    assert [item["id"] for item in found] == [1, -1, 2, -2, 3, -3]


@pytest.mark.parametrize("style", ["page", "offset", "cursor"])
def test_a_service_that_caps_the_size_of_pages_loses_nothing(server: Loopback, api: API, style: Any) -> None:
    def capped(request: Seen) -> Any:
        query = request.json["request_params"]
        assert query["limit"] == 100
        start = {
            "page": lambda: 2 * (query["page"] - 1),
            "offset": lambda: query.get("offset", 0),
            "cursor": lambda: query.get("cursor", -1) + 1,
        }[style]()
        return served(ALL[start : start + 2])

    server.on(CALL, capped)
    last_item = "" if style == "cursor" else None
    pagination = Pagination(style=style, size=100, size_parameter="limit", last_item=last_item)
    assert list(api.integrations.paginate("shop", "/o", pagination=pagination)) == ALL


def test_a_total_that_changes_while_the_list_is_read_is_followed(server: Loopback, api: API) -> None:
    def changing(request: Seen) -> Any:
        start = request.json["request_params"].get("offset", 0)
        everything = list(range(7 if start == 0 else 9))
        return served({"items": everything[start : start + 3], "total": len(everything)})

    server.on(CALL, changing)
    pagination = Pagination(style="offset", items="items", total="total")
    assert list(api.integrations.paginate("shop", "/o", pagination=pagination)) == list(range(9))
    assert len(server.requests) == 3


def test_a_walk_begins_where_the_caller_says(server: Loopback, api: API) -> None:
    server.on(CALL, by_page)
    pagination = Pagination(style="page", parameter="p")
    assert list(api.integrations.paginate("shop", "/o", pagination=pagination, params={"p": 2})) == ALL[3:]


def test_the_cursor_of_a_search_goes_into_its_body(server: Loopback, api: API) -> None:
    def search(request: Seen) -> Any:
        assert request.json["method"] == "POST"
        body = request.json["data"]
        assert (body["query"], body["page"]["size"]) == ({"a": [1]}, 3)
        start = body["page"].get("after", 0)
        return served({"hits": ALL[start : start + 3], "page": {"next": start + 3 if start + 3 < 7 else None}})

    server.on(CALL, search)
    pagination = Pagination(
        style="cursor", items="hits", next="page.next", parameter="page.after", size_parameter="page.size", size=3
    )
    body = {"query": {"a": [1]}, "page": {"kept": True}}
    found = api.integrations.paginate("shop", "/search", method="post", pagination=pagination, json=body)
    assert list(found) == ALL
    assert body == {"query": {"a": [1]}, "page": {"kept": True}}, "the caller's body is not written to"
    assert all(request.json["data"]["page"]["kept"] for request in server.requests)


def test_a_cursor_is_taken_out_of_a_link_that_leads_elsewhere(server: Loopback, api: API) -> None:
    def answer(request: Seen) -> Any:
        start = int(request.json["request_params"].get("cursor", 0))
        following = f"/wiki/pages?limit=3&cursor={start + 3}" if start + 3 < 7 else None
        return served({"results": ALL[start : start + 3], "_links": {"next": following}})

    server.on(CALL, answer)
    pagination = Pagination(style="cursor", items="results", next="_links.next")
    assert list(api.integrations.paginate("shop", "/o", pagination=pagination)) == ALL


@pytest.mark.parametrize("status", [302, 304, 404, 416])
def test_a_first_page_that_is_no_success_is_an_error(server: Loopback, api: API, status: int) -> None:
    server.on(CALL, served(None, status=status))
    with pytest.raises(CallFailed, match=str(status)):
        list(api.integrations.paginate("shop", "/o", pagination=Pagination(style="page", end_statuses=(404,))))


@pytest.mark.parametrize("status", [404, 416])
def test_an_error_status_beyond_the_last_page_ends_where_it_says_so(server: Loopback, api: API, status: int) -> None:
    server.on(
        CALL,
        lambda request: by_page(request) if request.json["request_params"]["p"] < 4 else served({}, status=status),
    )
    pagination = Pagination(style="page", parameter="p", end_statuses=(404,))
    assert list(api.integrations.paginate("shop", "/o", pagination=pagination)) == ALL


def test_a_body_that_is_not_json_is_no_end(server: Loopback, api: API) -> None:
    reply = served(None)
    reply["api_response"]["text"] = "<html>"
    server.on(CALL, reply)
    with pytest.raises(InvalidReply, match="did not answer JSON"):
        list(api.integrations.paginate("shop", "/o", pagination=Pagination(style="page")))


@pytest.mark.parametrize("status", [200, 204])
def test_an_empty_body_is_a_list_without_items(server: Loopback, api: API, status: int) -> None:
    reply = served(None, status=status)
    reply["api_response"]["text"] = ""
    server.on(CALL, reply)
    for style in ("link", "cursor", "page", "offset"):
        pagination = Pagination(style=style, items="data.things")  # type: ignore[arg-type]
        assert list(api.integrations.paginate("shop", "/o", pagination=pagination)) == []


def test_a_cursor_of_a_batch_goes_into_its_list(server: Loopback, api: API) -> None:
    def batch(request: Seen) -> Any:
        [one] = request.json["data"]["requests"]
        assert one["query"] == "new"
        start = int(one.get("pageToken", 0))
        return served({"reports": [{"rows": ALL[start : start + 3], "next": start + 3 if start + 3 < 7 else None}]})

    server.on(CALL, batch)
    pagination = Pagination(
        style="cursor", items="reports.0.rows", next="reports.0.next", parameter="requests.0.pageToken"
    )
    body = {"requests": [{"query": "new"}]}
    assert list(api.integrations.paginate("shop", "/o", method="POST", pagination=pagination, json=body)) == ALL
    assert body == {"requests": [{"query": "new"}]}


def test_a_cursor_of_graphql_goes_into_its_variables(server: Loopback, api: API) -> None:
    def graphql(request: Seen) -> Any:
        start = int(request.json["data"]["variables"].get("after") or 0)
        info = {"endCursor": str(start + 3), "hasNextPage": start + 3 < 7}
        return served({"data": {"shop": {"orders": {"nodes": ALL[start : start + 3], "pageInfo": info}}}})

    server.on(CALL, graphql)
    orders = "data.shop.orders"
    pagination = Pagination(
        style="cursor",
        items=f"{orders}.nodes",
        next=f"{orders}.pageInfo.endCursor",
        has_more=f"{orders}.pageInfo.hasNextPage",
        parameter="variables.after",
    )
    body = {"query": "query($after: String) { … }", "variables": {"first": 3}}
    assert list(api.integrations.paginate("shop", "/graphql", method="POST", pagination=pagination, json=body)) == ALL


@pytest.mark.parametrize(("flag", "expected"), [({"more": True}, ALL), ({"more": "true"}, ALL), ({}, ALL[:3])])
def test_a_cursor_of_zero_is_the_end_unless_a_flag_says_otherwise(
    server: Loopback, api: API, flag: dict[str, Any], expected: list[int]
) -> None:
    def countdown(request: Seen) -> Any:
        asked = request.json["request_params"].get("cursor")
        if asked is None:
            return served({"items": ALL[:3], "next": 0, **flag})
        assert asked == 0
        return served({"items": ALL[3:], "next": None, "more": False})

    server.on(CALL, countdown)
    pagination = Pagination(style="cursor", items="items", next="next", has_more="more")
    assert list(api.integrations.paginate("shop", "/o", pagination=pagination)) == expected


def test_an_empty_text_in_the_last_item_leads_nowhere(server: Loopback, api: API) -> None:
    server.on(CALL, served({"items": [{"id": ""}], "more": True}))
    pagination = Pagination(style="cursor", items="items", last_item="id", has_more="more")
    with pytest.raises(InvalidReply, match="no value at 'id'"):
        list(api.integrations.paginate("shop", "/o", pagination=pagination))
    assert len(server.requests) == 1


@pytest.mark.parametrize("empty", [[2], [1, 2], [3, 4]])
def test_pages_without_items_in_the_middle_lose_nothing(server: Loopback, api: API, empty: list[int]) -> None:
    """Of a service that filters after it has cut its pages."""

    def filtered(request: Seen) -> Any:
        number = int(request.json["request_params"].get("cursor", 1))
        items = [] if number in empty else [{"id": number}]
        return served({"items": items, "next": number + 1 if number < 5 else None})

    server.on(CALL, filtered)
    found = list(api.integrations.paginate("shop", "/o", pagination=Pagination(**CURSOR, next="next")))
    assert [item["id"] for item in found] == [number for number in range(1, 6) if number not in empty]


@pytest.mark.parametrize("items", ["by_id.*", '["shop.orders"].list'])
def test_items_stand_in_objects_by_id_and_under_keys_with_dots(server: Loopback, api: API, items: str) -> None:
    def answer(request: Seen) -> Any:
        page = ALL[(request.json["request_params"]["page"] - 1) * 3 :][:3]
        # PHP writes an object without keys as a list.
        by_id = {f"n{item}": item for item in page} or []
        return served({"by_id": by_id, "shop.orders": {"list": page}, "pages": "3"})

    server.on(CALL, answer)
    pagination = Pagination(style="page", items=items, total_pages="pages")
    assert list(api.integrations.paginate("shop", "/o", pagination=pagination)) == ALL
    assert len(server.requests) == 3
