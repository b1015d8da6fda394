"""The first user of an installation: made once, in a browser, by whoever has the code that it printed."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import func, select

from platform_api.accounts.links.secret import LinkKind, new_secret
from platform_api.accounts.models import Organization, User
from platform_api.accounts.set_up import service
from platform_api.accounts.set_up.models import SetUpCode
from tests.platform_api.conftest import BASE_URL, Platform, make_settings, running_platform

pytestmark = pytest.mark.anyio

ORIGIN = {"Origin": BASE_URL}
FIRST = {"name": "Ada", "email": "Ada@Example.com", "password": "long enough 1", "organization": "Ärger & Söhne"}


async def _offer(platform: Platform) -> str:
    code = new_secret(LinkKind.SET_UP)
    async with platform.database.transaction() as session:
        await service.offer_code(session, code)
    return code


async def _count(platform: Platform, model: type[User | Organization | SetUpCode]) -> int:
    async with platform.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
async def browser(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    async with platform.client() as client:
        yield client


async def test_the_first_user_sets_up_the_installation_and_is_signed_in(
    platform: Platform, browser: httpx.AsyncClient
) -> None:
    code = await _offer(platform)
    assert (await browser.get("/api/set-up/")).json() == {"is_needed": True, "can_send_mail": False}
    reply = await browser.post("/api/set-up/", json={**FIRST, "code": code}, headers=ORIGIN)
    assert reply.status_code == 201, reply.text
    me = (await browser.get("/api/me/")).json()
    assert reply.json() == me
    assert (me["kind"], me["role"], me["user"]["email"], me["user"]["is_operator"]) == (
        *("session", "owner", "ada@example.com"),
        True,
    )
    assert (me["organization"]["name"], me["organization"]["slug"]) == ("Ärger & Söhne", "rger-s-hne")
    assert "HttpOnly" in reply.headers["set-cookie"]
    assert (await browser.get("/api/set-up/")).json()["is_needed"] is False
    again = await browser.post("/api/set-up/", json={**FIRST, "email": "b@example.com", "code": code})
    assert (again.status_code, again.json()["code"]) == (409, "already_set_up")
    assert "ask an owner for an invitation" in again.json()["detail"]
    assert await _count(platform, SetUpCode) == 0
    await _offer(platform)
    assert await _count(platform, SetUpCode) == 0, "a later start offers nothing"


async def test_of_many_at_once_exactly_one_wins(platform: Platform, browser: httpx.AsyncClient) -> None:
    code = await _offer(platform)
    bodies = [{**FIRST, "email": f"user{number}@example.com", "code": code} for number in range(4)]
    replies = await asyncio.gather(*(browser.post("/api/set-up/", json=body) for body in bodies))
    assert sorted(reply.status_code for reply in replies) == [201, 409, 409, 409]
    assert {reply.json().get("code") for reply in replies} == {None, "already_set_up"}
    assert (await _count(platform, User), await _count(platform, Organization)) == (1, 1)


async def test_without_the_code_nobody_sets_it_up(platform: Platform, browser: httpx.AsyncClient) -> None:
    code = await _offer(platform)
    for wrong in ("x", code[:-1], code.swapcase(), new_secret(LinkKind.SET_UP), "\x00"):
        reply = await browser.post("/api/set-up/", json={**FIRST, "code": wrong})
        assert (reply.status_code, reply.json()["code"]) == (403, "wrong_set_up_code"), reply.text
    for malformed in (
        {"code": ""},
        {"code": "c" * 129},
        {"password": "short"},
        {"email": "no"},
        {"organization": ""},
    ):
        assert (await browser.post("/api/set-up/", json={**FIRST, "code": code, **malformed})).status_code == 422
    foreign = await browser.post("/api/set-up/", json={**FIRST, "code": code}, headers={"Origin": "http://evil.test"})
    assert foreign.status_code == 403
    assert await _count(platform, User) == 0


async def test_guessing_the_code_is_slowed_down(
    platform: Platform, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform_api.accounts.set_up.first_sign_in.MAX_ATTEMPTS", 3)
    code = await _offer(platform)
    guesses = [(await browser.post("/api/set-up/", json={**FIRST, "code": "x"})).status_code for _ in range(3)]
    right = await browser.post("/api/set-up/", json={**FIRST, "code": code})
    assert (guesses, right.status_code) == ([403] * 3, 429)
    elsewhere = httpx.ASGITransport(app=platform.app, client=("10.1.2.3", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url=BASE_URL) as other:
        assert (await other.post("/api/set-up/", json={**FIRST, "code": code})).status_code == 201


async def test_the_codes_of_several_starts_work_and_are_stored_as_digests_only(platform: Platform) -> None:
    codes = [await _offer(platform) for _ in range(service.MAX_CODES + 2)]
    async with platform.database.transaction() as session:
        stored = list(await session.scalars(select(SetUpCode.digest)))
        for code in codes[-service.MAX_CODES :]:
            await service.check_code(session, code)
        with pytest.raises(service.WrongSetUpCode):
            await service.check_code(session, codes[0])
    assert len(stored) == service.MAX_CODES
    assert not any(code.encode() in digest for code in codes for digest in stored)


async def test_a_user_who_exists_already_ends_the_set_up(platform: Platform, browser: httpx.AsyncClient) -> None:
    code = await _offer(platform)
    await platform.create_user()
    assert (await browser.get("/api/set-up/")).json()["is_needed"] is False
    assert (await browser.post("/api/set-up/", json={**FIRST, "code": code})).status_code == 409


async def test_a_page_knows_whether_mail_can_be_sent(platform_database_url: str) -> None:
    settings = make_settings(platform_database_url, smtp_url="smtp://127.0.0.1:9")
    async with running_platform(settings) as platform, platform.client() as client:
        assert (await client.get("/api/set-up/")).json()["can_send_mail"] is True
