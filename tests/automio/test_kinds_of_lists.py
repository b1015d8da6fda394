"""The smallest list of each kind that services page in their own way, read to its end and no further."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from automio import InvalidReply, Pagination
from automio.wrapper import API
from tests.automio.loopback import Loopback, Seen, api_response

CALL = "POST /api/integrations/shop/call/"
ADDRESS = "https://service.test/things"


def answer(data: Any, headers: Mapping[str, str] | None = None, *, status: int = 200, text: str | None = None) -> Any:
    response = {**api_response(status, json.dumps(data) if text is None else text), "headers": dict(headers or {})}
    return {"api_data": data, "api_response": response, "connection_id": 5, "organization_id": 2}


def query_of(request: Seen) -> list[tuple[str, str]]:
    """Returns the whole query that the service sees, of the address and beside it."""
    found = parse_qsl(urlsplit(request.json["endpoint"]).query)
    for name, value in request.json["request_params"].items():
        found += [(name, str(item)) for item in (value if isinstance(value, list) else [value])]
    return found


def number(request: Seen, name: str, default: int = 0) -> int:
    return int(dict(query_of(request)).get(name, default))


def things(first: int, end: int) -> list[dict[str, int]]:
    return [{"id": position} for position in range(first, end)]


def next_link(rest: str) -> dict[str, str]:
    return {"link": f"<{ADDRESS}?{rest}"}


def by_last_id(request: Seen) -> Any:
    start = number(request, "starting_after", -1) + 1
    return answer({"data": things(start, min(start + 2, 5)), "has_more": start + 2 < 5})


def with_a_repeated_filter(request: Seen) -> Any:
    if [value for name, value in query_of(request) if name == "id"] != ["1", "2", "3"]:
        return answer({"error": "other things"}, status=400)
    page = number(request, "page")
    return answer(
        things(page, page + 1), next_link(f'id=1&id=2&id=3&page={page + 1}>; rel="next"') if page < 4 else {}
    )


def with_a_token_that_stands_alone(request: Seen) -> Any:
    names = [name for name, _ in query_of(request)]
    page = number(request, "token")
    if names not in (["state"], ["token"]):
        return answer({"error": "a token and filters exclude each other"}, status=400)
    return answer(things(page, page + 1), next_link(f'token={page + 1}>; rel="next"') if page < 4 else {})


def with_a_link_for_ever(request: Seen) -> Any:
    page = number(request, "page")
    has_results = "true" if page < 4 else "false"
    return answer(things(page, min(page + 1, 5)), next_link(f'page={page + 1}>; rel="next"; results="{has_results}"'))


def with_nothing_after_the_end(request: Seen) -> Any:
    page = number(request, "page")
    return answer(things(page - 1, page)) if page <= 5 else answer(None, status=204, text="")


def with_a_url_in_the_body(request: Seen) -> Any:
    skipped = number(request, "skip")
    return answer(
        {
            "value": things(skipped, skipped + 1),
            "next": f"{ADDRESS}?skip={skipped + 1}" if skipped < 4 else None,
            "@odata.nextLink": f"/things?skip={skipped + 1}" if skipped < 4 else None,
        }
    )


def by_search(request: Seen) -> Any:
    start = request.json["data"].get("page", {}).get("after", 0)
    return answer({"hits": things(start, start + 1), "next": start + 1 if start < 4 else None})


def with_a_total_in_a_header(request: Seen) -> Any:
    start = number(request, "offset")
    if start >= 5:
        return answer({"error": "beyond the end"}, status=400)
    return answer(things(start, min(start + 2, 5)), {"X-Total-Count": "5"})


def with_links_by_their_names(request: Seen) -> Any:
    page = number(request, "page")
    links = [{"relation": "self", "url": "/things"}, {"relation": "next", "url": f"?page={page + 1}"}]
    entries = [{"resource": thing} for thing in things(page, page + 1)]
    return answer({"entry": entries, "link": links if page < 4 else links[:1]})


def with_zero_at_the_end(request: Seen) -> Any:
    start = number(request, "cursor")
    return answer({"ids": things(start, start + 1), "next_cursor": str((start + 1) % 5)})


def with_lists_within_lists(request: Seen) -> Any:
    page = number(request, "page")
    halves = [
        {"items": things(2 * page, 2 * page + 1)},
        {"items": None},
        {"items": things(2 * page + 1, 2 * page + 2)},
    ]
    return answer({"groups": halves if page < 2 else [{"items": things(4, 5)}], "last": page == 2})


LINK = {"style": "link"}
KINDS: list[tuple[Callable[[Seen], Any], dict[str, Any], dict[str, Any], int]] = [
    (
        by_last_id,
        {
            "style": "cursor",
            "items": "data",
            "parameter": "starting_after",
            "last_item": "id",
            "has_more": "has_more",
        },
        {},
        3,
    ),
    (with_a_repeated_filter, LINK, {"params": {"id": ["1", "2", "3"]}}, 5),
    (with_a_token_that_stands_alone, LINK, {"params": {"state": "new"}}, 5),
    (with_a_link_for_ever, LINK, {}, 5),
    (with_nothing_after_the_end, {"style": "page"}, {}, 6),
    (with_a_url_in_the_body, {"style": "link", "items": "value", "next": "next"}, {}, 5),
    (with_a_url_in_the_body, {"style": "link", "items": "value", "next": '["@odata.nextLink"]'}, {}, 5),
    (
        by_search,
        {"style": "cursor", "items": "hits", "next": "next", "parameter": "page.after"},
        {"method": "POST", "json": {"query": "x"}},
        5,
    ),
    (with_a_total_in_a_header, {"style": "offset", "total": "header:x-total-count"}, {}, 3),
    (
        with_links_by_their_names,
        {"style": "link", "items": "entry.*.resource", "next": "link[relation=next].url"},
        {},
        5,
    ),
    (with_zero_at_the_end, {"style": "cursor", "items": "ids", "next": "next_cursor"}, {}, 5),
    (
        with_lists_within_lists,
        {"style": "page", "first": 0, "items": "groups.*.items.*", "is_last": "last"},
        {},
        3,
    ),
]


@pytest.mark.parametrize(
    ("service", "pagination", "call", "requests"),
    KINDS,
    ids=[f"{kind[0].__name__}-{kind[1]['style']}" for kind in KINDS],
)
def test_a_list_of_each_kind_is_read_to_its_end_and_no_further(
    server: Loopback,
    api: API,
    service: Callable[[Seen], Any],
    pagination: dict[str, Any],
    call: dict[str, Any],
    requests: int,
) -> None:
    server.on(
        CALL,
        lambda request: (
            service(request) if len(server.requests) <= 10 else answer({"error": "it goes on and on"}, status=400)
        ),
    )

    found = api.integrations.paginate("shop", "/things", pagination=Pagination(**pagination), **call)

    assert list(found) == things(0, 5)
    assert len(server.requests) == requests


LAST_PAGES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "GraphQL errors": (
        {"style": "cursor", "items": "data.nodes", "next": "data.end", "has_more": "data.more"},
        [{"data": {"nodes": [1], "end": "a", "more": True}}, {"errors": [{"message": "X"}], "data": {"nodes": None}}],
    ),
    "left out": (
        {"style": "cursor", "items": "items", "next": "next", "omits_empty": True},
        [{"items": [1], "next": "a"}, {"error": {"code": 429}}],
    ),
    "a verdict": ({"style": "page", "items": "data"}, [{"data": [1]}, {"data": [], "success": False}]),
    "no body before the total": (
        {"style": "offset", "items": "data", "total": "total"},
        [{"data": [1], "total": 3}, None],
    ),
    "twins": ({"style": "page", "items": "data"}, [{"data": [0, 0]}, {"data": [0, 0]}, {"data": [1]}]),
}


@pytest.mark.parametrize("name", LAST_PAGES)
def test_a_list_whose_end_is_no_end_fails_loudly(server: Loopback, api: API, name: str) -> None:
    pagination, pages = LAST_PAGES[name]
    left = list(pages)

    def told(request: Seen) -> Any:
        page = left.pop(0)
        return answer(page) if page is not None else answer(None, status=204, text="")

    server.on(CALL, told)
    with pytest.raises(InvalidReply):
        list(api.integrations.paginate("shop", "/things", pagination=Pagination(**pagination)))


def test_pages_of_twins_are_read_as_far_as_the_total_goes(server: Loopback, api: API) -> None:
    pages = [[0, 0], [0, 0], [0, 0], [1]]
    server.on(CALL, lambda request: answer({"data": pages[number(request, "page") - 1], "total": 7}))
    found = api.integrations.paginate(
        "shop", "/things", pagination=Pagination(style="page", items="data", total="total")
    )
    assert list(found) == [0, 0, 0, 0, 0, 0, 1]
