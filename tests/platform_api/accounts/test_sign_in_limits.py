"""Guessing passwords: slowed down for who guesses, and never a way to lock somebody else out."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import update

from platform_api.accounts.dependencies import KNOWN_BROWSER_COOKIE, SESSION_COOKIE
from platform_api.accounts.models import SignInAttempts
from platform_api.accounts.sessions import throttle
from platform_api.accounts.sessions.known_browsers import known_browser_cookie, read_known_browser
from platform_api.accounts.sessions.places import place_of_address
from tests.platform_api.conftest import BASE_URL, Caller, Platform, make_settings, running_platform

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
async def _no_attempts(shared_platform: Platform) -> None:
    async with shared_platform.database.transaction() as session:
        await session.execute(SignInAttempts.__table__.delete())  # type: ignore[attr-defined]


@asynccontextmanager
async def _at(platform: Platform, address: str, **cookies: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at an address."""
    transport = httpx.ASGITransport(app=platform.app, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL, cookies=cookies) as client:
        yield client


async def _try(client: httpx.AsyncClient, email: str, password: str = "a guess", **headers: str) -> int:
    body = {"email": email, "password": password}
    return (await client.post("/api/sessions/", json=body, headers=headers)).status_code


async def _guess(platform: Platform, caller: Caller, address: str, times: int) -> list[int]:
    async with _at(platform, address) as client:
        return [await _try(client, caller.email) for _ in range(times)]


async def test_what_one_place_is_refused_locks_nobody_else_out(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MAX_ATTEMPTS_FROM_ONE_PLACE", 3)
    monkeypatch.setattr(throttle, "MAX_ATTEMPTS_FROM_EVERYWHERE", 5)
    caller = await shared_platform.create_caller()
    assert await _guess(shared_platform, caller, "192.0.2.1", 9) == [401] * 3 + [429] * 6
    async with _at(shared_platform, "192.0.2.2") as owner:
        # As many wrong ones as anybody has: the refused attempts elsewhere did not count.
        assert await _try(owner, caller.email) == 401
        assert await _try(owner, caller.email, Platform.password) == 200


async def test_guessing_from_many_places_leaves_each_place_fewer_attempts_and_locks_nobody_out(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MAX_ATTEMPTS_FROM_EVERYWHERE", 8)
    monkeypatch.setattr(throttle, "MAX_ATTEMPTS_WHILE_GUESSED", 2)
    caller = await shared_platform.create_caller()
    for number in range(2):
        assert await _guess(shared_platform, caller, f"192.0.2.{number}", 4) == [401] * 4
    assert await _guess(shared_platform, caller, "192.0.2.9", 4) == [401, 401, 429, 429]
    async with _at(shared_platform, "192.0.2.10") as owner:
        assert await _try(owner, caller.email) == 401
        assert await _try(owner, caller.email, Platform.password) == 200


async def test_the_owner_signs_in_from_the_place_of_the_attack_in_a_browser_that_is_known(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MAX_ATTEMPTS_FROM_ONE_PLACE", 3)
    caller, other = [await shared_platform.create_caller() for _ in range(2)]
    async with _at(shared_platform, "192.0.2.1") as owner:
        assert await _try(owner, caller.email, Platform.password) == 200
        assert (await owner.delete("/api/sessions/current/", headers={"Origin": BASE_URL})).status_code == 204
        assert SESSION_COOKIE not in owner.cookies
        assert 429 in await _guess(shared_platform, caller, "192.0.2.1", 5)
        assert 429 in await _guess(shared_platform, other, "192.0.2.1", 5)
        async with _at(shared_platform, "192.0.2.1") as stranger:
            assert await _try(stranger, caller.email, Platform.password) == 429
        # The browser knows one account, and has no more attempts at it than a place has.
        assert await _try(owner, other.email, Platform.password) == 429
        assert await _try(owner, caller.email, Platform.password) == 200
        assert [await _try(owner, caller.email) for _ in range(5)] == [401, 401, 401, 429, 429]


async def test_the_cookie_of_a_known_browser_is_kept_from_scripts_and_cannot_be_made_up(
    shared_platform: Platform,
) -> None:
    caller = await shared_platform.create_caller()
    settings = shared_platform.settings
    async with _at(shared_platform, "192.0.2.1") as client:
        body = {"email": caller.email, "password": Platform.password}
        reply = await client.post("/api/sessions/", json=body)
        again = await client.post("/api/sessions/", json=body)
    [header] = [line for line in reply.headers.get_list("set-cookie") if line.startswith(KNOWN_BROWSER_COOKIE)]
    assert "HttpOnly" in header and "SameSite=lax" in header and "Path=/" in header
    cookie = reply.cookies[KNOWN_BROWSER_COOKIE]
    assert caller.email not in cookie
    browser = read_known_browser(settings, cookie)
    assert browser is not None and browser.knows(caller.email.upper())
    later = read_known_browser(settings, again.cookies[KNOWN_BROWSER_COOKIE])
    assert later is not None and later.id == browser.id
    for wrong in (None, "", "x", cookie[:-4], cookie.swapcase(), "ä", "x" * 5000):
        assert read_known_browser(settings, wrong) is None
    foreign = make_settings(settings.database_url, secret_keys="another-key-of-thirty-two-characters-0")
    assert read_known_browser(settings, known_browser_cookie(foreign, None, caller.email)) is None


async def test_a_browser_keeps_the_last_accounts(shared_platform: Platform) -> None:
    settings, cookie = shared_platform.settings, None
    for number in range(7):
        known = read_known_browser(settings, cookie)
        cookie = known_browser_cookie(settings, known, f"user{number}@example.com")
    browser = read_known_browser(settings, cookie)
    assert browser is not None
    assert list(browser.emails) == [f"user{number}@example.com" for number in (6, 5, 4, 3, 2)]


async def test_trying_a_list_of_accounts_from_one_place_is_limited(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MAX_ATTEMPTS_OF_ONE_PLACE", 4)
    caller = await shared_platform.create_caller()
    async with _at(shared_platform, "2001:db8:1:2::7") as client:
        outcomes = [await _try(client, f"nobody{number}@example.com") for number in range(6)]
        assert outcomes == [401] * 4 + [429] * 2
        assert await _try(client, caller.email, Platform.password) == 429
    async with _at(shared_platform, "2001:db8:1:2:3:4:5:6") as client:
        assert await _try(client, caller.email, Platform.password) == 429, "the same network"
    async with _at(shared_platform, "2001:db8:1:3::7") as client:
        assert await _try(client, caller.email, Platform.password) == 200


async def test_successes_do_not_use_up_the_limit_of_an_office(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MAX_ATTEMPTS_OF_ONE_PLACE", 2)
    colleagues = [await shared_platform.create_caller() for _ in range(5)]
    for colleague in colleagues:
        async with _at(shared_platform, "192.0.2.1") as client:
            assert await _try(client, colleague.email, Platform.password) == 200


async def test_attempts_at_once_in_two_processes_do_not_exceed_the_limit(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MAX_ATTEMPTS_FROM_ONE_PLACE", 3)
    caller = await shared_platform.create_caller()
    async with (
        running_platform(shared_platform.settings) as second,
        _at(shared_platform, "192.0.2.1") as one,
        _at(second, "192.0.2.1") as two,
    ):
        outcomes = await asyncio.gather(*(_try(client, caller.email) for client in (one, two) * 5))
    assert sorted(outcomes) == [401] * 3 + [429] * 7


async def test_a_pause_ends_by_itself_by_the_databases_clock(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MAX_ATTEMPTS_FROM_ONE_PLACE", 3)
    caller = await shared_platform.create_caller()
    assert (await _guess(shared_platform, caller, "192.0.2.1", 4))[-1] == 429
    async with shared_platform.database.transaction() as session:
        earlier = SignInAttempts.since - throttle.WINDOW - timedelta(seconds=1)
        await session.execute(update(SignInAttempts).values(since=earlier))
    async with _at(shared_platform, "192.0.2.1") as client:
        assert await _try(client, caller.email, Platform.password) == 200


async def test_only_a_trusted_proxy_says_where_a_client_is(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MAX_ATTEMPTS_FROM_ONE_PLACE", 1)
    caller = await shared_platform.create_caller()

    async def attempts(platform: Platform, peer: str, *forwarded: str) -> list[int]:
        async with _at(platform, peer) as client:
            return [await _try(client, caller.email, **{"X-Forwarded-For": each}) for each in forwarded]

    # A stranger's word is none: each attempt would be from another place.
    assert await attempts(shared_platform, "192.0.2.1", "198.51.100.1", "198.51.100.2") == [401, 429]
    settings = make_settings(shared_platform.settings.database_url, trusted_proxies="10.0.0.0/8, 2001:db8::1")
    async with running_platform(settings) as behind:
        assert await attempts(behind, "10.1.2.3", "203.0.113.1", "203.0.113.2", "203.0.113.1") == [401, 401, 429]
        # What the client itself put before the proxy's own word does not count.
        forged = ("1.1.1.1, 203.0.113.3", "2.2.2.2, 203.0.113.3")
        assert await attempts(behind, "2001:db8::1", *forged) == [401, 429]
        assert await attempts(behind, "127.0.0.1", "203.0.113.4", "203.0.113.5") == [401, 429]


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("no address", "no address"),
        ("x" * 1000, "x" * 64),
    ],
)
def test_the_place_of_an_address(address: str, place: str) -> None:
    assert place_of_address(address) == place
