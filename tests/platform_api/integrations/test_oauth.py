"""Accounts connected through a provider's consent page; tokens renewed once, however many need them."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import func, select, text, update

from platform_api.accounts.models import Membership, Role
from platform_api.core.crypto import Vault
from platform_api.integrations.calls.targets import CallTargets
from platform_api.integrations.models import Connection, OAuthClient, OAuthSignIn
from platform_api.mock_shop.faults import Fault
from platform_api.notifications.mail.models import Mail
from platform_api.supervisor.postgres import EmbeddedPostgres
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.integrations.conftest import RunningShop
from tests.waiting import eventually

pytestmark = pytest.mark.anyio

REDIRECT_URI = "http://platform.test/oauth/callback/"


def definition(url: str, **auth: Any) -> dict[str, Any]:
    return {
        "id": "shop",
        "name": "Shop",
        "base_url": url,
        "retry": {"attempts": 1},
        "status_check_url": "/me",
        "auth": {
            "type": "oauth2",
            "authorize_url": f"{url}/oauth/authorize",
            "token_url": f"{url}/oauth/token",
            "scopes": ["orders", "offers"],
            "pkce": True,
            "identity": {"url": "/me", "name": "email"},
            **auth,
        },
    }


async def define(platform: Platform, caller: Caller, url: str, **auth: Any) -> None:
    async with platform.client(caller) as client:
        made = await client.post("/api/integrations/", json=definition(url, **auth))
        assert made.status_code == 201, made.text
        body = {"client_id": "shop-client", "client_secret": "shop-secret"}
        kept = await client.put("/api/integrations/shop/oauth/client/", json=body)
        assert kept.json() == {"client_id": "shop-client", "redirect_uri": REDIRECT_URI}


async def start(platform: Platform, caller: Caller, **body: Any) -> str:
    async with platform.client(caller) as client:
        started = await client.post("/api/integrations/shop/oauth/start/", json=body)
    assert started.status_code == 200, started.text
    return str(started.json()["url"])


async def consent(browser: httpx.AsyncClient, page_url: str, *, login: str = "anna") -> str:
    """Opens our page, goes on to the provider, agrees there; the address that the provider sends the browser to."""
    page = await browser.get(page_url)
    assert page.status_code == 200, page.text
    [provider_url] = re.findall(r'id="continue"[^>]*href="([^"]+)"', page.text)
    async with httpx.AsyncClient(timeout=240) as upstream:
        answer = await upstream.get(unescape(provider_url) + f"&login={login}")
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def connect(platform: Platform, caller: Caller, *, login: str = "anna", **body: Any) -> httpx.Response:
    async with platform.client() as browser:
        return await browser.get(await consent(browser, await start(platform, caller, **body), login=login))


async def connections(platform: Platform, caller: Caller) -> list[dict[str, Any]]:
    async with platform.client(caller) as client:
        listed: list[dict[str, Any]] = (await client.get("/api/integrations/shop/connections/")).json()["results"]
        return listed


async def call_me(platform: Platform, caller: Caller) -> dict[str, Any]:
    async with platform.client(caller) as client:
        answer = await client.post("/api/integrations/shop/call/", json={"endpoint": "/me"})
    assert answer.status_code == 200, answer.text
    replied: dict[str, Any] = answer.json()
    return replied


async def change_credentials(platform: Platform, connection_id: int, **changes: Any) -> None:
    """What time would do to a stored token."""
    vault = platform.app.services[Vault]
    async with platform.database.transaction() as session:
        connection = await session.get_one(Connection, connection_id)
        credentials = {**vault.decrypt(connection.sealed_credentials), **changes}
        connection.sealed_credentials = vault.encrypt(credentials)
    # The database notifies of the change, but time would not have to.
    platform.app.services[CallTargets].forget()


async def stored(platform: Platform, connection_id: int) -> dict[str, Any]:
    async with platform.database.transaction() as session:
        connection = await session.get_one(Connection, connection_id)
    opened: dict[str, Any] = platform.app.services[Vault].decrypt(connection.sealed_credentials)
    return opened


def refreshes(shop: RunningShop) -> int:
    return shop.shop.tokens.issued.get("refresh_token", 0)


@pytest.fixture
async def owner(shared_platform: Platform, shop: RunningShop) -> AsyncIterator[Caller]:
    """Somebody whose organization has an OAuth client at the shop."""
    caller = await shared_platform.create_caller()
    await define(shared_platform, caller, shop.url)
    yield caller


@pytest.fixture
async def connected(shared_platform: Platform, owner: Caller) -> tuple[Caller, int]:
    page = await connect(shared_platform, owner)
    assert page.status_code == 200, page.text
    [connection] = await connections(shared_platform, owner)
    return owner, connection["id"]


@pytest.mark.parametrize("auth", [{"pkce": False}, {"client_authentication": "basic"}])
async def test_an_account_is_connected_and_named_by_its_identity(
    shared_platform: Platform, shop: RunningShop, auth: dict[str, Any]
) -> None:
    caller = await shared_platform.create_caller()
    await define(shared_platform, caller, shop.url, **auth)
    page = await connect(shared_platform, caller)
    assert "Connected" in page.text and "anna@" in page.text
    [connection] = await connections(shared_platform, caller)
    assert connection["name"] == shop.shop.sellers["anna"].email
    assert connection["status"] == "active"
    assert (await call_me(shared_platform, caller))["api_data"]["login"] == "anna"


async def test_our_page_names_the_organization_before_anything_is_connected(
    shared_platform: Platform, owner: Caller
) -> None:
    url = await start(shared_platform, owner)
    async with shared_platform.client() as browser:
        page = await browser.get(url)
    assert owner.organization_slug.title() in page.text
    assert owner.email in page.text
    [provider_url] = re.findall(r'id="continue"[^>]*href="([^"]+)"', page.text)
    query = httpx.URL(unescape(provider_url)).params
    assert query["redirect_uri"] == REDIRECT_URI
    assert query["code_challenge_method"] == "S256"
    cookie = page.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and cookie.endswith("Path=/; SameSite=lax")


async def test_a_state_is_good_once(shared_platform: Platform, owner: Caller) -> None:
    async with shared_platform.client() as browser:
        url = await start(shared_platform, owner)
        back = await consent(browser, url)
        cookies = dict(browser.cookies)
        assert (await browser.get(back)).status_code == 200
        async with shared_platform.client(cookies=cookies) as same:
            again = await same.get(back)
        assert again.status_code == 400 and "finished already" in again.text
        assert (await browser.get(url)).status_code == 404
    assert len(await connections(shared_platform, owner)) == 1


async def test_another_browser_cannot_finish_a_sign_in(shared_platform: Platform, owner: Caller) -> None:
    async with shared_platform.client() as browser, shared_platform.client() as other:
        back = await consent(browser, await start(shared_platform, owner))
        refused = await other.get(back)
        assert refused.status_code == 403 and "another browser" in refused.text
        assert await connections(shared_platform, owner) == []
        done = await browser.get(back)
        assert done.status_code == 200, "the state was not used up"
        assert "finished already" in (await browser.get(back)).text
    assert len(await connections(shared_platform, owner)) == 1


async def test_a_link_belongs_to_the_browser_that_opened_it_first(shared_platform: Platform, owner: Caller) -> None:
    url = await start(shared_platform, owner)
    async with shared_platform.client() as first, shared_platform.client() as second:
        looked = await second.head(url)
        assert looked.status_code == 200 and "set-cookie" not in looked.headers, "a look opens nothing"
        back = await consent(first, url)
        # Another browser, and one with a cookie of its own, which another sign-in gave it.
        refused = await second.get(url)
        assert refused.status_code == 403 and "opened in another browser first" in refused.text
        assert "set-cookie" not in refused.headers and "continue" not in refused.text
        await consent(second, await start(shared_platform, owner))
        assert (await second.get(url)).status_code == 403
        assert (await first.get(back)).status_code == 200
    assert len(await connections(shared_platform, owner)) == 1


async def test_of_many_browsers_at_once_one_opens_a_link(shared_platform: Platform, owner: Caller) -> None:
    url = await start(shared_platform, owner)

    async def opened() -> int:
        async with shared_platform.client() as browser:
            return (await browser.get(url)).status_code

    assert sorted(await asyncio.gather(*(opened() for _ in range(4)))) == [200, 403, 403, 403]


async def test_several_sign_ins_are_under_way_in_one_browser(shared_platform: Platform, owner: Caller) -> None:
    async with shared_platform.client() as browser:
        backs = [
            await consent(browser, await start(shared_platform, owner), login=login) for login in ("anna", "bert")
        ]
        assert [(await browser.get(back)).status_code for back in backs] == [200, 200]
        again = await start(shared_platform, owner)
        await consent(browser, again)
        reopened = await consent(browser, again)
        assert (await browser.get(reopened)).status_code == 200
    assert len(await connections(shared_platform, owner)) == 2


async def test_a_callback_while_somebody_else_is_signed_in_uses_nothing_up(
    shared_platform: Platform, owner: Caller
) -> None:
    other = await shared_platform.create_caller()
    async with shared_platform.client() as browser:
        back = await consent(browser, await start(shared_platform, owner))
        body = {"email": other.email, "password": Platform.password}
        await browser.post("/api/sessions/", json=body, headers={"Origin": "http://platform.test"})
        refused = await browser.get(back)
        assert refused.status_code == 403 and "started by another user" in refused.text
        await browser.delete("/api/sessions/current/", headers={"Origin": "http://platform.test"})
        assert (await browser.get(back)).status_code == 200


async def test_somebody_else_who_is_signed_in_is_refused(shared_platform: Platform, owner: Caller) -> None:
    victim = await shared_platform.create_caller()
    async with shared_platform.client() as browser:
        body = {"email": victim.email, "password": Platform.password}
        await browser.post("/api/sessions/", json=body, headers={"Origin": "http://platform.test"})
        page = await browser.get(await start(shared_platform, owner))
    assert page.status_code == 403
    assert "belongs to another user" in page.text


async def test_a_sign_in_ends_with_its_time_and_with_its_users_rights(
    shared_platform: Platform, owner: Caller
) -> None:
    async with shared_platform.client() as browser:
        back = await consent(browser, await start(shared_platform, owner))
        async with shared_platform.database.transaction() as session:
            row = await session.scalar(select(OAuthSignIn).where(OAuthSignIn.user_id == owner.user_id))
            assert row is not None
            row.expires_at = row.expires_at.replace(year=2020)
        assert "took too long" in (await browser.get(back)).text
    builder = await shared_platform.create_colleague(owner, Role.BUILDER)
    async with shared_platform.client() as browser:
        back = await consent(browser, await start(shared_platform, builder))
        async with shared_platform.database.transaction() as session:
            await session.execute(
                update(Membership).where(Membership.user_id == builder.user_id).values(role=Role.MEMBER)
            )
        assert (await browser.get(back)).status_code == 403
    assert await connections(shared_platform, owner) == []


async def test_a_refused_consent_is_said(shared_platform: Platform, owner: Caller) -> None:
    page = await connect(shared_platform, owner, login="nobody")
    assert page.status_code == 400
    assert "access_denied" in page.text


async def test_secrets_are_stored_sealed_or_as_digests(
    shared_platform: Platform, connected: tuple[Caller, int]
) -> None:
    caller, connection_id = connected
    tokens = await stored(shared_platform, connection_id)
    async with shared_platform.database.transaction() as session:
        client = await session.scalar(
            select(OAuthClient).where(OAuthClient.organization_id == caller.organization_id)
        )
        connection = await session.get_one(Connection, connection_id)
    assert client is not None
    assert b"shop-secret" not in client.sealed_secret
    assert tokens["access_token"].encode() not in connection.sealed_credentials
    async with shared_platform.client(caller) as http:
        for path in ("", "connections/", "oauth/client/"):
            text = (await http.get(f"/api/integrations/shop/{path}")).text
            assert "shop-secret" not in text
            assert tokens["access_token"] not in text and tokens["refresh_token"] not in text


async def test_without_an_oauth_client_the_redirect_uri_to_register_is_said(
    shared_platform: Platform, shop: RunningShop
) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        await client.post("/api/integrations/", json=definition(shop.url))
        refused = await client.post("/api/integrations/shop/oauth/start/", json={})
    assert refused.status_code == 409
    assert REDIRECT_URI in refused.json()["detail"]


async def test_client_credentials_fetch_their_token_with_the_first_call(
    shared_platform: Platform, shop: RunningShop
) -> None:
    caller = await shared_platform.create_caller()
    await define(shared_platform, caller, shop.url, grant="client_credentials")
    async with shared_platform.client(caller) as client:
        made = await client.post("/api/integrations/shop/connections/", json={"name": "machine"})
        assert made.status_code == 201, made.text
    assert (await call_me(shared_platform, caller))["api_response"]["ok"] is True
    assert "access_token" in await stored(shared_platform, made.json()["id"])


async def test_a_token_that_ends_soon_is_renewed_before_the_call(
    shared_platform: Platform, shop: RunningShop, connected: tuple[Caller, int]
) -> None:
    caller, connection_id = connected
    before, count = await stored(shared_platform, connection_id), refreshes(shop)
    await change_credentials(shared_platform, connection_id, refresh_at=time.time() - 1)
    assert (await call_me(shared_platform, caller))["api_response"]["ok"] is True
    after = await stored(shared_platform, connection_id)
    assert refreshes(shop) == count + 1
    assert after["access_token"] != before["access_token"] and after["refresh_token"] != before["refresh_token"]
    assert (await call_me(shared_platform, caller))["api_response"]["ok"] is True
    assert refreshes(shop) == count + 1


async def test_a_refused_token_is_renewed_once_and_the_call_made_again(
    shared_platform: Platform, shop: RunningShop, connected: tuple[Caller, int]
) -> None:
    caller, _ = connected
    count = refreshes(shop)
    shop.shop.tokens.expire_access_tokens()
    assert (await call_me(shared_platform, caller))["api_data"]["login"] == "anna"
    assert refreshes(shop) == count + 1
    shop.shop.faults.add(Fault("status", path="/me", status=401, times=10))
    assert (await call_me(shared_platform, caller))["api_response"]["status_code"] == 401
    assert refreshes(shop) == count + 1, "a token of a moment ago is not the reason"


async def test_a_thousand_callers_on_an_expired_token_cause_one_refresh(
    shared_platform: Platform, shop: RunningShop, connected: tuple[Caller, int]
) -> None:
    caller, connection_id = connected
    count = refreshes(shop)
    shop.shop.tokens.expire_access_tokens()
    await change_credentials(shared_platform, connection_id, refresh_at=0, expires_at=0)
    shop.shop.faults.add(Fault("delay", path="/oauth/token", seconds=0.5))
    body = {"method": "GET", "endpoint": "/me", "data_list": [{}] * 100}
    async with shared_platform.client(caller, timeout=240) as client:
        answers = await asyncio.gather(
            *(client.post("/api/integrations/shop/parallel_call/", json=body) for _ in range(10))
        )
    responses = [one for answer in answers for one in answer.json()["responses"]]
    assert len(responses) == 1000
    assert all(one["api_response"]["ok"] for one in responses)
    assert refreshes(shop) == count + 1


async def test_two_processes_cause_one_refresh(
    shared_platform: Platform, shop: RunningShop, connected: tuple[Caller, int]
) -> None:
    caller, connection_id = connected
    count = refreshes(shop)
    shop.shop.tokens.expire_access_tokens()
    await change_credentials(shared_platform, connection_id, refresh_at=0, expires_at=0)
    shop.shop.faults.add(Fault("delay", path="/oauth/token", seconds=0.5))
    async with running_platform(make_settings(shared_platform.database.url)) as other:
        answers = await asyncio.gather(*(call_me(one, caller) for one in (shared_platform, other) * 20))
    assert all(one["api_response"]["ok"] for one in answers)
    assert refreshes(shop) == count + 1


async def test_a_slow_provider_holds_no_connection_to_the_database(
    shared_platform: Platform, shop: RunningShop, connected: tuple[Caller, int]
) -> None:
    caller, connection_id = connected
    await change_credentials(shared_platform, connection_id, refresh_at=0, expires_at=0)
    shop.shop.faults.add(Fault("delay", path="/oauth/token", seconds=3))
    calling = asyncio.gather(*(call_me(shared_platform, caller) for _ in range(30)))
    pool: Any = shared_platform.database.engine.pool
    used = False
    while not calling.done() and not (used and pool.checkedout() == 0):
        used = used or pool.checkedout() > 0
        await asyncio.sleep(0.01)
    assert not calling.done(), "they wait for the provider, and hold no connection"
    assert all(one["api_response"]["ok"] for one in await calling)


async def test_a_caller_that_goes_away_does_not_lose_the_rotated_token(
    shared_platform: Platform, shop: RunningShop, connected: tuple[Caller, int]
) -> None:
    caller, connection_id = connected
    before, count = await stored(shared_platform, connection_id), refreshes(shop)
    await change_credentials(shared_platform, connection_id, refresh_at=0, expires_at=0)
    shop.shop.faults.add(Fault("delay", path="/oauth/token", seconds=0.4))
    calling = asyncio.create_task(call_me(shared_platform, caller))
    await eventually(lambda: not shop.shop.faults.pending, what=lambda: "nobody asked for tokens")
    calling.cancel()
    await asyncio.gather(calling, return_exceptions=True)
    assert (await call_me(shared_platform, caller))["api_response"]["ok"] is True
    assert refreshes(shop) == count + 1
    assert (await stored(shared_platform, connection_id))["refresh_token"] != before["refresh_token"]


async def test_tokens_that_come_while_the_database_is_away_are_stored_when_it_is_back(
    shared_platform: Platform, shop: RunningShop, connected: tuple[Caller, int], postgres: EmbeddedPostgres
) -> None:
    caller, connection_id = connected
    before, count = await stored(shared_platform, connection_id), refreshes(shop)
    await change_credentials(shared_platform, connection_id, refresh_at=0, expires_at=0)
    shop.shop.faults.add(Fault("delay", path="/oauth/token", seconds=1))
    async with shared_platform.database.transaction() as session:
        name = await session.scalar(text("select current_database()"))
    admin = await asyncpg.connect(postgres.url())
    try:
        calling = asyncio.create_task(call_me(shared_platform, caller))
        await eventually(lambda: not shop.shop.faults.pending, what=lambda: "nobody asked for tokens")
        await admin.execute(f'alter database "{name}" allow_connections false')
        await admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
        await eventually(lambda: refreshes(shop) == count + 1)
        await asyncio.sleep(0.5)
        assert not calling.done()
    finally:
        await admin.execute(f'alter database "{name}" allow_connections true')
        await admin.close()
    assert (await calling)["api_response"]["ok"] is True
    assert refreshes(shop) == count + 1
    assert (await stored(shared_platform, connection_id))["refresh_token"] != before["refresh_token"]


async def test_a_claim_that_was_never_given_back_runs_out(
    shared_platform: Platform, shop: RunningShop, connected: tuple[Caller, int]
) -> None:
    """A process that died while it asked for tokens."""
    caller, connection_id = connected
    await change_credentials(shared_platform, connection_id, refresh_at=0, expires_at=0)
    async with shared_platform.database.transaction() as session:
        connection = await session.get_one(Connection, connection_id)
        connection.refreshing_until = await session.scalar(select(func.now() + timedelta(seconds=0.8)))
    started = time.monotonic()
    assert (await call_me(shared_platform, caller))["api_response"]["ok"] is True
    assert time.monotonic() - started > 0.5


async def test_a_withdrawn_consent_breaks_the_connection_tells_its_owner_and_can_be_given_again(
    shared_platform: Platform, shop: RunningShop, connected: tuple[Caller, int]
) -> None:
    caller, connection_id = connected
    shop.shop.tokens.revoke(shop.shop.sellers["anna"])
    for _ in range(2):
        called = await call_me(shared_platform, caller)
        assert (called["api_response"]["status_code"], called["api_response"]["ok"]) == (401, False)
        assert "reconnect" in called["api_response"]["text"]
        assert called["connection_id"] == connection_id
    [connection] = await connections(shared_platform, caller)
    assert connection["status"] == "broken" and "invalid_grant" in connection["status_reason"]
    async with shared_platform.database.transaction() as session:
        [mail] = await session.scalars(select(Mail).where(Mail.user_id == caller.user_id))
    assert mail.recipient == caller.email and connection["name"] in mail.subject
    async with shared_platform.client(caller) as client:
        body = {"method": "GET", "endpoint": "/me", "data_list": [{}, {}]}
        answer = await client.post("/api/integrations/shop/parallel_call/", json=body)
    assert [one["api_response"]["status_code"] for one in answer.json()["responses"]] == [401, 401]

    refused = await connect(shared_platform, caller, login="bert", connection_id=connection_id)
    assert refused.status_code == 409 and "belongs to the account" in refused.text
    assert (await connect(shared_platform, caller, connection_id=connection_id)).status_code == 200
    [again] = await connections(shared_platform, caller)
    assert (again["id"], again["status"], again["status_reason"]) == (connection_id, "active", "")
    assert (await call_me(shared_platform, caller))["api_response"]["ok"] is True


async def test_the_same_account_connected_again_keeps_its_id(
    shared_platform: Platform, connected: tuple[Caller, int]
) -> None:
    caller, connection_id = connected
    assert (await connect(shared_platform, caller)).status_code == 200
    [connection] = await connections(shared_platform, caller)
    assert connection["id"] == connection_id


async def test_a_provider_that_is_away_breaks_nothing(
    shared_platform: Platform, shop: RunningShop, connected: tuple[Caller, int]
) -> None:
    caller, connection_id = connected
    await change_credentials(shared_platform, connection_id, refresh_at=0)
    shop.shop.faults.add(Fault("status", path="/oauth/token", status=503))
    assert (await call_me(shared_platform, caller))["api_response"]["ok"] is True, "the token has time left"
    await change_credentials(shared_platform, connection_id, refresh_at=0, expires_at=0)
    shop.shop.faults.add(Fault("status", path="/oauth/token", status=503))
    called = await call_me(shared_platform, caller)
    assert called["api_response"]["status_code"] == 502 and "token endpoint" in called["api_response"]["text"]
    assert (await call_me(shared_platform, caller))["api_response"]["ok"] is True


async def test_token_endpoints_at_private_addresses_are_refused(module_database_url: str, shop: RunningShop) -> None:
    settings = make_settings(module_database_url, allow_private_upstreams=False)
    async with running_platform(settings) as platform:
        caller = await platform.create_caller()
        await define(platform, caller, shop.url)
        issued = sum(shop.shop.tokens.issued.values())
        page = await connect(platform, caller)
        assert page.status_code == 502 and "private or local address" in page.text
        assert sum(shop.shop.tokens.issued.values()) == issued


async def test_another_organization_reaches_neither_client_nor_connection(
    shared_platform: Platform, shop: RunningShop, connected: tuple[Caller, int]
) -> None:
    _, connection_id = connected
    stranger = await shared_platform.create_caller()
    async with shared_platform.client(stranger) as client:
        assert (await client.get("/api/integrations/shop/oauth/client/")).status_code == 404
        assert (await client.delete("/api/integrations/shop/oauth/client/")).status_code == 404
        await define(shared_platform, stranger, shop.url)
        stolen = await client.post("/api/integrations/shop/oauth/start/", json={"connection_id": connection_id})
        assert stolen.status_code == 404
    member = await shared_platform.create_caller(role=Role.MEMBER)
    async with shared_platform.client(member) as client:
        assert (await client.post("/api/integrations/mock_shop/oauth/start/", json={})).status_code == 403
