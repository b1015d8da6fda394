"""The GraphQL endpoints with the embedded engine: shapes, credentials, bad input, WebSockets."""

import asyncio
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import httpx
import pytest
from sqlalchemy import delete, update

from platform_api.accounts.models import Membership, Role, Scope, Token
from platform_api.apps.models import Install, InstallStatus
from platform_api.core import remembered
from platform_api.core.listener import Listener
from platform_api.core.types import AppId
from platform_api.graphql import expiry
from tests.platform_api.conftest import BASE_URL, Caller, Platform, make_settings, running_platform
from tests.platform_api.graphql.serving import serve_app
from tests.platform_api.graphql.shop import Shop, open_shop
from tests.statements import counted_statements
from tests.waiting import eventually

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


async def contract(shop: Shop, caller: Caller | None, query: str, **parameters: Any) -> httpx.Response:
    """The documented endpoint of the published clients."""
    variables = parameters.pop("variables", None)
    body = {"query": query.replace("ORDERS", shop.orders)}
    if variables is not None:
        body["variables"] = variables
    parameters = {"app": str(shop.app), "table": "orders", **parameters}
    async with shop.platform.client(caller) as client:
        return await client.post("/api/apps/graphql/", params=parameters, json=body)


# The contract's endpoint


async def test_the_documented_endpoint_answers_data(shop: Shop) -> None:
    await shop.add_order(shop.owner, "1")
    for app in (str(shop.app), f"{shop.owner.organization_slug}/{await slug_of(shop)}"):
        for table in ("orders", shop.orders):
            answer = await contract(shop, shop.owner, "{ ORDERS { orderId } }", app=app, table=table)
            assert answer.status_code == 200, answer.text
            assert answer.json() == {"data": {shop.orders: [{"orderId": "1"}]}}


async def slug_of(shop: Shop) -> str:
    async with shop.platform.client(shop.owner) as client:
        return str((await client.get(f"/api/apps/{shop.app}/")).json()["slug"])


async def test_nulls_in_variables_are_kept_and_documents_without_commas_run(shop: Shop) -> None:
    document = """
        mutation ($total: numeric $id: String!) {
          insert_ORDERS_one(object: {orderId: $id total: $total}) { orderId total }
        }
    """
    answer = await contract(shop, shop.owner, document, variables={"total": None, "id": "n"})
    assert answer.json()["data"] == {f"insert_{shop.orders}_one": {"orderId": "n", "total": None}}


async def test_defaults_of_variables_count_and_numbers_keep_their_digits(shop: Shop) -> None:
    digits = "12345678901234567.89"
    row = "insert_ORDERS_one(object: {orderId: $id, total: $total}) { id }"
    by_default = f"mutation ($id: String!, $total: numeric = {digits}) {{ {row} }}"
    written = await contract(shop, shop.owner, by_default, variables={"id": "by default"})
    assert "errors" not in written.json(), written.text
    sent = f"mutation ($id: String!, $total: numeric = 0) {{ {row} }}".replace("ORDERS", shop.orders)
    content = f'{{"query": "{sent}", "variables": {{"id": "sent", "total": {digits}}}}}'
    async with shop.platform.client(shop.owner) as client:
        written = await client.post(f"/api/apps/graphql/?app={shop.app}", content=content, headers=JSON)
    assert "errors" not in written.json(), written.text

    rows = "ORDERS(where: {total: {_eq: $total}}) { orderId total }"
    found = await contract(shop, shop.owner, f"query ($total: numeric = {digits}) {{ {rows} }}")
    assert sorted(row["orderId"] for row in found.json()["data"][shop.orders]) == ["by default", "sent"]
    assert found.text.count(digits) == 2


async def test_graphql_errors_are_http_200_and_say_code_and_path_in_words(shop: Shop) -> None:
    await shop.add_order(shop.owner, "1")
    insert = "mutation ($id: String) { insert_ORDERS(objects: [{orderId: $id}]) { affected_rows } }"
    for document, variables, part in (
        ("{ ORDERS { nothing } }", {}, "validation-failed"),
        ("{ ORDERS { id }", {}, ""),
        (insert, {"id": "1"}, "constraint-violation"),
        (insert, {}, "constraint-violation"),
        (insert, {"id": 7}, ""),
    ):
        answer = await contract(shop, shop.owner, document, variables=variables)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["data"] is None
        for error in body["errors"]:
            assert part in error["message"]
            assert all(isinstance(item, str) for item in error.get("path", []))


async def test_the_documented_endpoints_refusals_have_its_shape(shop: Shop) -> None:
    stranger = await shop.platform.create_caller()
    unauthenticated = await contract(shop, None, "{ ORDERS { id } }")
    assert (unauthenticated.status_code, _error(unauthenticated)) == (401, True)
    for caller, parameters, status in (
        (stranger, {}, 404),
        (shop.owner, {"app": "999999"}, 404),
        (shop.owner, {"app": "no/such"}, 404),
        (shop.owner, {"table": "nothing"}, 404),
        (shop.owner, {"table": "\x00"}, 404),
    ):
        answer = await contract(shop, caller, "{ ORDERS { id } }", **parameters)
        assert (answer.status_code, _error(answer)) == (status, True), answer.text
    async with shop.platform.client(shop.owner) as client:
        for body in ({}, {"query": 7}, {"query": "{ a }", "variables": [1]}, [1]):
            answer = await client.post(f"/api/apps/graphql/?app={shop.app}&table=orders", json=body)
            assert (answer.status_code, _error(answer)) == (400, True), answer.text
        for content in (b"{", b'{"query": "\xff"}', b'{"query": ' + b"[" * 10**5 + b"]" * 10**5 + b"}"):
            broken = await client.post(f"/api/apps/graphql/?app={shop.app}", content=content, headers=JSON)
            assert (broken.status_code, _error(broken)) == (400, True)
    scopeless = await shop.platform.create_colleague(shop.owner, Role.OWNER, scopes=[Scope.BUILD])
    refused = await contract(shop, scopeless, "{ ORDERS { id } }")
    assert (refused.status_code, _error(refused)) == (403, False)


def _error(answer: httpx.Response) -> bool:
    """Whether the message is also where the published clients look for it, under `error`."""
    body = answer.json()
    assert {"detail", "code", "fields", "request_id"} <= set(body)
    return bool(body.get("error") == body["detail"])


JSON = {"Content-Type": "application/json"}


# The Hasura-compatible endpoints


async def test_a_bound_tokens_app_is_the_default(shop: Shop) -> None:
    await shop.add_order(shop.owner, "1")
    bound = await shop.platform.create_colleague(shop.owner, Role.MEMBER, app_id=AppId(shop.app))
    body = {"query": f"{{ {shop.orders} {{ orderId }} }}"}
    for scheme in ("App-Token", "Bearer", "bearer"):
        async with shop.platform.client(headers={"Authorization": f"{scheme} {bound.token}"}) as client:
            for path in ("/v1/graphql", "/v1/graphql/", f"{BASE_URL}//v1/graphql", f"/apps/{shop.app}/v1/graphql"):
                answer = await client.post(path, json=body)
                assert answer.status_code == 200, (path, answer.text)
                assert answer.content == b'{"data":{"%s":[{"orderId":"1"}]}}' % shop.orders.encode()
                assert answer.headers["content-type"].startswith("application/json")
    async with shop.platform.client(shop.owner) as client:
        unbound = await client.post("/v1/graphql", json=body)
        assert unbound.status_code == 400
        assert "not bound to an app" in unbound.json()["errors"][0]["message"]
        named = await client.post("/v1/graphql", json=body, headers={"X-App-Id": str(shop.app)})
        assert named.status_code == 200


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "token is missing"),
        ("", "token is missing"),
        ("App-Token None", "token is missing"),
        ("Basic YTpi", "malformed"),
        ("App-Token amt_short", "malformed"),
        ("App-Token amt_" + "a" * 43, "unknown"),
        ("App-Token amt_" + "é" * 43, "malformed"),
        ("App-Token " + "a" * 100_000, "malformed"),
    ],
)
async def test_a_missing_or_malformed_token_is_401_in_graphqls_shape(
    shop: Shop, authorization: str | None, message: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    async with shop.platform.client() as client:
        answer = await client.post(f"/api/apps/{shop.app}/v1/graphql", json={"query": "{ a }"}, headers=headers)
    assert answer.status_code == 401
    [error] = answer.json()["errors"]
    assert message in error["message"]
    assert error["extensions"] == {"path": "$", "code": "access-denied"}
    assert answer.headers["x-request-id"]


async def test_a_revoked_an_expired_and_a_suspended_access_end_within_seconds(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "SECONDS_REMEMBERED", 0.05)
    await shop.order_numbers(shop.installer)
    async with shop.platform.client(shop.owner) as client:
        installs = await client.get("/api/tokens/")
        assert (await client.delete(f"/api/tokens/{installs.json()['results'][0]['id']}/")).is_success
    await asyncio.sleep(0.1)
    revoked = await shop.post(shop.owner, "{ ORDERS { id } }")
    assert revoked.status_code == 401
    assert "revoked" in revoked.json()["errors"][0]["message"]
    assert (await shop.post(shop.installer, "{ ORDERS { id } }")).status_code == 200
    other = await shop.platform.create_caller()
    async with shop.platform.database.transaction() as session:
        from platform_api.accounts.tokens import issue_app_token

        issued = await issue_app_token(
            session,
            organization_id=other.organization_id,
            user_id=other.user_id,
            scopes=list(Scope),
            expires_at=datetime.now(UTC) + timedelta(hours=1),
        )
    app = await shop.platform.create_app(other)
    headers = {"Authorization": f"App-Token {issued.secret}"}
    async with shop.platform.client(headers=headers) as client:
        path = f"/api/apps/{app.id}/v1/graphql"
        assert (await client.post(path, json={"query": "{ __typename }"})).status_code == 200
        async with shop.platform.database.transaction() as session:
            await session.execute(
                update(Token).where(Token.user_id == other.user_id).values(expires_at=datetime.now(UTC))
            )
        await asyncio.sleep(0.1)
        assert (await client.post(path, json={"query": "{ __typename }"})).status_code == 401


async def test_a_right_that_this_process_ended_is_gone_with_the_answer(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if no notification had arrived yet.
    monkeypatch.setattr(remembered, "SECONDS_REMEMBERED", 600.0)
    monkeypatch.setattr(shop.platform.app.services[Listener], "_receivers", defaultdict(list))
    await shop.order_numbers(shop.owner)
    async with shop.platform.client(shop.owner) as client:
        [token, *_] = (await client.get("/api/tokens/")).json()["results"]
        assert (await client.delete(f"/api/tokens/{token['id']}/")).is_success
    assert (await shop.post(shop.owner, "{ ORDERS { id } }")).status_code == 401


async def test_what_ends_a_right_is_notified_and_not_waited_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "SECONDS_REMEMBERED", 600.0)

    async def status(caller: Caller) -> int:
        return (await shop.post(caller, "{ ORDERS { id } }")).status_code

    async def becomes(caller: Caller, expected: int) -> None:
        for _ in range(1200):
            if (found := await status(caller)) == expected:
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"still {found}")

    assert (await status(shop.owner), await status(shop.installer)) == (200, 200)
    async with shop.platform.database.transaction() as session:
        install = await session.get_one(Install, (shop.app, shop.installer.organization_id))
        install.status = InstallStatus.SUSPENDED
    await becomes(shop.installer, 403)
    async with shop.platform.database.transaction() as session:
        await session.execute(delete(Membership).where(Membership.user_id == shop.owner.user_id))
    await becomes(shop.owner, 401)
    async with shop.platform.database.transaction() as session:
        install = await session.get_one(Install, (shop.app, shop.installer.organization_id))
        install.status = InstallStatus.ACTIVE
    await becomes(shop.installer, 200)
    async with shop.platform.client(shop.installer) as client:
        [token] = (await client.get("/api/tokens/")).json()["results"]
        assert (await client.delete(f"/api/tokens/{token['id']}/")).is_success
    await becomes(shop.installer, 401)


async def test_a_cached_request_costs_no_look_up_of_its_token(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "SECONDS_REMEMBERED", 600.0)
    colleague = await shop.platform.create_colleague(shop.owner, Role.OWNER)

    async def statements_of_a_request() -> int:
        with counted_statements(shop.platform.database) as statements:
            await shop.order_numbers(colleague)
        return statements.count

    assert await statements_of_a_request() > 0, "the first request looks its token up"

    async def twenty_cost_nothing() -> bool:
        return sum(await asyncio.gather(*(statements_of_a_request() for _ in range(20)))) == 0

    # What the set-up changed may be notified only now, and is then rightly looked up once more.
    await eventually(twenty_cost_nothing)


async def test_a_sign_in_is_good_for_our_own_pages_only(shop: Shop) -> None:
    path, body = f"/api/apps/{shop.app}/v1/graphql", {"query": "{ __typename }"}
    own, foreign = {"Origin": BASE_URL}, {"Origin": "http://evil.test"}
    async with shop.platform.client() as browser:
        sign_in = {"email": shop.owner.email, "password": Platform.password}
        assert (await browser.post("/api/sessions/", json=sign_in, headers=own)).status_code == 200
        assert (await browser.post(path, json=body, headers=own)).json() == {"data": {"__typename": "query_root"}}
        for headers in (foreign, {"Origin": "null"}, {}):
            refused = await browser.post(path, json=body, headers=headers)
            assert refused.status_code == 403
            assert refused.json()["errors"][0]["extensions"]["code"] == "access-denied"
        cookie = browser.cookies["automio_session"]
    async with serve_app(shop.platform.app) as url, aiohttp.ClientSession() as session:
        headers = {**foreign, "Cookie": f"automio_session={cookie}"}
        socket = await session.ws_connect(url + path, protocols=["graphql-transport-ws"], headers=headers)
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive(timeout=240)).type is aiohttp.WSMsgType.CLOSE


async def test_only_post_is_served(shop: Shop) -> None:
    async with shop.platform.client(shop.owner) as client:
        for method in ("GET", "PUT", "DELETE"):
            answer = await client.request(method, f"/api/apps/{shop.app}/v1/graphql")
            assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_administrators_endpoints_are_off_without_an_admin_secret(shop: Shop) -> None:
    async with shop.platform.client(shop.owner) as client:
        for path in ("/v1/metadata", "/v2/query", "/v1/query"):
            answer = await client.post(path, json={"type": "run_sql", "args": {"sql": "select 1"}})
            assert answer.status_code == 404, answer.text
        forged = await client.post(
            f"/api/apps/{shop.app}/v1/graphql", json={"query": "{ a }"}, headers={"X-Hasura-Admin-Secret": ""}
        )
        assert forged.status_code == 401
        for headers in (
            {"X-Hasura-Role": "admin"},
            {"X-Hasura-Organization-Id": str(shop.installer.organization_id)},
        ):
            refused = await client.post(f"/api/apps/{shop.app}/v1/graphql", json={"query": "{ a }"}, headers=headers)
            assert refused.status_code == 403


async def test_administrators_endpoints_open_with_the_admin_secret(platform_database_url: str) -> None:
    secret = "admin-secret-of-this-test"
    async with running_platform(make_settings(platform_database_url, hasura_graphql_admin_secret=secret)) as platform:
        shop = await open_shop(platform)
        await shop.add_order(shop.owner, "1")
        await shop.add_order(shop.installer, "2")
        async with platform.client(headers={"X-Hasura-Admin-Secret": secret}) as client:
            exported = await client.post("/v1/metadata", json={"type": "export_metadata", "args": {}})
            assert exported.status_code == 200
            names = {table["table"]["name"] for table in exported.json()["sources"][0]["tables"]}
            assert names == {shop.orders, shop.lines}
            everything = await client.post("/v1/graphql", json={"query": f"{{ {shop.orders} {{ orderId }} }}"})
            assert len(everything.json()["data"][shop.orders]) == 2
            sql = {"type": "run_sql", "args": {"sql": "select * from platform.users", "read_only": True}}
            refused = await client.post("/v2/query", json=sql)
            assert refused.status_code == 400, "the engine's role has no rights on the platform's own tables"
            assert "permission denied" in refused.text
            # Long enough to be watched for the client's disappearance.
            slow = {"type": "run_sql", "args": {"sql": "select pg_sleep(0.6)", "read_only": True}}
            assert (await client.post("/v2/query", json=slow)).status_code == 200
        async with platform.client(shop.owner, headers={"X-Hasura-Admin-Secret": "wrong"}) as client:
            assert (
                await client.post("/v1/metadata", json={"type": "export_metadata", "args": {}})
            ).status_code == 401
            assert (await client.post("/v1/graphql", json={"query": "{ __typename }"})).status_code == 401


async def test_an_administrators_websocket_may_come_through_a_proxy_with_a_password(
    platform_database_url: str,
) -> None:
    secret = "admin-secret-of-this-test"
    settings = make_settings(platform_database_url, hasura_graphql_admin_secret=secret)
    headers = {"X-Hasura-Admin-Secret": secret, "Authorization": "Basic cHJveHk6cGFzc3dvcmQ="}
    async with (
        running_platform(settings) as platform,
        serve_app(platform.app) as url,
        aiohttp.ClientSession(headers=headers) as session,
    ):
        socket = await session.ws_connect(f"{url}/v1/graphql", protocols=["graphql-transport-ws"])
        await socket.send_json({"type": "connection_init"})
        assert (await socket.receive_json(timeout=10))["type"] == "connection_ack"
        await asyncio.sleep(0.2)
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": "{ __typename }"}})
        answer = await socket.receive_json(timeout=10)
        assert answer["payload"] == {"data": {"__typename": "query_root"}}


# Bad input


async def test_bodies_that_are_no_graphql_request_are_told(shop: Shop) -> None:
    async with shop.platform.client(shop.owner) as client:
        for body in (b"", b"{", b"null", b"7", b'"x"', b"{}", b'{"query": 7}', b"\xff\xfe", b"[]" * 3):
            answer = await client.post(f"/api/apps/{shop.app}/v1/graphql", content=body)
            assert answer.status_code in (200, 400), answer.text
            assert answer.json()["errors"][0]["message"], body
    assert await shop.order_numbers(shop.owner) == []


async def test_a_50_mb_body_is_413_everywhere_and_disturbs_nobody(shop: Shop) -> None:
    async def in_parts() -> Any:
        for _ in range(50):
            yield b" " * 1024 * 1024

    big = b'{"query": "' + b" " * 50 * 1024 * 1024 + b'"}'
    async with shop.platform.client(shop.owner) as client:
        for content in (big, in_parts()):
            answer = await client.post(f"/api/apps/{shop.app}/v1/graphql", content=content)
            assert answer.status_code == 413
            assert "larger than" in answer.json()["errors"][0]["message"]
        documented = await client.post(f"/api/apps/graphql/?app={shop.app}&table=orders", content=big, headers=JSON)
        assert documented.status_code == 413
    assert await shop.order_numbers(shop.owner) == []


@pytest.mark.parametrize("depth", [50, 5_000, 200_000])
async def test_deeply_nested_documents_end_in_an_answer(shop: Shop, depth: int) -> None:
    documents = [
        "{" * depth + "}" * depth,
        "{ ORDERS(where: " + "{_not: " * depth + "{}" + "}" * depth + ") { id } }",
        "query ($x: [[Int]]) { ORDERS { id } } " + "[" * depth,
    ]
    for document in documents:
        answer = await shop.post(shop.owner, document)
        assert answer.status_code == 200, answer.text[:300]
        assert len(answer.content) < 10_000
    nested: bytes = b'{"query": "query ($w: ORDERS_bool_exp) { ORDERS(where: $w) { id } }", "variables": {"w": '
    body = nested.replace(b"ORDERS", shop.orders.encode()) + b'{"_not":' * depth + b"{}" + b"}" * depth + b"}}"
    async with shop.platform.client(shop.owner) as client:
        answer = await client.post(f"/api/apps/{shop.app}/v1/graphql", content=body)
        assert answer.status_code in (200, 400), answer.text[:300]
        documented = await client.post(f"/api/apps/graphql/?app={shop.app}", content=body, headers=JSON)
        assert documented.status_code in (200, 400), documented.text[:300]
    assert await shop.order_numbers(shop.owner) == []


async def test_cyclic_fragments_and_wide_queries_end_in_an_answer(shop: Shop) -> None:
    cyclic = """
        query { ORDERS { ...a } }
        fragment a on ORDERS { id ...b }
        fragment b on ORDERS { order_lines { order { ...a } } }
    """
    assert (await shop.fail(shop.owner, cyclic))["extensions"]["code"] == "validation-failed"
    doubling = "fragment f0 on ORDERS { id }" + "".join(
        f" fragment f{n} on ORDERS {{ ...f{n - 1} ...f{n - 1} }}" for n in range(1, 31)
    )
    answer = await asyncio.wait_for(shop.post(shop.owner, f"{{ ORDERS {{ ...f30 }} }} {doubling}"), 240)
    assert answer.status_code == 200
    assert await shop.order_numbers(shop.owner) == []


@pytest.mark.parametrize("times", [5, 20, 40])
async def test_a_query_around_in_circles_ends_in_an_answer(shop: Shop, times: int) -> None:
    around = "order_lines { order { " * times + "id" + " } }" * times
    answer = await asyncio.wait_for(shop.post(shop.owner, f"{{ ORDERS {{ {around} }} }}"), 240)
    assert answer.status_code == 200
    assert await shop.order_numbers(shop.owner) == []


# Deleting rows


async def delete_rows(shop: Shop, caller: Caller, body: Any = None, query: str = "") -> httpx.Response:
    async with shop.platform.client(caller) as client:
        return await client.request("DELETE", f"/api/apps/{shop.app}/table/orders/delete-rows/{query}", json=body)


async def test_rows_are_deleted_by_an_explicit_selection_only(shop: Shop) -> None:
    first = await shop.add_order(shop.owner, "1")
    for number in ("2", "3", "4"):
        await shop.add_order(shop.owner, number)
    await shop.add_order(shop.installer, "theirs")
    for nothing in (None, {}, {"ids": []}, {"filter": {}}, {"all": False}, {"ids": [first], "all": True}):
        refused = await delete_rows(shop, shop.owner, nothing)
        assert refused.status_code == 400, (nothing, refused.text)
        assert "detail" in refused.json()
    async with shop.platform.client(shop.owner) as client:
        bare = await client.delete(f"/api/apps/{shop.app}/table/orders/delete-rows/")
        assert bare.status_code == 400, "what the published clients send must not empty a table"
    assert len(await shop.order_numbers(shop.owner)) == 4
    assert (await delete_rows(shop, shop.owner, {"ids": [first]})).status_code == 204
    assert (await delete_rows(shop, shop.owner, {"filter": {"orderId": {"_eq": "2"}}})).status_code == 204
    assert await shop.order_numbers(shop.owner) == ["3", "4"]
    for broken in ({"ids": ["x"]}, {"filter": {"nothing": {"_eq": 1}}}, {"filter": {"orderId": 5}}):
        refused = await delete_rows(shop, shop.owner, broken)
        assert refused.status_code == 422, refused.text
    assert (await delete_rows(shop, shop.owner, query="?all=true")).status_code == 204
    assert await shop.order_numbers(shop.owner) == []
    assert await shop.order_numbers(shop.installer) == ["theirs"]


async def test_rows_of_another_organization_are_not_deleted_by_their_id(shop: Shop) -> None:
    foreign = await shop.add_order(shop.owner, "1")
    assert (await delete_rows(shop, shop.installer, {"ids": [foreign]})).status_code == 204
    assert (await delete_rows(shop, shop.installer, {"all": True})).status_code == 204
    assert await shop.order_numbers(shop.owner) == ["1"]


# WebSockets


async def open_socket(
    session: aiohttp.ClientSession,
    url: str,
    payload: dict[str, Any] | None,
    *,
    protocol: str = "graphql-transport-ws",
) -> aiohttp.ClientWebSocketResponse:
    socket = await session.ws_connect(url, protocols=[protocol])
    await socket.send_json({"type": "connection_init", "payload": payload})
    return socket


@pytest.mark.parametrize(
    ("protocol", "start", "data"), [("graphql-transport-ws", "subscribe", "next"), ("graphql-ws", "start", "data")]
)
async def test_a_websocket_runs_documents_of_the_tokens_organization(
    shop: Shop, protocol: str, start: str, data: str
) -> None:
    await shop.add_order(shop.owner, "mine")
    await shop.add_order(shop.installer, "theirs")
    init = {"headers": {"Authorization": f"App-Token {shop.owner.token}"}}
    async with serve_app(shop.platform.app) as url, aiohttp.ClientSession() as session:
        socket = await open_socket(session, f"{url}/api/apps/{shop.app}/v1/graphql", init, protocol=protocol)
        assert (await socket.receive_json(timeout=240))["type"] == "connection_ack"
        query = {"query": f"{{ {shop.orders} {{ orderId }} }}"}
        await socket.send_json({"id": "1", "type": start, "payload": query})
        message = await socket.receive_json(timeout=240)
        while message["type"] in ("ka", "ping"):
            message = await socket.receive_json(timeout=240)
        assert message == {"id": "1", "type": data, "payload": {"data": {shop.orders: [{"orderId": "mine"}]}}}
        await socket.close()


async def test_a_websocket_without_a_valid_token_gets_nothing(shop: Shop) -> None:
    async with serve_app(shop.platform.app) as url, aiohttp.ClientSession() as session:
        for headers in (None, {}, {"Authorization": "App-Token amt_wrong"}, {"x-hasura-role": "admin"}):
            payload = None if headers is None else {"headers": headers}
            socket = await open_socket(session, f"{url}/api/apps/{shop.app}/v1/graphql", payload)
            message = await socket.receive(timeout=240)
            assert message.type is aiohttp.WSMsgType.CLOSE, message
            assert socket.close_code in (4400, 4401, 4403)


async def test_a_number_in_the_payload_narrows_as_its_text_does(shop: Shop) -> None:
    own = shop.owner.organization_id
    async with serve_app(shop.platform.app) as url, aiohttp.ClientSession() as session:
        for organization, is_open in ((own, True), (str(own), True), (own + 100000, False)):
            init = {
                "headers": {
                    "Authorization": f"App-Token {shop.owner.token}",
                    "X-Hasura-Organization-Id": organization,
                }
            }
            socket = await open_socket(session, f"{url}/api/apps/{shop.app}/v1/graphql", init)
            message = await socket.receive(timeout=240)
            assert (message.type is aiohttp.WSMsgType.TEXT) == is_open, (organization, message)


async def test_a_subscription_sees_new_rows_and_ends_with_its_token(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "SECONDS_BETWEEN_CHECKS", 3600.0)
    monkeypatch.setattr(remembered, "SECONDS_REMEMBERED", 0.05)
    init = {"headers": {"Authorization": f"App-Token {shop.owner.token}"}}
    async with serve_app(shop.platform.app) as url, aiohttp.ClientSession() as session:
        socket = await open_socket(session, f"{url}/api/apps/{shop.app}/v1/graphql", init)
        assert (await socket.receive_json(timeout=240))["type"] == "connection_ack"
        query = {"query": f"subscription {{ {shop.orders} {{ orderId }} }}"}
        await socket.send_json({"id": "1", "type": "subscribe", "payload": query})
        assert (await socket.receive_json(timeout=240))["payload"]["data"] == {shop.orders: []}
        await shop.add_order(shop.installer, "theirs")
        await shop.add_order(shop.owner, "mine")
        assert (await socket.receive_json(timeout=240))["payload"]["data"] == {shop.orders: [{"orderId": "mine"}]}
        async with shop.platform.client(shop.owner) as client:
            [token] = (await client.get("/api/tokens/")).json()["results"]
            assert (await client.delete(f"/api/tokens/{token['id']}/")).is_success
        while (message := await socket.receive(timeout=240)).type is aiohttp.WSMsgType.TEXT:
            continue
        assert (message.type, socket.close_code) == (aiohttp.WSMsgType.CLOSE, 4403)
