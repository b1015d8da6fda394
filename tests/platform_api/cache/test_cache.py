"""The cache service (contract §13, §16), with PostgreSQL and with Redis: one suite for both."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from platform_api.accounts.models import Role, Scope
from platform_api.apps.models import App
from platform_api.cache.store import MAX_VALUE_BYTES
from platform_api.core import remembered
from tests.platform_api.cache.redis_server import redis_server
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.graphql.serving import serve_app
from tests.waiting import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=["postgresql", "redis"])
def redis_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "postgresql":
        yield None
        return
    with redis_server() as url:
        yield url


@pytest.fixture(scope="module")
async def cached(module_database_url: str, redis_url: str | None, anyio_backend: str) -> AsyncIterator[Platform]:
    async with running_platform(make_settings(module_database_url, redis_url=redis_url)) as platform:
        yield platform


@pytest.fixture(scope="module")
async def base_url(cached: Platform) -> AsyncIterator[str]:
    # Behind a socket: what a server does with the path's escapes is part of what is tested.
    async with serve_app(cached.app) as url:
        yield f"{url}/cache"


class Cache:
    """Calls the cache as the published client does."""

    def __init__(self, base_url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.client = httpx.AsyncClient(headers=headers, timeout=240)
        self.base_url = base_url

    async def __aenter__(self) -> "Cache":
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.client.aclose()

    async def call(self, method: str, path: str, *, kind: str = "app", **options: Any) -> httpx.Response:
        query = {"task_id": "any", "cache_type": kind, "action_id": "7"}
        return await self.client.request(method, f"{self.base_url}/{path}", params=query, **options)

    async def get(self, raw_key: str, kind: str = "app") -> Any:
        reply = await self.call("GET", f"get/{raw_key}/", kind=kind)
        assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json"), reply.text
        return json.loads(reply.text)

    async def set(self, key: str, value: Any, ttl: float | None = None, kind: str = "app") -> httpx.Response:
        return await self.call(
            "POST", "set/", kind=kind, json={"action": None, "key": key, "value": value, "ttl": ttl}
        )


async def _bound(platform: Platform, caller: Caller, app: App) -> str:
    return (await platform.create_colleague(caller, Role.MEMBER, app_id=app.id)).token


@pytest.fixture
async def cache(cached: Platform, base_url: str) -> AsyncIterator[Cache]:
    caller = await cached.create_caller()
    token = await _bound(cached, caller, await cached.create_app(caller))
    async with Cache(base_url, token) as made:
        yield made


async def test_a_value_is_set_read_replaced_and_deleted(cache: Cache) -> None:
    assert await cache.get("rates") is None
    stored = await cache.set("rates", {"eur": 4.25}, ttl=60)
    assert stored.json() == {"success": True, "key": "rates", "message": "stored", "ttl": 60}
    found = await cache.get("rates")
    assert found == {"key": "rates", "value": {"eur": 4.25}, "exists": True, "ttl": found["ttl"]}
    assert 55 < found["ttl"] <= 60
    await cache.set("rates", [1])
    assert await cache.get("rates") == {"key": "rates", "value": [1], "exists": True, "ttl": -1}
    deleted = await cache.call("DELETE", "delete/rates/")
    assert deleted.json() == {"success": True, "message": "deleted", "key": "rates", "deleted": True}
    again = (await cache.call("DELETE", "delete/rates/")).json()
    assert (again["success"], again["deleted"]) == (True, False)
    assert await cache.get("rates") is None


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}, "zażółć \u2028", "nul \x00", {"a": {"b": [1, None]}}])
async def test_any_json_value_comes_back_as_it_was(cache: Cache, value: Any) -> None:
    await cache.set("any", value)
    assert (await cache.get("any"))["value"] == value


async def test_numbers_keep_their_digits(cache: Cache) -> None:
    digits = b'{"key": "n", "value": [123456789012345678901234567890, 0.10000000000000000001, 1e400], "ttl": null}'
    assert (await cache.call("POST", "set/", content=digits)).status_code == 200
    reply = await cache.call("GET", "get/n/")
    assert b"[123456789012345678901234567890, 0.10000000000000000001, 1e400]" in reply.content


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        ("a/b/c", "a/b/c"),
        ("a/b/c", "a%2Fb%2Fc"),
        ("a//b", "a//b"),
        ("/leading", "/leading"),
        ("trailing/", "trailing/"),
        ("a b", "a%20b"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("ż'\";--", "%C5%BC'%22;--"),
        ("..", "%2E%2E"),
        ("x" * 1024, "x" * 1024),
        ("get/x", "get/x"),
    ],
)
async def test_keys_are_decoded_once_and_may_hold_slashes(cache: Cache, key: str, raw: str) -> None:
    await cache.set(key, key)
    found = await cache.get(raw)
    assert (found["key"], found["value"]) == (key, key)
    assert (await cache.call("DELETE", f"delete/{raw}/")).json() == {
        "success": True,
        "message": "deleted",
        "key": key,
        "deleted": True,
    }


async def test_a_value_is_gone_when_its_time_is_over(cache: Cache) -> None:
    await cache.set("short", 1, ttl=0.3)
    await cache.set("long", 1, ttl=9000.3)
    await cache.set("zero", 1, ttl=0)
    assert 8900 < (await cache.get("long"))["ttl"] <= 9001

    async def is_gone() -> bool:
        return await cache.get("short") is None

    await eventually(is_gone)
    assert (await cache.call("DELETE", "delete/short/")).json()["deleted"] is False
    assert (await cache.get("zero"))["ttl"] == -1


async def test_app_and_organization_entries_do_not_mix_and_others_reach_neither(
    cached: Platform, base_url: str
) -> None:
    owner, installer, stranger = [await cached.create_caller() for _ in range(3)]
    app, sibling = await cached.create_app(owner, is_public=True), await cached.create_app(owner)
    await cached.install(app, installer)
    foreign = await cached.create_app(stranger)
    tokens = {
        "app": await _bound(cached, owner, app),
        "sibling": await _bound(cached, owner, sibling),
        "installer": await _bound(cached, installer, app),
        "stranger": await _bound(cached, stranger, foreign),
    }
    caches = {name: Cache(base_url, token) for name, token in tokens.items()}
    await caches["app"].set("k", "of the app", kind="app")
    await caches["app"].set("k", "of the organization", kind="org")

    async def seen(name: str, kind: str) -> Any:
        found = await caches[name].get("k", kind=kind)
        return found and found["value"]

    assert (await seen("app", "app"), await seen("app", "org")) == ("of the app", "of the organization")
    assert (await seen("sibling", "app"), await seen("sibling", "org")) == (None, "of the organization")
    for name in ("installer", "stranger"):
        assert (await seen(name, "app"), await seen(name, "org")) == (None, None)
        for kind in ("app", "org"):
            await caches[name].set("k", "theirs", kind=kind)
            assert (await caches[name].call("DELETE", "delete/k/", kind=kind)).json()["deleted"] is True
    assert (await seen("app", "app"), await seen("app", "org")) == ("of the app", "of the organization")
    for one in caches.values():
        await one.client.aclose()


async def _refusal(reply: httpx.Response) -> int:
    assert reply.headers["content-type"].startswith("text/plain"), reply.text
    with pytest.raises(ValueError):  # what the published client relies on
        reply.json()
    return reply.status_code


async def test_errors_are_no_json(cache: Cache, cached: Platform, base_url: str) -> None:
    calls = {
        "unknown": (404, await cache.call("GET", "other/")),
        "method": (405, await cache.call("POST", "get/x/")),
        "kind": (400, await cache.call("GET", "get/x/", kind="user")),
        "empty key": (400, await cache.call("GET", "get//")),
        "nul": (400, await cache.call("GET", "get/a%00b/")),
        "long key": (413, await cache.call("GET", f"get/{'x' * 1025}/")),
        "syntax": (400, await cache.call("POST", "set/", content=b'{"key": "a", "value": 1 2}')),
        "no json": (400, await cache.call("POST", "set/", content=b"key=a")),
        "no key": (400, await cache.call("POST", "set/", content=b'{"value": 1}')),
        "nan": (400, await cache.call("POST", "set/", content=b'{"key": "a", "value": NaN}')),
        "latin": (400, await cache.call("POST", "set/", content=b'{"key": "a", "value": "\xff"}')),
        "half pair": (400, await cache.call("POST", "set/", content=b'{"key": "a", "value": "\\ud800"}')),
        "deep": (400, await cache.call("POST", "set/", content=b'{"key":"a","value":' + b"[" * 90_000)),
        "ttl": (400, await cache.set("a", 1, ttl=-1)),
        "long ttl": (400, await cache.set("a", 1, ttl=1e18)),
        "large": (413, await cache.call("POST", "set/", json={"key": "a", "value": "x" * (MAX_VALUE_BYTES + 1)})),
    }
    for name, (expected, reply) in calls.items():
        assert (name, await _refusal(reply)) == (name, expected)
    caller = await cached.create_caller()
    member = await cached.create_colleague(caller, Role.MEMBER, scopes=[Scope.RUN])
    for token, expected in {
        "null": 401,
        "None": 401,
        "amt_" + "x" * 43: 401,
        member.token: 403,
        caller.token: 400,
    }.items():
        async with Cache(base_url, token) as other:
            assert await _refusal(await other.call("GET", "get/x/")) == expected
    async with Cache(base_url, caller.token) as unbound:
        assert await unbound.get("x", kind="org") is None


async def test_a_cache_credential_opens_the_cache_and_nothing_else(cached: Platform, base_url: str) -> None:
    caller = await cached.create_caller()
    app = await cached.create_app(caller)
    async with cached.client(caller) as client:
        made = await client.post("/api/tokens/", json={"name": "cache", "scopes": ["cache"], "app": app.slug})
        assert made.status_code == 201, made.text
    async with Cache(base_url, made.json()["token"]) as cache:
        assert (await cache.set("a", 1)).status_code == 200
    async with cached.client(headers={"Authorization": f"App-Token {made.json()['token']}"}) as client:
        document = {"query": "{ __typename }"}
        assert (await client.post("/api/apps/graphql/", params={"app": app.id}, json=document)).status_code == 403
        assert (await client.post("/api/actions/1/run/")).status_code == 403


async def test_a_revoked_token_and_a_suspended_install_lose_the_cache_at_once(
    cached: Platform, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "SECONDS_REMEMBERED", 600.0)
    owner, installer = await cached.create_caller(), await cached.create_caller()
    app = await cached.create_app(owner, is_public=True)
    await cached.install(app, installer)
    bound = await cached.create_colleague(installer, Role.OWNER, app_id=app.id)
    async with Cache(base_url, bound.token) as cache, cached.client(installer) as client:

        async def becomes(expected: int) -> None:
            async def is_it() -> bool:
                return (await cache.call("GET", "get/a/")).status_code == expected

            await eventually(is_it)

        assert (await cache.set("a", 1)).status_code == 200
        suspended = await client.patch(f"/api/apps/{app.id}/install/", json={"status": "suspended"})
        assert suspended.status_code == 200
        await becomes(403)
        await _refusal(await cache.call("GET", "get/a/"))
        await client.patch(f"/api/apps/{app.id}/install/", json={"status": "active"})
        await becomes(200)
        assert (await cache.get("a"))["value"] == 1
        tokens = {token["hint"]: token["id"] for token in (await client.get("/api/tokens/")).json()["results"]}
        assert (await client.delete(f"/api/tokens/{tokens[bound.token[:8]]}/")).status_code < 300
        await becomes(401)
        await _refusal(await cache.call("GET", "get/a/"))


async def test_entries_outlive_the_process(cached: Platform, base_url: str, cache: Cache) -> None:
    await cache.set("kept", 1)
    async with running_platform(cached.settings) as other, serve_app(other.app) as url:
        cache.base_url = f"{url}/cache"
        assert (await cache.get("kept"))["value"] == 1
