"""Paging through the platform: a real control plane, a real service on loopback, the client's `paginate`."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.responses import JSONResponse

from automio import AsyncAPI, InvalidReply, Pagination
from automio import BadRequest as AutomioBadRequest
from platform_api.integrations.models import OwnIntegration
from tests.lengths import at_length
from tests.platform_api.conftest import BASE_URL, Platform
from tests.platform_api.integrations.paging_upstream import FALSE_FLAGS, KEY, Case, Service, serving

pytestmark = pytest.mark.anyio

BODY_ITEMS = ["data.items", "things.*", "edges.*.node", "?"]
ALL_ITEMS = ["", *BODY_ITEMS]
FILTERS = [[], [("state", "new")], [("ids", "1"), ("ids", "2"), ("q", "a b")]]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
async def api(shared_platform: Platform, service: Service) -> AsyncIterator[AsyncAPI]:
    """A client of the platform, with a connection to the service whose key travels in the query."""
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    definition = {
        "id": "service",
        "name": "Service",
        "base_url": f"{service.url}/v1",
        "auth": {"type": "api_key", "location": "query", "name": KEY[0]},
        "retry": {"attempts": 1},
    }
    async with shared_platform.client(caller) as client:
        answer = await client.post("/api/integrations/", json=definition)
        assert answer.status_code == 201, answer.text
        connection = {"name": "anna", "credentials": {"api_key": KEY[1]}}
        answer = await client.post("/api/integrations/service/connections/", json=connection)
        assert answer.status_code == 201, answer.text
    transport = httpx.ASGITransport(app=shared_platform.app)
    async with AsyncAPI(base_url=BASE_URL, token=caller.token, app_id=app.id, transport=transport) as made:
        yield made


def pagination_of(case: Case) -> Pagination:
    """What one has to say of the service for this case."""
    said: dict[str, Any] = {"items": case.items_at}
    if case.size is not None:
        said |= {"size": case.size, "size_parameter": "page.limit" if case.is_post else "limit"}
    within = "page." if case.is_post else ""
    match case.style:
        case "link-header":
            return Pagination(style="link", **said)
        case "link-body":
            return Pagination(style="link", next='["@odata.nextLink"]', **said)
        case "cursor-next":
            flag = {"is_last": "paging.isLast"} if case.ending == "flag" else {}
            return Pagination(style="cursor", parameter=f"{within}token", next="meta.next", **said, **flag)
        case "cursor-last":
            if case.ending == "finished":
                said["is_last"] = "info.finished"
            elif case.ending not in ("empty", "204", "empty body"):
                said["has_more"] = "info.has_more"
            return Pagination(style="cursor", parameter=f"{within}after", last_item="id", **said)
        case _:
            places = {
                "total header": {"total": "header:x-total-count"},
                "content range": {"total": "header:Content-Range"},
                "total body": {"total": "meta.total"},
                "total pages": {"total_pages": "header:X-WP-TotalPages"},
                "flag": {"has_more": "meta.more"},
                "404": {"end_statuses": (404,)},
            }.get(case.ending, {})
            style: Any = case.style
            return Pagination(style=style, parameter=f"{within}{style}", first=case.first, **said, **places)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    style = draw(
        st.sampled_from(["link-header", "link-body", "cursor-next", "cursor-last", "page", "offset"]), label="style"
    )
    endings = {
        "link-header": ["none", "prev", "results", "empty", "204", "empty body"],
        "link-body": ["null", "absent", "text", "empty"],
        "cursor-next": ["null", "absent", "text", "flag", "empty", "204", "empty body"],
        "cursor-last": [*FALSE_FLAGS, "absent", "finished", "empty", "204", "empty body"],
        "page": ["empty", "204", "empty body", "404", "total header", "total body", "total pages", "flag", "short"],
        "offset": [
            "empty",
            "204",
            "empty body",
            "404",
            "total header",
            "total body",
            "content range",
            "flag",
            "short",
        ],
    }
    ending = draw(st.sampled_from(endings[style]))
    size = draw(st.none() | st.integers(1, 9))
    cap = draw(st.integers(1, 9))
    is_whole_body = (
        style == "link-header"
        or (style in ("page", "offset") and ending not in ("total body", "flag"))
        or (style == "cursor-last" and ending in ("empty", "204", "empty body"))
    )
    is_post = style in ("cursor-next", "cursor-last", "page", "offset") and draw(st.booleans())
    return Case(
        count=draw(st.integers(0, 30)),
        style=style,
        ending=ending,
        size=size,
        cap=cap,
        filters=draw(st.sampled_from(FILTERS)),
        items_at=draw(st.sampled_from(ALL_ITEMS if is_whole_body else BODY_ITEMS)),
        is_post=is_post,
        first=draw(st.sampled_from([0, 1])) if style in ("page", "offset") else 0,
        link_form=draw(st.sampled_from(["plain", "relative", "query only", "echo", "unquoted", "case", "several"])),
    )


async def read(api: AsyncAPI, service: Service, case: Case) -> list[int]:
    service.case = case
    service.asked.clear()
    params: dict[str, Any] = {}
    for name, value in case.filters:
        params[name] = [*params[name], value] if name in params else [value]
    more: dict[str, Any] = {"method": "POST", "json": {"where": {"a": 1}}} if case.is_post else {}
    found = api.integrations.paginate("service", "/things", pagination=pagination_of(case), params=params, **more)
    return [item["id"] async for item in found]


@settings(
    max_examples=at_length(15, full=80),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases())
async def test_every_list_is_read_to_its_end_once_and_in_order(api: AsyncAPI, service: Service, case: Case) -> None:
    assert await read(api, service, case) == case.ids()
    pages = -(-case.count // min(case.size or case.cap, case.cap))
    assert len(service.asked) <= pages + 2, "no page is asked for twice"


@pytest.fixture(scope="module")
def stranger() -> Iterator[Service]:
    """Another host, which must never be asked for anything."""
    with serving() as running:
        yield running


@pytest.mark.parametrize("style", ["link header", "link in the body", "next"])
@pytest.mark.parametrize(
    "form", ["{other}/v1/things?token=3", "//{host}/v1/things", "http://{own}@{host}/x", "{other}\\@{own}/x"]
)
async def test_a_link_to_another_host_is_refused_and_gets_nothing(
    api: AsyncAPI, service: Service, stranger: Service, monkeypatch: pytest.MonkeyPatch, style: str, form: str
) -> None:
    own, host = service.url.removeprefix("http://"), stranger.url.removeprefix("http://")
    target = form.format(other=stranger.url, host=host, own=own)
    headers = {"Link": f'<{target}>; rel="next"'} if style == "link header" else {}
    page = JSONResponse({"items": [{"id": 1}], "next": target}, headers=headers)
    monkeypatch.setattr(service, "answer", lambda asked: page)
    pagination = Pagination(style="link", items="items", next=None if style == "link header" else "next")
    with pytest.raises(InvalidReply, match="is not followed"):
        async for _ in api.integrations.paginate("service", "/things", pagination=pagination):
            pass
    assert stranger.asked == []


@pytest.mark.parametrize(
    "form",
    [
        "{other}/v1/things",
        "//{host}/v1/things",
        "{own}@{host}/v1/things",
        "{own}/v2/things",
        "{own}/v1/../v2/things",
        "{own}/v1things",
        "{own}/v1//{host}/x",
        "{own}/v1/%2e%2e/v2",
        "{own}/v1/things\\x",
        "{own}/v1/things\r\nX: y",
        "ftp://{address}/v1/things",
    ],
)
async def test_the_platform_calls_no_url_outside_the_base_url(
    api: AsyncAPI, service: Service, stranger: Service, form: str
) -> None:
    service.asked.clear()
    endpoint = form.format(
        other=stranger.url,
        host=stranger.url.removeprefix("http://"),
        own=service.url,
        address=service.url.removeprefix("http://"),
    )
    with pytest.raises(AutomioBadRequest, match="endpoint"):
        await api.integrations.call("service", "GET", endpoint)
    assert (service.asked, stranger.asked) == ([], [])


async def test_a_whole_url_below_the_base_url_is_called_as_it_stands(api: AsyncAPI, service: Service) -> None:
    service.case = Case(1, "cursor-next", "null", filters=[("x", "{a}"), ("x", "1 2"), ("y", "")])
    service.asked.clear()
    url = f"{service.url}/v1/things?x={{a}}&x=1+2&y=#part"
    data, response = await api.integrations.call("service", "GET", url)
    assert response.ok, data
    [asked] = service.asked
    assert asked.query == [("x", "{a}"), ("x", "1 2"), ("y", ""), KEY]


@pytest.mark.parametrize(
    ("pagination", "says"),
    [
        ({"style": "cursor", "items": "data", "parameter": "starting_after"}, "needs `next`"),
        ({"style": "cursor", "items": "data", "next": "meta.next"}, "needs `parameter`"),
        ({"style": "cursor", "items": "d", "parameter": "a", "next": "n", "last_item": "id"}, "give one of them"),
        ({"style": "cursor", "parameter": "cursor", "next": "next"}, "`items` is missing"),
        ({"style": "link", "next": "links.next"}, "`items` is missing"),
        ({"style": "offset", "parameter": "offset", "total": "meta.total"}, "`items` is missing"),
        ({"style": "page"}, "needs `parameter`"),
        ({"style": "offset", "parameter": ""}, "needs `parameter`"),
        ({"style": "page", "parameter": "page", "size_parameter": "limit"}, "needs `size`"),
        ({"style": "page", "parameter": "page", "size": 0}, "from 1 to 100000"),
        ({"style": "page", "parameter": "page", "first": -1}, "0 or higher"),
        ({"style": "page", "parameter": "page", "total": "header:"}, "names no header"),
        ({"style": "page", "parameter": "page", "items": "a..b"}, "is not a path"),
        ({"style": "page", "parameter": "page", "items": "a", "has_more": ""}, "`has_more` is empty"),
        ({"style": "page", "parameter": "page", "end_statuses": [500]}, "400 to 499"),
        ({"style": "link", "items": "data", "next": "links.*.href"}, "links[rel=next].href"),
        ({"style": "link", "continue_at": "/next"}, "style cursor"),
        ({"style": "link", "surprise": 1}, "surprise"),
        ({"style": "scroll"}, "'link', 'cursor', 'page' or 'offset'"),
        ({"items": "data"}, "style"),
    ],
)
async def test_a_definition_whose_lists_could_not_be_read_to_their_end_is_not_saved(
    shared_platform: Platform, pagination: dict[str, Any], says: str
) -> None:
    caller = await shared_platform.create_caller()
    definition = {"id": "own", "name": "Own", "base_url": "https://own.example"}
    async with shared_platform.client(caller) as client:
        made = await client.post("/api/integrations/", json={**definition, "pagination": pagination})
        assert made.status_code == 422, made.text
        assert says in made.json()["detail"]
        assert made.json()["detail"].startswith("pagination")
        assert (await client.get("/api/integrations/own/")).status_code == 404
        assert (await client.post("/api/integrations/", json=definition)).status_code == 201
        changed = await client.put("/api/integrations/own/", json={**definition, "pagination": pagination})
        assert (changed.status_code, changed.json()["detail"]) == (422, made.json()["detail"])


async def test_a_definition_that_was_stored_before_it_was_refused_is_still_read(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    stored = {
        "id": "old",
        "name": "Old",
        "base_url": "https://old.example",
        "pagination": {"style": "cursor", "items": "", "parameter": "cursor"},
    }
    async with shared_platform.database.transaction() as session:
        session.add(
            OwnIntegration(organization_id=caller.organization_id, integration_id="old", stored_definition=stored)
        )
    async with shared_platform.client(caller) as client:
        shown = await client.get("/api/integrations/old/")
        assert (shown.status_code, shown.json()["pagination"]["parameter"]) == (200, "cursor")
        assert (await client.get("/api/integrations/", params={"per_page": 100})).status_code == 200
