"""Every list that OpenAPI offers with a cursor is walked: in each order, with a search, and by a stranger.

A list that is new is tried without anybody thinking of it. When nothing, or too little, is in it, the test says so.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from platform_api.accounts.models import Role
from platform_api.app import create_app
from platform_api.syncs.models import Sync
from tests.platform_api.conftest import Platform, make_settings
from tests.platform_api.tenancy_world import World, build_world

pytestmark = pytest.mark.anyio

OPENAPI: dict[str, Any] = create_app(make_settings("postgresql:///unused")).api.openapi()
ITEMS = 5
NAMES = ["Zebra", "apple", "Äpfel", "zoo_50", "Apple pie"]


def _parameters(path: str) -> dict[str, dict[str, Any]]:
    described = OPENAPI["paths"][path].get("get", {}).get("parameters", [])
    return {parameter["name"]: parameter["schema"] for parameter in described if parameter["in"] == "query"}


LISTS = sorted(path for path in OPENAPI["paths"] if {"cursor", "limit"} <= _parameters(path).keys())
SEARCHED = [path for path in LISTS if "search" in _parameters(path)]
ORDERS = [(path, order) for path in LISTS for order in _parameters(path).get("order", {}).get("enum", [])]
WORDS = {
    "/api/integrations/{integration_id}/connections/": ("name",),
    "/api/organizations/{organization}/members/": ("name", "email"),
    "/api/users/": ("name", "email"),
    "/api/tokens/": ("name", "hint"),
    "/api/drafts/": ("subject",),
    "/api/plugins/plugin-interfaces/": ("namespace", "title"),
    "/api/plugins/plugin-interfaces/{namespace}/plugins/": ("integration",),
}
"""Where `search` looks, if that is not `name` and perhaps `slug`."""


@pytest.fixture(scope="module")
async def world(shared_platform: Platform) -> AsyncIterator[World]:
    world = await build_world(shared_platform)
    at, victim = world.parameters, world.victim
    async with shared_platform.database.transaction() as session:
        sync = await session.scalar(select(Sync).where(Sync.name == at["sync"]))
        assert sync is not None
        kept = {name: getattr(sync, name) for name in ("organization_id", "app_id", "user_id", "declaration")}
        session.add_all(Sync(name=f"{name} {number}", **kept) for number, name in enumerate(NAMES))
    async with shared_platform.client(victim) as client:

        async def post(path: str, body: dict[str, Any]) -> None:
            reply = await client.post(path, json=body)
            assert reply.status_code in (200, 201), reply.text

        for number, name in enumerate(NAMES):
            await shared_platform.create_colleague(victim, Role.BUILDER)
            await post("/api/apps/", {"name": name, "slug": f"{world.marker}-{number}"})
            await post(f"/api/apps/{at['app']}/new_table/", {"name": f"t{9 - number}_{world.marker}"})
            await post("/api/actions/", {"app": at["app"], "name": name, "code": "pass"})
            await post(f"/api/apps/{at['app']}/webhooks/", {"action": "take", "name": name})
            await post(f"/api/apps/table-tags/{at['app']}/orders/add/", {"name": name})
            await post(f"/api/apps/{at['app']}/table/orders/views/", {"name": name, "content": {}})
            draft = {"app": at["app"], "subject": f"{name} {world.marker}", "base_revision": 0, "content": {}}
            assert (await client.put("/api/drafts/", json=draft)).status_code == 200
            await post(f"/api/integrations/{at['integration_id']}/connections/", {"name": name})
            namespace = f"n{9 - number}{world.marker}"
            code = f"def {world.marker}(connection_ids): ..."
            interface = {"namespace": namespace, "capabilities": [world.marker], "code": code}
            await post("/api/plugins/plugin-interfaces/", interface)
            own = f"{number}-{world.marker}"
            await post("/api/integrations/", {"id": own, "name": name, "base_url": "http://127.0.0.1:9"})
            path = f"/api/plugins/plugin-interfaces/{at['namespace']}/plugins/"
            await post(path, {"integration_id": own, "code": code})
        await post(f"/api/apps/table-tags/{at['app']}/orders/add/", {"name": NAMES[2]})
    yield world


@pytest.fixture
async def reader(shared_platform: Platform, world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The victim, who is an operator for the list of users."""
    async with shared_platform.client(world.victim) as client:
        yield client


@pytest.fixture(scope="module")
async def operator(shared_platform: Platform, world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with shared_platform.client(await shared_platform.create_caller(is_operator=True)) as client:
        yield client


def _items(reply: httpx.Response) -> list[dict[str, Any]]:
    answer: Any = reply.json()
    items: list[dict[str, Any]] = answer if isinstance(answer, list) else answer.get("results", answer.get("tables"))
    return items


def _ids(reply: httpx.Response) -> list[Any]:
    return [item.get("id") or item.get("user_id") or item["integration_id"] for item in _items(reply)]


def _cursor(reply: httpx.Response) -> str | None:
    """The cursor of the next part: of the answer, or of the header `Link` where that is a plain array."""
    answer = reply.json()
    if isinstance(answer, list):
        return httpx.URL(reply.links["next"]["url"]).params["cursor"] if "next" in reply.links else None
    cursor: str | None = answer["next_cursor"]
    return cursor


async def _get(
    reader: httpx.AsyncClient, operator: httpx.AsyncClient, world: World, path: str, **query: Any
) -> httpx.Response:
    client = operator if path == "/api/users/" else reader
    return await client.get(path.format(**world.parameters), params=query)


@pytest.mark.parametrize(("path", "order"), ORDERS)
async def test_the_parts_of_a_list_are_the_list_in_its_order(
    reader: httpx.AsyncClient, operator: httpx.AsyncClient, world: World, path: str, order: str
) -> None:
    whole = await _get(reader, operator, world, path, limit=100, order=order)
    assert len(_ids(whole)) >= ITEMS, f"test_lists.py: put {ITEMS} items into the list of {path}"
    envelope = whole.json() if isinstance(whole.json(), dict) else {}
    assert envelope.get("count") is None and envelope.get("next") is None and _cursor(whole) is None
    opposite = order[1:] if order.startswith("-") else f"-{order}"
    turned = await _get(reader, operator, world, path, limit=100, order=opposite)
    assert _ids(turned) == _ids(whole)[::-1]
    parts, cursor = [], ""
    while cursor is not None:
        reply = await _get(reader, operator, world, path, limit=2, order=order, cursor=cursor)
        assert reply.status_code == 200, reply.text
        parts += _ids(reply)
        cursor = _cursor(reply)
    assert parts == _ids(whole)
    first = await _get(reader, operator, world, path, limit=2, order=order)
    link = first.json().get("next") if isinstance(first.json(), dict) else first.links["next"]["url"]
    if link is not None:
        client = operator if path == "/api/users/" else reader
        assert _ids(await client.get(link)) == _ids(whole)[2:4]
    other = next(word for word in _parameters(path)["order"]["enum"] if word != order)
    refused = await _get(reader, operator, world, path, limit=2, order=other, cursor=_cursor(first))
    assert refused.status_code == 422 and "cursor: it is damaged or belongs to another" in refused.text


@pytest.mark.parametrize("path", SEARCHED)
async def test_a_search_finds_what_contains_it_whatever_the_case(
    reader: httpx.AsyncClient, operator: httpx.AsyncClient, world: World, path: str
) -> None:
    names = WORDS.get(path, ("name", "slug", "integration_id"))

    def texts(item: dict[str, Any]) -> list[str]:
        return [str(item.get(name) or "").lower() for name in names]

    whole = _items(await _get(reader, operator, world, path, limit=100))
    word = texts(whole[ITEMS - 1])[-1] or texts(whole[ITEMS - 1])[0]
    if path.endswith("/plugins/"):
        word = whole[ITEMS - 1]["integration"]["integration_id"]
    part = word[1:8]
    reply = await _get(reader, operator, world, path, limit=100, search=part.swapcase())
    assert reply.status_code == 200, reply.text
    expected = [item for item in whole if any(part in text for text in texts(item))]
    assert expected and _items(reply) == expected
    for nothing in ("%", "\\", "no such thing"):
        assert _items(await _get(reader, operator, world, path, limit=9, search=nothing)) == []
    for refused in ("a\0", "x" * 101):
        assert (await _get(reader, operator, world, path, limit=9, search=refused)).status_code == 422


@pytest.mark.parametrize("path", LISTS)
async def test_what_no_list_can_answer_is_refused(
    reader: httpx.AsyncClient, operator: httpx.AsyncClient, world: World, path: str
) -> None:
    refused: list[dict[str, Any]] = [{"cursor": "x"}, {"cursor": "x" * 5000}, {"limit": 0}, {"limit": 101}]
    if "page" in _parameters(path):
        refused += [{"page": 1, "limit": 5}, {"per_page": 5, "cursor": ""}]
    refused += [{"order": "size"}] if "order" in _parameters(path) else []
    for query in refused:
        reply = await _get(reader, operator, world, path, **query)
        assert reply.status_code == 422, f"{query}: {reply.status_code} {reply.text[:200]}"


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_opens_nothing_to_another_organization(
    shared_platform: Platform, reader: httpx.AsyncClient, operator: httpx.AsyncClient, world: World, path: str
) -> None:
    first = await _get(reader, operator, world, path, limit=1)
    async with shared_platform.client(await shared_platform.create_caller()) as stranger:
        reply = await stranger.get(path.format(**world.parameters), params={"limit": 100, "cursor": _cursor(first)})
    assert reply.status_code < 500 and world.marker not in reply.text.replace(world.parameters["organization"], "")


@pytest.mark.parametrize("path", ["/api/actions/", "/api/apps/csv-imports/", "/api/apps/csv-exports/"])
async def test_a_list_that_the_contract_has_whole_is_searched_and_sorted(
    reader: httpx.AsyncClient, world: World, path: str
) -> None:
    whole = (await reader.get(path, params={"order": "created_at"})).json()
    assert whole and (await reader.get(path, params={"order": "-created_at"})).json() == whole[::-1]
    word = whole[0].get("slug") or whole[0]["collection_name"]
    assert (await reader.get(path, params={"search": word.upper()})).json()
    assert (await reader.get(path, params={"search": "%"})).json() == []


async def test_numbered_pages_are_as_they_were(reader: httpx.AsyncClient) -> None:
    first = (await reader.get("/api/apps/", params={"per_page": 2})).json()
    assert first["count"] >= ITEMS and first["next"].endswith("page=2&per_page=2") and first["next_cursor"] is None


async def test_a_tag_is_counted_and_removed(shared_platform: Platform, world: World) -> None:
    path = f"/api/apps/table-tags/{world.parameters['app']}/"
    async with shared_platform.client(world.victim) as client:
        for _ in range(3):
            assert (await client.post(f"{path}orders/add/", json={"name": "passing"})).status_code == 200
        [tag] = (await client.get(path, params={"search": "passing", "table": "orders"})).json()["results"]
        assert (tag["count"], tag["collection_name"]) == (3, "orders")
        assert (await client.get(path, params={"search": "passing", "table": "synced"})).json()["results"] == []
        async with shared_platform.client(await shared_platform.create_caller()) as stranger:
            assert (await stranger.delete(f"/api/apps/table-tags/tag/{tag['id']}/")).status_code == 404
        assert (await client.delete(f"/api/apps/table-tags/tag/{tag['id']}/")).status_code == 204
        assert (await client.delete(f"/api/apps/table-tags/tag/{tag['id']}/")).status_code == 404
        assert (await client.get(path, params={"search": "passing"})).json()["results"] == []
