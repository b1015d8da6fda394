"""`paginate`: lists of a service, in each of the styles services use."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from automio import AsyncAPI, CallFailed, InvalidReply, Pagination
from automio._pagination import next_link
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
    start = int(request.json["request_params"].get("from", 0))
    url = "https://service.test/orders"
    link = f'<{url}?from={start + 3}&state=new>; rel="next", <{url}>; rel=first'
    return served(ALL[start : start + 3], {"link": link} if start + 3 < len(ALL) else {})


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
    for request in server.requests:
        assert (request.json["endpoint"], request.json["method"]) == ("/orders", "GET")
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
        ({"items": [1], "next": "same"}, Pagination(style="cursor", items="items"), "that page again"),
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
    ],
)
def test_links_are_read_as_services_write_them(header: str, target: str | None) -> None:
    assert next_link({"Link": header}) == target
