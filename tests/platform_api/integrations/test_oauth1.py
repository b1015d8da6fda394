"""Accounts connected through an OAuth 1.0a provider: bound to the browser, good once, named by its account."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from platform_api.core.crypto import Vault
from platform_api.integrations.models import Connection, OAuthSignIn
from platform_api.mock_shop.faults import Fault
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.integrations.conftest import RunningShop

pytestmark = pytest.mark.anyio

CALLBACK = "http://platform.test/oauth/callback/"


def definition(url: str, **auth: Any) -> dict[str, Any]:
    return {
        "id": "shop",
        "name": "Shop",
        "base_url": url,
        "retry": {"attempts": 1},
        "auth": {
            "type": "oauth1",
            "request_token_url": f"{url}/oauth1/request_token",
            "authorize_url": f"{url}/oauth1/authorize",
            "token_url": f"{url}/oauth1/access_token",
            "identity": {"url": "/me", "name": "email"},
            **auth,
        },
    }


@pytest.fixture
async def owner(shared_platform: Platform, shop: RunningShop) -> AsyncIterator[Caller]:
    """Somebody whose organization has a consumer key at the shop."""
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        made = await client.post("/api/integrations/", json=definition(shop.url))
        assert made.status_code == 201, made.text
        body = {"client_id": "shop-client", "client_secret": "shop-secret"}
        kept = await client.put("/api/integrations/shop/oauth/client/", json=body)
        assert kept.json()["redirect_uri"] == CALLBACK
    yield caller


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


async def call(platform: Platform, caller: Caller, **body: Any) -> dict[str, Any]:
    async with platform.client(caller) as client:
        answer = await client.post("/api/integrations/shop/call/", json={"endpoint": "/me", **body})
    assert answer.status_code == 200, answer.text
    replied: dict[str, Any] = answer.json()
    return replied


async def test_an_account_is_connected_named_and_called(
    shared_platform: Platform, shop: RunningShop, owner: Caller
) -> None:
    page = await connect(shared_platform, owner)
    assert "Connected" in page.text and "anna@" in page.text
    [connection] = await connections(shared_platform, owner)
    assert (connection["name"], connection["status"]) == (shop.shop.sellers["anna"].email, "active")
    assert (await call(shared_platform, owner))["api_data"]["login"] == "anna"
    listed = await call(shared_platform, owner, endpoint="/offers", request_params={"limit": 2, "offset": 1})
    assert listed["api_data"]["count"] == 2, "query parameters are signed"


async def test_the_same_account_again_keeps_the_connection_and_another_is_a_second(
    shared_platform: Platform, owner: Caller
) -> None:
    await connect(shared_platform, owner)
    [first] = await connections(shared_platform, owner)
    await connect(shared_platform, owner)
    assert [one["id"] for one in await connections(shared_platform, owner)] == [first["id"]]
    refused = await connect(shared_platform, owner, login="bert", connection_id=first["id"])
    assert refused.status_code == 409 and "bert@" in refused.text
    await connect(shared_platform, owner, login="bert")
    assert len(await connections(shared_platform, owner)) == 2


async def test_a_request_token_is_good_once_and_in_one_browser(shared_platform: Platform, owner: Caller) -> None:
    async with shared_platform.client() as browser, shared_platform.client() as other:
        url = await start(shared_platform, owner)
        back = await consent(browser, url)
        refused = await other.get(back)
        assert refused.status_code == 403 and "another browser" in refused.text
        cookies = dict(browser.cookies)
        assert (await browser.get(back)).status_code == 200
        async with shared_platform.client(cookies=cookies) as same:
            assert "finished already" in (await same.get(back)).text
    assert len(await connections(shared_platform, owner)) == 1


async def test_a_page_that_was_opened_is_not_opened_elsewhere(shared_platform: Platform, owner: Caller) -> None:
    """Whoever opened the page and then sends its address on leads nobody to a sign-in of theirs."""
    url = await start(shared_platform, owner)
    async with shared_platform.client() as first, shared_platform.client() as second:
        back = await consent(first, url)
        assert (await second.get(url)).status_code == 403
        assert (await second.get(back)).status_code == 403
        assert (await first.get(back)).status_code == 200


async def test_a_wrong_verifier_or_a_token_of_nobody_connects_nothing(
    shared_platform: Platform, owner: Caller
) -> None:
    async with shared_platform.client() as browser:
        back = httpx.URL(await consent(browser, await start(shared_platform, owner)))
        wrong = await browser.get(back.copy_set_param("oauth_verifier", "guessed"))
        assert wrong.status_code == 502 and "gave no token" in wrong.text
        unknown = await browser.get(f"{CALLBACK}?oauth_token=made-up&oauth_verifier=x")
        assert unknown.status_code == 400
        back = httpx.URL(await consent(browser, await start(shared_platform, owner)))
        without = await browser.get(back.copy_remove_param("oauth_verifier"))
        assert without.status_code == 400 and "did not grant access" in without.text
    assert await connections(shared_platform, owner) == []


async def test_a_denied_sign_in_is_said_and_a_late_one_is_refused(shared_platform: Platform, owner: Caller) -> None:
    denied = await connect(shared_platform, owner, login="nobody")
    assert denied.status_code == 400 and "denied" in denied.text
    async with shared_platform.client() as browser:
        back = await consent(browser, await start(shared_platform, owner))
        async with shared_platform.database.transaction() as session:
            row = await session.scalar(select(OAuthSignIn).where(OAuthSignIn.user_id == owner.user_id))
            assert row is not None
            row.expires_at = row.expires_at.replace(year=2020)
        assert "took too long" in (await browser.get(back)).text
    assert await connections(shared_platform, owner) == []


async def test_secrets_are_sealed_and_no_page_shows_them(shared_platform: Platform, owner: Caller) -> None:
    vault = shared_platform.app.services[Vault]
    async with shared_platform.client() as browser:
        back = await consent(browser, await start(shared_platform, owner))
        async with shared_platform.database.transaction() as session:
            row = await session.scalar(select(OAuthSignIn).where(OAuthSignIn.user_id == owner.user_id))
        assert row is not None
        temporary = vault.decrypt(row.sealed)
        assert temporary["token"] in back and temporary["token_secret"] not in back
        assert temporary["token"].encode() not in row.sealed
        page = await browser.get(back)
    [listed] = await connections(shared_platform, owner)
    async with shared_platform.database.transaction() as session:
        connection = await session.get_one(Connection, listed["id"])
    kept = vault.decrypt(connection.sealed_credentials)
    assert set(kept) == {"client_key", "client_secret", "token", "token_secret", "account"}
    for secret in ("client_secret", "token", "token_secret"):
        assert kept[secret] not in page.text and kept[secret] not in str(listed)


async def test_a_provider_that_fails_or_refuses_is_said_on_the_page(
    shared_platform: Platform, shop: RunningShop, owner: Caller
) -> None:
    url = await start(shared_platform, owner)
    async with shared_platform.client() as browser:
        shop.shop.faults.add(Fault("status", path="/oauth1/request_token", status=503))
        page = await browser.get(url)
        assert page.status_code == 502 and "503" in page.text
        shop.shop.faults.clear()
        assert (await browser.get(url)).status_code == 200, "and the link still works"
    async with shared_platform.client(owner) as client:
        body = {"client_id": "shop-client", "client_secret": "wrong"}
        await client.put("/api/integrations/shop/oauth/client/", json=body)
    async with shared_platform.client() as browser:
        page = await browser.get(await start(shared_platform, owner))
        assert page.status_code == 502 and "signature" in page.text


async def test_oauth_1_without_a_verifier_is_refused(
    shared_platform: Platform, shop: RunningShop, owner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 1.0a a sign-in could be finished with somebody else's consent."""
    from platform_api.mock_shop import app as shop_app

    answer = shop_app._oauth_response
    monkeypatch.setattr(
        shop_app,
        "_oauth_response",
        lambda told: answer((told[0], [one for one in told[1] if one[0] != "oauth_callback_confirmed"], told[2])),
    )
    async with shared_platform.client() as browser:
        page = await browser.get(await start(shared_platform, owner))
    assert page.status_code == 502 and "oauth_callback_confirmed" in page.text


async def test_placeholders_of_the_providers_addresses_are_asked_for(
    shared_platform: Platform, shop: RunningShop, owner: Caller
) -> None:
    changed = definition(shop.url, authorize_url="https://{region}.example.com/authorize")
    async with shared_platform.client(owner) as client:
        assert (await client.put("/api/integrations/shop/", json=changed)).status_code == 200
        refused = await client.post("/api/integrations/shop/oauth/start/", json={})
        assert refused.status_code == 422 and "'region' is missing" in refused.json()["detail"]
        body = {"placeholders": {"region": "eu"}}
        assert (await client.post("/api/integrations/shop/oauth/start/", json=body)).status_code == 200


async def test_a_connection_can_still_be_made_of_tokens_one_has(shared_platform: Platform, owner: Caller) -> None:
    await connect(shared_platform, owner)
    [listed] = await connections(shared_platform, owner)
    async with shared_platform.database.transaction() as session:
        sealed = (await session.get_one(Connection, listed["id"])).sealed_credentials
    kept = shared_platform.app.services[Vault].decrypt(sealed)
    kept.pop("account")
    async with shared_platform.client(owner) as client:
        body = {"name": "by hand", "credentials": kept}
        made = await client.post("/api/integrations/shop/connections/", json=body)
        assert made.status_code == 201, made.text
        answer = await client.post(
            "/api/integrations/shop/call/", params={"connection_id": "by hand"}, json={"endpoint": "/me"}
        )
    assert answer.json()["api_data"]["login"] == "anna"
