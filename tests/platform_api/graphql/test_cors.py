"""Pages of other origins on the GraphQL endpoints: what an app allows, what nobody is allowed."""

from typing import Any

import aiohttp
import httpx
import pytest

from platform_api.accounts.models import Role
from platform_api.core import remembered
from platform_api.core.types import AppId
from tests.platform_api.conftest import BASE_URL, Caller, Platform
from tests.platform_api.graphql.serving import serve_app
from tests.platform_api.graphql.shop import Shop, open_shop

pytestmark = pytest.mark.anyio

PAGE, OTHER = "https://shop.example", "https://evil.example"
QUERY = {"query": "{ __typename }"}


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "SECONDS_REMEMBERED", 0.0)


async def allow(shop: Shop, *origins: str) -> httpx.Response:
    async with shop.platform.client(shop.owner) as client:
        return await client.put(f"/api/apps/{shop.app}/", json={"name": "Shop", "cors_origins": list(origins)})


def paths(shop: Shop) -> list[str]:
    return [f"/api/apps/{shop.app}/v1/graphql", f"/apps/graphql/?app={shop.app}", f"/api/apps/graphql?app={shop.app}"]


async def preflight(shop: Shop, path: str, origin: str, **headers: str) -> httpx.Response:
    asking = {"Origin": origin, "Access-Control-Request-Method": "POST", **headers}
    async with shop.platform.client() as browser:
        return await browser.options(path, headers=asking)


async def post(shop: Shop, path: str, origin: str | None, caller: Caller | None = None) -> httpx.Response:
    headers = {} if origin is None else {"Origin": origin}
    async with shop.platform.client(caller, headers=headers) as client:
        return await client.post(path, json=QUERY)


def shown_to(answer: httpx.Response) -> str | None:
    assert "access-control-allow-credentials" not in answer.headers
    return answer.headers.get("access-control-allow-origin")


async def test_a_page_of_an_allowed_origin_calls_and_another_does_not(shop: Shop) -> None:
    assert (await allow(shop, PAGE)).json()["cors_origins"] == [PAGE]
    for path in paths(shop):
        asked = await preflight(shop, path, PAGE, **{"Access-Control-Request-Headers": "authorization,x-apollo-name"})
        assert (asked.status_code, shown_to(asked), asked.headers["vary"]) == (200, PAGE, "Origin"), path
        assert asked.headers["access-control-allow-methods"] == "POST"
        assert asked.headers["access-control-allow-headers"] == "authorization,x-apollo-name"
        answer = await post(shop, path, PAGE, shop.owner)
        assert (answer.status_code, shown_to(answer), answer.headers["vary"]) == (200, PAGE, "Origin"), path
        assert "Retry-After" in answer.headers["access-control-expose-headers"]

        refused = await preflight(shop, path, OTHER)
        assert (refused.status_code, shown_to(refused), refused.headers["vary"]) == (403, None, "Origin"), path
        assert OTHER in refused.text and "cors_origins" in refused.text
        hidden = await post(shop, path, OTHER, shop.owner)
        assert (shown_to(hidden), hidden.headers["vary"]) == (None, "Origin")


async def test_a_page_may_read_why_it_is_refused(shop: Shop) -> None:
    await allow(shop, PAGE)
    for path in paths(shop):
        answer = await post(shop, path, PAGE)
        assert (answer.status_code, shown_to(answer)) == (401, PAGE)
        assert "Authorization" in answer.text
        stranger = await shop.platform.create_caller()
        answer = await post(shop, path, PAGE, stranger)
        assert (answer.status_code, shown_to(answer)) == (404, PAGE)


async def test_without_a_path_that_names_it_the_app_is_the_tokens(shop: Shop) -> None:
    other = await open_shop(shop.platform)
    page, others_page = f"https://a{shop.app}.example", f"https://b{shop.app}.example"
    await allow(shop, page)
    await allow(other, others_page)
    bound = await shop.platform.create_colleague(shop.owner, Role.MEMBER, app_id=AppId(shop.app))
    for origin in (page, others_page):
        asked = await preflight(shop, "/v1/graphql", origin)
        assert (asked.status_code, shown_to(asked)) == (200, origin)
    assert (await preflight(shop, "/v1/graphql", OTHER)).status_code == 403
    assert shown_to(await post(shop, "/v1/graphql", page, bound)) == page
    assert shown_to(await post(shop, "/v1/graphql", others_page, bound)) is None
    unknown = await post(shop, "/v1/graphql", page)
    assert (unknown.status_code, shown_to(unknown)) == (401, page)


async def test_a_star_allows_every_page_and_no_cookie(shop: Shop) -> None:
    await allow(shop, "*")
    path = f"/api/apps/{shop.app}/v1/graphql"
    assert shown_to(await preflight(shop, path, OTHER)) == "*"
    assert shown_to(await post(shop, path, OTHER, shop.owner)) == "*"
    async with shop.platform.client() as browser:
        sign_in = {"email": shop.owner.email, "password": Platform.password}
        (await browser.post("/api/sessions/", json=sign_in, headers={"Origin": BASE_URL})).raise_for_status()
        for address in paths(shop):
            assert (await browser.post(address, json=QUERY, headers={"Origin": OTHER})).status_code == 403
            assert (await browser.post(address, json=QUERY, headers={"Origin": BASE_URL})).status_code == 200
        cookie = f"automio_session={browser.cookies['automio_session']}"
    async with serve_app(shop.platform.app) as url, aiohttp.ClientSession() as session:
        for origin, expected in ((OTHER, aiohttp.WSMsgType.CLOSE), (url, aiohttp.WSMsgType.TEXT)):
            headers = {"Origin": origin, "Cookie": cookie}
            socket = await session.ws_connect(url + path, protocols=["graphql-transport-ws"], headers=headers)
            await socket.send_json({"type": "connection_init"})
            assert (await socket.receive(timeout=240)).type is expected
            await socket.close()


async def test_by_default_and_for_a_switched_off_app_no_page_may_call(shop: Shop) -> None:
    for path in (*paths(shop), "/api/apps/no-such-app/v1/graphql", "/api/apps/%00/v1/graphql"):
        assert (await preflight(shop, path, PAGE)).status_code == 403
        assert shown_to(await preflight(shop, path, "null")) is None
    await allow(shop, PAGE)
    assert (await preflight(shop, paths(shop)[0], PAGE)).status_code == 200
    async with shop.platform.client(shop.owner) as client:
        await client.put(f"/api/apps/{shop.app}/", json={"name": "Shop", "is_active": False})
    assert (await preflight(shop, paths(shop)[0], PAGE)).status_code == 403


async def test_programs_our_own_pages_and_other_endpoints_see_nothing_of_it(shop: Shop) -> None:
    await allow(shop, "*")
    for path in paths(shop):
        for origin in (None, BASE_URL):
            answer = await post(shop, path, origin, shop.owner)
            assert (answer.status_code, shown_to(answer)) == (200, None)
            assert "vary" not in answer.headers
    async with shop.platform.client(shop.owner, headers={"Origin": PAGE}) as client:
        for path in ("/api/apps/", f"/api/apps/{shop.app}/", "/cache/get/x/"):
            assert shown_to(await client.get(path)) is None
        asked = await client.options(f"/api/apps/{shop.app}/v1/graphql")
        assert (asked.status_code, asked.headers["allow"]) == (405, "POST"), "no preflight, just a method"


@pytest.mark.parametrize(
    ("origin", "stored"),
    [
        ("https://shop.example", "https://shop.example"),
        ("HTTPS://Shop.Example:443", "https://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("*", "*"),
    ],
)
async def test_origins_are_stored_as_browsers_send_them(shop: Shop, origin: str, stored: str) -> None:
    answer = await allow(shop, origin)
    assert (answer.status_code, answer.json()["cors_origins"]) == (200, [stored])
    async with shop.platform.client(shop.owner) as client:
        kept = await client.put(f"/api/apps/{shop.app}/", json={"name": "Renamed"})
        assert kept.json()["cors_origins"] == [stored], "what is left out stays"
        assert (await client.get(f"/api/apps/{shop.app}/")).json()["cors_origins"] == [stored]
    async with shop.platform.client(shop.installer) as client:
        assert (await client.get(f"/api/apps/{shop.app}/")).json()["cors_origins"] is None


@pytest.mark.parametrize(
    "origin",
    [
        *(
            "https://shop.example/",
            "http://shop.example",
            "shop.example",
            "https://",
            "https://*.example",
            "null",
            "",
        ),
        *("https://user@shop.example", "https://shop.example:0", "https://shop.example:99999", "https://a b.example"),
        *("https://shop.example\r\nX: y", "https://-a.example", "javascript:x", "https://" + "a" * 300 + ".example"),
    ],
)
async def test_what_is_no_origin_is_refused_with_what_would_be_right(shop: Shop, origin: str) -> None:
    answer = await allow(shop, origin)
    assert answer.status_code == 422, answer.text
    assert "https://host" in answer.json()["detail"]


async def test_origins_are_a_builders_matter_and_so_many(shop: Shop) -> None:
    body: dict[str, Any] = {"name": "Shop", "cors_origins": ["*"]}
    member = await shop.platform.create_colleague(shop.owner, Role.MEMBER)
    for caller, status in ((member, 403), (shop.installer, 404)):
        async with shop.platform.client(caller) as client:
            assert (await client.put(f"/api/apps/{shop.app}/", json=body)).status_code == status
    assert (await allow(shop, *[f"https://a{number}.example" for number in range(51)])).status_code == 422
    assert (await allow(shop)).json()["cors_origins"] == []
