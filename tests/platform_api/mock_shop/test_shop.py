"""The mock shop behaves as a real marketplace does where integrations get it wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from platform_api.mock_shop.app import create_app, create_shop

BASE = "http://127.0.0.1:8090"
ANNA = {"X-Api-Key": "shop-key-anna"}
CLIENT = ("shop-client", "shop-secret")


def with_shop(test: Callable[[httpx.AsyncClient], Awaitable[None]], **options: int) -> None:
    async def run() -> None:
        app = create_app(create_shop(offers=20, orders=5, billing_entries=30, **options))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
            await test(client)

    asyncio.run(run())


async def connect(client: httpx.AsyncClient, *, verifier: str | None = None, login: str = "anna") -> dict[str, str]:
    query = {
        "response_type": "code",
        "client_id": "shop-client",
        "redirect_uri": "http://127.0.0.1/back",
        "state": "s1",
        "login": login,
    }
    if verifier:
        query |= {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
    sent_back = await client.get("/oauth/authorize", params=query)
    assert sent_back.status_code == 302, sent_back.text
    answer = parse_qs(urlsplit(sent_back.headers["location"]).query)
    assert answer["state"] == ["s1"]
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"][0],
        "redirect_uri": "http://127.0.0.1/back",
    }
    if verifier:
        form["code_verifier"] = verifier
    exchanged = await client.post("/oauth/token", data=form, auth=CLIENT)
    assert exchanged.status_code == 200, exchanged.text
    tokens: dict[str, str] = exchanged.json()
    return tokens


async def refresh(client: httpx.AsyncClient, refresh_token: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return await client.post("/oauth/token", data=form, auth=CLIENT)


def test_authorization_code_gives_tokens_of_the_chosen_account() -> None:
    async def test(client: httpx.AsyncClient) -> None:
        tokens = await connect(client, login="bert")
        me = await client.get("/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
        assert me.json()["login"] == "bert"

    with_shop(test)


def test_pkce_refuses_a_wrong_verifier() -> None:
    async def test(client: httpx.AsyncClient) -> None:
        await connect(client, verifier="v" * 50)
        query = {
            "response_type": "code",
            "client_id": "shop-client",
            "login": "anna",
            "code_challenge": create_s256_code_challenge("v" * 50),
            "code_challenge_method": "S256",
        }
        sent_back = await client.get("/oauth/authorize", params=query | {"redirect_uri": "http://127.0.0.1/back"})
        code = parse_qs(urlsplit(sent_back.headers["location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": "http://127.0.0.1/back",
            "code_verifier": "w" * 50,
        }
        assert (await client.post("/oauth/token", data=form, auth=CLIENT)).status_code == 400

    with_shop(test)


def test_a_refresh_token_works_once() -> None:
    async def test(client: httpx.AsyncClient) -> None:
        tokens = await connect(client)
        first = await refresh(client, tokens["refresh_token"])
        assert first.status_code == 200
        assert first.json()["refresh_token"] != tokens["refresh_token"]
        assert (await refresh(client, tokens["refresh_token"])).json()["error"] == "invalid_grant"
        assert (await client.get("/control/counters")).json()["issued_tokens"]["refresh_token"] == 1

    with_shop(test)


def test_an_expired_access_token_is_refused() -> None:
    async def test(client: httpx.AsyncClient) -> None:
        tokens = await connect(client)
        await client.post("/control/expire-tokens")
        refused = await client.get("/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
        assert refused.status_code == 401

    with_shop(test)


def test_a_denied_consent_comes_back_as_an_error() -> None:
    async def test(client: httpx.AsyncClient) -> None:
        query = {"response_type": "code", "client_id": "shop-client", "state": "s", "login": "nobody"}
        sent_back = await client.get("/oauth/authorize", params=query | {"redirect_uri": "http://127.0.0.1/back"})
        assert "error=access_denied" in sent_back.headers["location"]

    with_shop(test)


def test_every_paging_style_reaches_the_end() -> None:
    async def test(client: httpx.AsyncClient) -> None:
        seen, url = [], "/offers?limit=7"
        while url:
            page = await client.get(url, headers=ANNA)
            seen += page.json()["offers"]
            url = page.links.get("next", {}).get("url", "")
        assert len({offer["id"] for offer in seen}) == 20
        entries, cursor = [], "0"
        while cursor is not None:
            body = (await client.get("/billing-entries", params={"cursor": cursor, "limit": 11}, headers=ANNA)).json()
            entries += body["billingEntries"]
            cursor = body["nextCursor"]
        assert len({entry["id"] for entry in entries}) == 30

    with_shop(test)


def test_the_journal_goes_on_after_a_cursor() -> None:
    async def test(client: httpx.AsyncClient) -> None:
        before = (await client.get("/events", headers=ANNA)).json()["events"]
        bought = (await client.post("/orders", headers=ANNA)).json()
        after = (await client.get("/events", params={"from": before[-1]["id"]}, headers=ANNA)).json()["events"]
        assert [event["orderId"] for event in after] == [bought["id"]]

    with_shop(test)


def test_the_rate_limit_says_when_to_come_back() -> None:
    async def test(client: httpx.AsyncClient) -> None:
        answers = [await client.get("/me", headers=ANNA) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].headers["retry-after"] == "1"

    with_shop(test, requests_per_second=3)


@pytest.mark.parametrize("status", [500, 503])
def test_a_fault_happens_as_often_as_asked_for(status: int) -> None:
    async def test(client: httpx.AsyncClient) -> None:
        fault = {"kind": "status", "path": "/me", "times": 2, "status": status, "retry_after": 0.1}
        assert (await client.post("/control/faults", json=fault)).status_code == 201
        answers = [(await client.get("/me", headers=ANNA)).status_code for _ in range(3)]
        assert answers == [status, status, 200]

    with_shop(test)


def test_two_starts_show_the_same_shop() -> None:
    first, second = (create_shop(offers=3, orders=3, billing_entries=3) for _ in range(2))
    assert first.sellers["anna"].orders == second.sellers["anna"].orders
