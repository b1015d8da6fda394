"""A user's own sign-ins, when members were last seen, and leaving an organization."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from platform_api.accounts.models import Membership, Role, SignIn
from platform_api.accounts.sessions.sign_in import MAX_SIGN_INS, Browser, start_sign_in
from platform_api.core.listener import Listener
from tests.platform_api.conftest import BASE_URL, Caller, Platform

pytestmark = pytest.mark.anyio

ORIGIN = {"Origin": BASE_URL}


async def _sign_in(client: httpx.AsyncClient, email: str, password: str = Platform.password) -> None:
    reply = await client.post("/api/sessions/", json={"email": email, "password": password}, headers=ORIGIN)
    assert reply.status_code == 200, reply.text


async def _sessions(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    reply = await client.get("/api/sessions/")
    assert reply.status_code == 200, reply.text
    sessions: list[dict[str, Any]] = reply.json()
    return sessions


async def test_own_sign_ins_are_listed_and_ended_one_by_one_or_all_others(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with (
        shared_platform.client(headers={"User-Agent": "First\x7f" + "x" * 500}) as first,
        shared_platform.client() as second,
        shared_platform.client() as third,
    ):
        for client in (first, second, third):
            await _sign_in(client, caller.email)
        listed = await _sessions(first)
        assert [item["is_current"] for item in listed] == [False, False, True], "newest first"
        assert listed[2]["user_agent"].startswith("First ") and len(listed[2]["user_agent"]) == 200
        assert {item["address"] for item in listed} == {"127.0.0.1"}
        days = datetime.fromisoformat(listed[0]["expires_at"]) - datetime.fromisoformat(listed[0]["created_at"])
        assert days == timedelta(days=shared_platform.settings.session_days)

        [own] = [item for item in await _sessions(second) if item["is_current"]]
        assert (await first.delete(f"/api/sessions/{own['id']}/", headers=ORIGIN)).status_code == 204
        assert (await first.delete(f"/api/sessions/{own['id']}/", headers=ORIGIN)).status_code == 404
        assert [(await client.get("/api/me/")).status_code for client in (first, second, third)] == [200, 401, 200]

        assert (await first.delete("/api/sessions/others/", headers=ORIGIN)).status_code == 204
        assert [(await client.get("/api/me/")).status_code for client in (first, third)] == [200, 401]
        assert len(await _sessions(first)) == 1


async def test_nobody_sees_or_ends_the_sign_ins_of_others(shared_platform: Platform) -> None:
    victim = await shared_platform.create_caller()
    colleague = await shared_platform.create_colleague(victim, Role.OWNER)
    stranger = await shared_platform.create_caller(is_operator=True)
    async with shared_platform.client() as browser:
        await _sign_in(browser, victim.email)
        [sign_in] = await _sessions(browser)
        for other in (colleague, stranger):
            async with shared_platform.client(other) as client:
                assert await _sessions(client) == []
                assert (await client.delete(f"/api/sessions/{sign_in['id']}/")).status_code == 404
                assert (await client.delete("/api/sessions/others/")).status_code == 204
        assert (await browser.get("/api/me/")).status_code == 200


async def test_a_token_without_the_scope_account_and_other_sites_touch_no_sign_in(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller(role=Role.MEMBER, scopes=["data", "run", "build"])  # type: ignore[list-item]
    async with shared_platform.client(caller) as client:
        replies = [await client.get("/api/sessions/"), await client.delete("/api/sessions/others/")]
    assert {reply.status_code for reply in replies} == {403}
    async with shared_platform.client() as browser:
        assert (await browser.get("/api/sessions/")).status_code == 401
        await _sign_in(browser, caller.email)
        foreign = await browser.delete("/api/sessions/others/", headers={"Origin": "http://evil.test"})
    assert foreign.status_code == 403


async def test_changing_the_password_ends_every_other_sign_in_and_keeps_the_own(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    body = {"current_password": Platform.password, "new_password": "an entirely new one"}
    async with shared_platform.client() as own, shared_platform.client() as other:
        await _sign_in(own, caller.email)
        await _sign_in(other, caller.email)
        assert (await own.post("/api/me/password/", json=body, headers=ORIGIN)).status_code == 204
        assert [(await client.get("/api/me/")).status_code for client in (own, other)] == [200, 401]
        back = {"current_password": "an entirely new one", "new_password": Platform.password}
        by_token = await own.post("/api/me/password/", json=back, headers={**ORIGIN, **caller.headers})
        assert by_token.status_code == 204
        assert (await own.get("/api/me/")).status_code == 401, "a request with a token was made with no sign-in"


async def test_a_user_has_a_limited_number_of_sign_ins_and_the_oldest_end(shared_platform: Platform) -> None:
    user = await shared_platform.create_user()
    browser = Browser("10.0.0.1", "")
    for _ in range(MAX_SIGN_INS + 3):
        async with shared_platform.database.transaction() as session:
            newest = await start_sign_in(session, user.id, browser=browser, days=1)
    async with shared_platform.database.transaction() as session:
        count = await session.scalar(select(func.count()).select_from(SignIn).where(SignIn.user_id == user.id))
    assert count == MAX_SIGN_INS
    async with shared_platform.client(cookies={"automio_session": newest}) as client:
        assert len(await _sessions(client)) == MAX_SIGN_INS, "also for a user who is in no organization"


async def _age(platform: Platform, caller: Caller, by: timedelta) -> None:
    async with platform.database.transaction() as session:
        await session.execute(
            update(SignIn).where(SignIn.user_id == caller.user_id).values(last_used_at=func.now() - by)
        )
        await session.execute(
            update(Membership).where(Membership.user_id == caller.user_id).values(last_seen_at=func.now() - by)
        )


async def test_use_is_noted_every_few_minutes_and_members_see_who_was_there(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    quiet = await shared_platform.create_colleague(caller, Role.MEMBER)
    members_url = f"/api/organizations/{caller.organization_slug}/members/"

    async def last_seen(client: httpx.AsyncClient) -> tuple[str | None, str | None, str]:
        members = {
            item["user_id"]: item["last_seen_at"] for item in (await client.get(members_url)).json()["results"]
        }
        [own] = await _sessions(client)
        return members[caller.user_id], members[quiet.user_id], own["last_used_at"]

    async with shared_platform.client(caller) as by_token, shared_platform.client() as client:
        assert {item["last_seen_at"] for item in (await by_token.get(members_url)).json()["results"]} == {None}
        await _sign_in(client, caller.email)
        await asyncio.gather(*(client.get("/api/me/") for _ in range(5)))
        seen, of_quiet, used = await last_seen(client)
        assert seen is not None and of_quiet is None
        assert (await last_seen(client))[0::2] == (seen, used), "noted once in five minutes"
        await _age(shared_platform, caller, timedelta(minutes=6))
        again, _, used_again = await last_seen(client)
        assert again is not None and again > seen
        assert used_again > used


async def test_use_and_signing_in_make_no_process_forget_what_it_remembers(platform: Platform) -> None:
    """Notifications of changed access make every process look everything up again: use is no change."""
    caller = await platform.create_caller()
    heard: list[str | None] = []
    platform.app.services[Listener].subscribe("automio_access", heard.append)
    connection = await platform.database.connect()
    await connection.add_listener("automio_access", lambda *arguments: heard.append(arguments[-1]))
    try:
        async with platform.client() as client:
            await _sign_in(client, caller.email)
            await _age(platform, caller, timedelta(minutes=6))
            heard.clear()
            assert (await client.get("/api/me/")).status_code == 200
            # Nor is who signs in, or signs out of what nobody knows: both delete what there may be.
            await _sign_in(client, caller.email)
            stranger = {**ORIGIN, "Cookie": "automio_session=none"}
            async with platform.client() as other:
                assert (await other.delete("/api/sessions/current/", headers=stranger)).status_code == 204
            await connection.fetchval("select 1")
            assert heard == []
            # The listener works: what does change access is heard.
            assert (await client.delete("/api/sessions/current/", headers=ORIGIN)).status_code == 204
            await connection.fetchval("select 1")
            assert heard != []
    finally:
        await connection.close()


async def test_a_member_leaves_and_the_last_owner_cannot(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    member = await shared_platform.create_colleague(owner, Role.MEMBER)
    url = f"/api/organizations/{owner.organization_slug}/members/"
    stranger = await shared_platform.create_caller()
    async with shared_platform.client(stranger) as client:
        assert (await client.delete(f"{url}me/")).status_code == 404
    async with shared_platform.client(owner) as client:
        last = await client.delete(f"{url}me/")
        assert (last.status_code, last.json()["code"]) == (409, "last_owner")
        assert "make another member an owner first" in last.json()["detail"]
    async with shared_platform.client(member) as client, shared_platform.client() as browser:
        await _sign_in(browser, member.email)
        assert (await client.delete(f"{url}me/")).status_code == 204
        assert (await client.get("/api/me/")).status_code == 401, "the token ended with the membership"
        assert (await browser.get("/api/me/")).status_code == 403
        assert len(await _sessions(browser)) == 1, "who is in no organization still manages their sign-ins"
    async with shared_platform.client(owner) as client:
        assert [item["user_id"] for item in (await client.get(url)).json()["results"]] == [owner.user_id]


async def test_of_two_last_owners_who_leave_at_once_one_stays(shared_platform: Platform) -> None:
    first = await shared_platform.create_caller()
    second = await shared_platform.create_colleague(first, Role.OWNER)
    url = f"/api/organizations/{first.organization_slug}/members/me/"
    async with shared_platform.client(first) as one, shared_platform.client(second) as two:
        replies = await asyncio.gather(one.delete(url), two.delete(url))
    assert sorted(reply.status_code for reply in replies) == [204, 409]
