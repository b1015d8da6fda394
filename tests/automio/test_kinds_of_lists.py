"""The smallest list of each kind that services page in their own way, read to its end and no further."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from automio import Pagination
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
        found += [(name, str(one)) for one in (value if isinstance(value, list) else [value])]
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
