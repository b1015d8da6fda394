"""Viewing as a member: what they see, nothing that is a person's alone, and no change by any way."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import httpx
import pytest

from platform_api.accounts.models import Role, User
from platform_api.graphql import viewing as graphql_viewing
from tests.platform_api.conftest import BASE_URL, Caller, Platform
from tests.platform_api.graphql.serving import serve_app

pytestmark = pytest.mark.anyio

VIEW_AS = "X-Automio-View-As"


@asynccontextmanager
async def signed_in(platform: Platform, caller: Caller, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of the caller on a page of ours."""
    own = {"Origin": BASE_URL, "X-Organization-Id": str(caller.organization_id)}
    async with platform.client(headers=own) as client:
        answer = await client.post("/api/sessions/", json={"email": caller.email, "password": Platform.password})
        assert answer.status_code == 200, answer.text
        client.headers.update(headers)
        yield client


async def open_shop(platform: Platform) -> tuple[Caller, Caller, str]:
    owner = await platform.create_caller()
    member = await platform.create_colleague(owner, Role.MEMBER)
    app = await platform.create_app(owner)
    async with platform.client(owner) as client:
        table = {"name": "items", "columns": [{"name": "code", "type": "text"}]}
        assert (await client.post(f"/api/apps/{app.slug}/new_table/", json=table)).status_code == 200
    return owner, member, app.slug


async def test_a_builder_sees_what_the_member_sees(shared_platform: Platform) -> None:
    owner, member, app = await open_shop(shared_platform)
    paths = [
        *("/api/apps/", f"/api/apps/{app}/user_tables/", f"/api/apps/{app}/source/", "/api/actions/", "/api/users/"),
        f"/api/organizations/{owner.organization_slug}/invitations/",
    ]
    async with (
        signed_in(shared_platform, member) as theirs,
        signed_in(shared_platform, owner, **{VIEW_AS: str(member.user_id)}) as viewing,
        signed_in(shared_platform, owner, **{VIEW_AS: "member"}) as as_role,
    ):
        for path in paths:
            expected = await theirs.get(path)
            for client in (viewing, as_role):
                answer = await client.get(path)
                assert answer.status_code == expected.status_code, path
                if expected.status_code == 200:
                    assert answer.json() == expected.json(), path
        me = (await viewing.get("/api/me/")).json()
        assert (me["role"], me["user"]["id"]) == ("member", owner.user_id), "the person stays who they are"


async def test_what_an_owner_manages_is_not_shown_while_viewing(shared_platform: Platform) -> None:
    owner, member, _ = await open_shop(shared_platform)
    elsewhere = await shared_platform.create_organization()
    async with shared_platform.database.transaction() as session:
        person = await session.get_one(User, owner.user_id)
    await shared_platform.add_member(elsewhere, person, Role.OWNER)
    async with signed_in(shared_platform, owner, **{VIEW_AS: str(member.user_id)}) as viewing:
        tokens = (await viewing.get("/api/tokens/")).json()["results"]
        assert {token["user_id"] for token in tokens} == {owner.user_id}, "one's own, not the organization's"
        own = [item["slug"] for item in (await viewing.get("/api/organizations/")).json()]
        assert own == [owner.organization_slug]
        assert (await viewing.get(f"/api/organizations/{elsewhere.slug}/members/")).status_code == 404
        first = (await viewing.get("/api/bootstrap/")).json()
        assert (first["role"], first["organization"]["role"]) == ("member", "member")


async def test_nothing_is_changed_while_viewing(shared_platform: Platform) -> None:
    owner, member, app = await open_shop(shared_platform)
    async with signed_in(shared_platform, owner, **{VIEW_AS: str(member.user_id)}) as viewing:
        for method, path in (
            ("PATCH", "/api/me/"),
            ("POST", "/api/apps/"),
            ("POST", f"/api/apps/graphql/?app={app}"),
            ("DELETE", f"/api/apps/{app}/table/items/delete-rows/"),
            ("DELETE", "/api/sessions/1/"),
        ):
            answer = await viewing.request(method, path, json={})
            assert (answer.status_code, answer.json().get("code")) == (403, "viewing_as"), path
        # These only read: their filter is too long for an address.
        for what, body in (("count", {"all": True}), ("estimate", {}), ("group", {"by": "code"})):
            answer = await viewing.post(f"/api/apps/{app}/table/items/{what}-rows/", json=body)
            assert answer.status_code == 200, answer.text
        graphql = f"/api/apps/{app}/v1/graphql"
        assert (await viewing.post(graphql, json={"query": "{ items { code } }"})).json() == {"data": {"items": []}}
        changes: list[Any] = [
            {"query": 'mutation { insert_items_one(object: {code: "x"}) { id } }'},
            {
                "query": 'query a { items { id } } mutation b { insert_items_one(object: {code: "x"}) { id } }',
                "operationName": "b",
            },
            [{"query": 'mutation { insert_items_one(object: {code: "x"}) { id } }'}],
        ]
        for change in changes:
            answer = await viewing.post(graphql, json=change)
            assert answer.status_code == 403, answer.text
            assert "view" in answer.text
        twice = '{"query": "{ items { id } }", "query": "mutation { delete_items(where: {}) { affected_rows } }"}'
        answer = await viewing.post(graphql, content=twice, headers={"Content-Type": "application/json"})
        assert answer.status_code == 403
        assert (await viewing.post(graphql, json={"query": "{ items { code } }"})).json() == {"data": {"items": []}}


async def test_a_websocket_of_a_viewer_subscribes_and_changes_nothing(shared_platform: Platform) -> None:
    owner, member, app = await open_shop(shared_platform)
    async with signed_in(shared_platform, owner) as client:
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    async with serve_app(shared_platform.app) as url, aiohttp.ClientSession() as browser:
        headers = {"Cookie": cookie, "Origin": url}
        socket = await browser.ws_connect(
            f"{url}/api/apps/{app}/v1/graphql", protocols=["graphql-transport-ws"], headers=headers
        )
        init = {"X-Organization-Id": str(owner.organization_id), VIEW_AS: str(member.user_id)}
        await socket.send_json({"type": "connection_init", "payload": {"headers": init}})
        assert (await socket.receive_json())["type"] == "connection_ack"
        query = {"query": "subscription { items { code } }"}
        await socket.send_json({"id": "1", "type": "subscribe", "payload": query})
        assert (await socket.receive_json())["payload"] == {"data": {"items": []}}
        change = {"query": 'mutation { insert_items_one(object: {code: "x"}) { id } }'}
        await socket.send_json({"id": "2", "type": "subscribe", "payload": change})
        closed = await socket.receive()
        assert closed.type is aiohttp.WSMsgType.CLOSE, closed
        assert closed.data == 4403


async def test_what_a_viewer_sends_is_bounded(shared_platform: Platform) -> None:
    owner, _, app = await open_shop(shared_platform)
    graphql, one = f"/api/apps/{app}/v1/graphql", {"query": "{ items { code } }"}
    async with signed_in(shared_platform, owner, **{VIEW_AS: "member"}) as client:
        assert len((await client.post(graphql, json=[one] * 100)).json()) == 100
        too_many = await client.post(graphql, json=[one] * 101)
        assert too_many.status_code == 400
        assert "at most 100 operations" in too_many.text
        too_large = await client.post(graphql, json={"query": one["query"] + " " * graphql_viewing.MAX_BYTES})
        assert too_large.status_code == 413
        assert (await client.post(graphql, json=one)).json() == {"data": {"items": []}}


async def test_what_is_long_to_read_of_a_viewer_leaves_the_loop_to_others() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    body = json.dumps([{"query": "{" + " a" * 19_900 + "}"}] * 5).encode()
    working = asyncio.create_task(others())
    assert json.loads(await graphql_viewing.without_changes(body)) == json.loads(body)
    working.cancel()
    assert turns > 5


async def test_a_message_that_is_too_long_is_read_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.receive", "text": '"' + "x" * graphql_viewing.MAX_BYTES + '"'}

    async def send(message: Any) -> None:
        closed.append(message["code"])

    def read(content: object) -> object:
        raise AssertionError("this was to be refused unread")

    monkeypatch.setattr("platform_api.graphql.viewing.exact_json.loads", read)
    checked = graphql_viewing.receive_without_changes(receive, send, is_viewing=lambda payload: False)
    assert (await checked())["type"] == "websocket.disconnect"
    assert closed == [1009]


async def test_only_whose_rights_one_has_can_be_viewed(shared_platform: Platform) -> None:
    owner, member, app = await open_shop(shared_platform)
    builder = await shared_platform.create_colleague(owner, Role.BUILDER)
    stranger = await shared_platform.create_caller()
    graphql = f"/api/apps/{app}/v1/graphql"
    for caller, target, status in (
        (owner, str(stranger.user_id), 404),
        (owner, "999999999", 404),
        (owner, "nobody", 404),
        (owner, "", 404),
        (builder, str(owner.user_id), 403),
        (builder, "owner", 403),
        (member, "member", 403),
        (member, str(builder.user_id), 403),
        (builder, str(member.user_id), 200),
    ):
        async with signed_in(shared_platform, caller, **{VIEW_AS: target}) as client:
            assert (await client.get("/api/me/")).status_code == status, (caller.email, target)
            answer = await client.post(graphql, content=json.dumps({"query": "{ items { code } }"}))
            assert answer.status_code == status, answer.text
    async with shared_platform.client(owner, headers={VIEW_AS: "member"}) as client:
        assert (await client.get("/api/me/")).status_code == 403, "a token has its own rights"
        assert (await client.post(graphql, json={"query": "{ items { code } }"})).status_code == 403


async def test_viewing_ends_when_the_member_leaves(shared_platform: Platform) -> None:
    owner, member, app = await open_shop(shared_platform)
    graphql = f"/api/apps/{app}/v1/graphql"
    async with (
        signed_in(shared_platform, owner, **{VIEW_AS: str(member.user_id)}) as viewing,
        shared_platform.client(owner) as client,
    ):
        assert (await viewing.post(graphql, json={"query": "{ items { code } }"})).status_code == 200
        path = f"/api/organizations/{owner.organization_slug}/members/{member.user_id}/"
        assert (await client.delete(path)).status_code == 204
        assert (await viewing.get("/api/me/")).status_code == 404
        assert (await viewing.post(graphql, json={"query": "{ items { code } }"})).status_code == 404
