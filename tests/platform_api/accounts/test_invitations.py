"""Invitations by link: from an owner to a member, once, and never into somebody else's account."""

import asyncio
import logging
import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, text, update

from platform_api.accounts.invitations import endpoints, link_endpoints, service
from platform_api.accounts.invitations.models import Invitation
from platform_api.accounts.models import Role
from tests.platform_api.conftest import BASE_URL, Caller, Platform
from tests.platform_api.smtp import Inbox
from tests.waiting import eventually

pytestmark = pytest.mark.anyio

ORIGIN = {"Origin": BASE_URL}
ACCOUNT = {"name": "New Person", "password": "long enough 1"}
_numbers = iter(range(1_000_000))


@pytest.fixture(autouse=True)
def _one_place_for_all_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests of the module come from one address: how often that may open links is a test of its own."""
    monkeypatch.setattr(link_endpoints, "MAX_OPENED", 10_000)


def _new_email() -> str:
    return f"new{next(_numbers)}@example.com"


async def _invite(platform: Platform, owner: Caller, **body: Any) -> dict[str, Any]:
    """A new invitation; `token` is the last part of its link."""
    async with platform.client(owner) as client:
        url = f"/api/organizations/{owner.organization_slug}/invitations/"
        reply = await client.post(url, json={"role": "member", **body})
    assert reply.status_code == 201, reply.text
    invitation: dict[str, Any] = reply.json()
    assert invitation["url"].startswith(f"{BASE_URL}/invite/")
    return {**invitation, "token": invitation["url"].rpartition("/")[2]}


async def _accept(platform: Platform, token: str, caller: Caller | None = None, **account: str) -> httpx.Response:
    async with platform.client(caller) as client:
        body = {"json": {**ACCOUNT, **account}} if account else {}
        return await client.post(f"/api/invitations/{token}/accept/", **body)


async def _open(platform: Platform, token: str) -> httpx.Response:
    async with platform.client() as client:
        return await client.get(f"/api/invitations/{token}/")


async def _roles(platform: Platform, owner: Caller) -> dict[str, str]:
    async with platform.client(owner) as client:
        members = (await client.get(f"/api/organizations/{owner.organization_slug}/members/")).json()["results"]
    return {member["email"]: member["role"] for member in members}


async def _list(platform: Platform, owner: Caller, **query: str) -> list[dict[str, Any]]:
    async with platform.client(owner) as client:
        url = f"/api/organizations/{owner.organization_slug}/invitations/"
        reply = await client.get(url, params=query)
    assert reply.status_code == 200, reply.text
    results: list[dict[str, Any]] = reply.json()["results"]
    return results


async def _expire(platform: Platform, invitation_id: int) -> None:
    async with platform.database.transaction() as session:
        await session.execute(update(Invitation).where(Invitation.id == invitation_id).values(expires_at=func.now()))


def _is(reply: httpx.Response, status: int, code: str) -> bool:
    return (reply.status_code, reply.json().get("code")) == (status, code)


async def test_somebody_without_an_account_opens_the_link_makes_one_and_is_signed_in(
    shared_platform: Platform,
) -> None:
    owner = await shared_platform.create_caller()
    async with shared_platform.client(owner) as client:
        assert (await client.patch("/api/me/", json={"name": " Ada "})).json()["user"]["name"] == "Ada"
    made = await _invite(shared_platform, owner, role="builder", expires_in_days=3)
    assert (made["state"], made["is_mailed"], made["invited_by"]) == ("pending", False, owner.user_id)
    lasts = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert lasts == timedelta(days=3)
    opened = await _open(shared_platform, made["token"])
    assert opened.json() == {
        "organization": owner.organization_slug.title(),
        "role": "builder",
        "email": None,
        "has_account": None,
        "invited_by": "Ada",
        "expires_at": made["expires_at"],
    }
    email = _new_email()
    async with shared_platform.client() as browser:
        url = f"/api/invitations/{made['token']}/accept/"
        bare = await browser.post(url)
        assert _is(bare, 401, "sign_in_needed")
        joined = await browser.post(url, json={**ACCOUNT, "email": email.upper()}, headers=ORIGIN)
        assert joined.status_code == 200, joined.text
        assert joined.json()["organization"]["slug"] == owner.organization_slug
        me = (await browser.get("/api/me/")).json()
        assert (me["user"]["email"], me["user"]["is_operator"], me["role"]) == (email, False, "builder")
    assert _is(await _open(shared_platform, made["token"]), 410, "invitation_used")
    assert _is(await _accept(shared_platform, made["token"], email=_new_email()), 410, "invitation_used")
    [listed] = await _list(shared_platform, owner)
    assert (listed["state"], listed["accepted_by"]) == ("accepted", me["user"]["id"])
    assert "url" not in listed


async def test_a_user_joins_another_organization_by_sign_in_or_token(shared_platform: Platform) -> None:
    owner, by_token, by_cookie = [await shared_platform.create_caller() for _ in range(3)]
    first, second = [await _invite(shared_platform, owner) for _ in range(2)]
    assert (await _accept(shared_platform, first["token"], by_token)).status_code == 200
    async with shared_platform.client() as browser:
        await browser.post("/api/sessions/", json={"email": by_cookie.email, "password": Platform.password})
        url = f"/api/invitations/{second['token']}/accept/"
        assert (await browser.post(url)).status_code == 403, "other sites cannot make somebody join"
        another = await browser.post(url, json={**ACCOUNT, "email": _new_email()}, headers=ORIGIN)
        assert _is(another, 409, "signed_in_already")
        assert (await browser.post(url, headers=ORIGIN)).status_code == 200
    roles = await _roles(shared_platform, owner)
    assert roles == {owner.email: "owner", by_token.email: "member", by_cookie.email: "member"}


async def test_who_left_their_last_organization_can_be_invited_back(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    member = await shared_platform.create_colleague(owner, Role.MEMBER)
    made = await _invite(shared_platform, owner)
    async with shared_platform.client() as browser:
        await browser.post("/api/sessions/", json={"email": member.email, "password": Platform.password})
        url = f"/api/invitations/{made['token']}/accept/"
        assert _is(await browser.post(url, headers=ORIGIN), 409, "already_member")
        leave = f"/api/organizations/{owner.organization_slug}/members/me/"
        assert (await browser.delete(leave, headers=ORIGIN)).status_code == 204
        assert (await browser.post(url, headers=ORIGIN)).status_code == 200
        assert (await browser.get("/api/me/")).status_code == 200


async def test_an_invitation_that_names_an_email_is_for_that_user_only(shared_platform: Platform) -> None:
    owner, invited, other = [await shared_platform.create_caller() for _ in range(3)]
    made = await _invite(shared_platform, owner, email=invited.email.upper())
    opened = (await _open(shared_platform, made["token"])).json()
    assert (opened["email"], opened["has_account"]) == (invited.email, True)
    assert _is(await _accept(shared_platform, made["token"], other), 403, "invitation_for_another")
    registers = await _accept(shared_platform, made["token"], email=_new_email())
    assert _is(registers, 403, "invitation_for_another")
    # The account is theirs already: whoever has the link neither signs in as them nor changes their password.
    taken_over = await _accept(shared_platform, made["token"], email=invited.email)
    assert _is(taken_over, 409, "email_has_account")
    assert "set-cookie" not in taken_over.headers
    async with shared_platform.client() as browser:
        credentials = {"email": invited.email, "password": Platform.password}
        assert (await browser.post("/api/sessions/", json=credentials)).status_code == 200
    assert (await _accept(shared_platform, made["token"], invited)).status_code == 200
    assert await _roles(shared_platform, owner) == {owner.email: "owner", invited.email: "member"}


async def test_a_new_email_that_is_named_makes_its_own_account_only(shared_platform: Platform) -> None:
    owner, email = await shared_platform.create_caller(), _new_email()
    made = await _invite(shared_platform, owner, email=email)
    assert (await _open(shared_platform, made["token"])).json()["has_account"] is False
    assert _is(await _accept(shared_platform, made["token"], email=_new_email()), 403, "invitation_for_another")
    assert (await _accept(shared_platform, made["token"], email=email)).status_code == 200


async def test_an_open_link_takes_over_no_account(shared_platform: Platform) -> None:
    owner, victim = await shared_platform.create_caller(), await shared_platform.create_caller()
    made = await _invite(shared_platform, owner)
    for email in (victim.email, victim.email.upper()):
        assert _is(await _accept(shared_platform, made["token"], email=email), 409, "email_has_account")
    assert (await _open(shared_platform, made["token"])).status_code == 200, "it can still be used"


async def test_of_many_who_accept_at_once_one_joins(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    users = [await shared_platform.create_caller() for _ in range(2)]
    made = await _invite(shared_platform, owner)
    replies = await asyncio.gather(
        *(_accept(shared_platform, made["token"], user) for user in users),
        *(_accept(shared_platform, made["token"], email=_new_email()) for _ in range(2)),
    )
    assert sorted(reply.status_code for reply in replies) == [200, 410, 410, 410]
    assert len(await _roles(shared_platform, owner)) == 2


async def test_one_email_that_registers_with_two_links_at_once_gets_one_account(shared_platform: Platform) -> None:
    owners = [await shared_platform.create_caller() for _ in range(2)]
    made = [await _invite(shared_platform, owner) for owner in owners]
    email = _new_email()
    replies = await asyncio.gather(*(_accept(shared_platform, item["token"], email=email) for item in made))
    assert sorted(reply.status_code for reply in replies) == [200, 409]
    [loser] = [item for item, reply in zip(made, replies, strict=True) if reply.status_code == 409]
    assert (await _open(shared_platform, loser["token"])).status_code == 200


OPERATIONS = st.lists(
    st.sampled_from(["open", "expire", "revoke", "join", "register", "wrong user"]), min_size=1, max_size=6
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(operations=OPERATIONS, names_email=st.booleans())
async def test_an_invitation_ends_once_and_says_how(
    shared_platform: Platform, operations: list[str], names_email: bool
) -> None:
    """Whatever is done in whatever order: it is accepted at most once, and every answer follows from its state."""
    owner, invited, other = [await shared_platform.create_caller() for _ in range(3)]
    made = await _invite(shared_platform, owner, **({"email": invited.email} if names_email else {}))
    state, joined = "pending", 0
    ends = {"accepted": "invitation_used", "expired": "invitation_expired", "revoked": "invitation_revoked"}
    async with shared_platform.client(owner) as client:
        for operation in operations:
            match operation:
                case "open":
                    reply = await _open(shared_platform, made["token"])
                case "expire":
                    await _expire(shared_platform, made["id"])
                    state = "expired" if state == "pending" else state
                    continue
                case "revoke":
                    url = f"/api/organizations/{owner.organization_slug}/invitations/{made['id']}/"
                    reply = await client.delete(url)
                    if state == "accepted":
                        assert _is(reply, 410, "invitation_used")
                        continue
                    state = "revoked" if state == "pending" else state
                    assert (reply.status_code, reply.json()["state"]) == (200, state)
                    continue
                case "join":
                    reply = await _accept(shared_platform, made["token"], invited)
                case "register":
                    reply = await _accept(shared_platform, made["token"], email=_new_email())
                case "wrong user":
                    reply = await _accept(shared_platform, made["token"], other)
            if state != "pending":
                assert _is(reply, 410, ends[state]), (operation, state, reply.text)
            elif operation in ("register", "wrong user") and names_email:
                assert _is(reply, 403, "invitation_for_another"), reply.text
            else:
                assert reply.status_code == 200, reply.text
                if operation != "open":
                    state, joined = "accepted", joined + 1
    assert [item["state"] for item in await _list(shared_platform, owner)] == [state]
    assert len(await _roles(shared_platform, owner)) == 1 + joined <= 2


async def test_links_that_are_unknown_are_refused_and_guessing_is_slowed_down(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in ("x", "amt_invite_" + "x" * 43, "%00", "ä", "..%2f"):
        assert (await _open(shared_platform, token)).status_code == 404, token
    assert _is(await _open(shared_platform, "amt_invite_" + "x" * 43), 404, "invitation_unknown")
    assert (await _open(shared_platform, "x" * 129)).status_code == 422
    monkeypatch.setattr(link_endpoints, "MAX_OPENED", 2)
    transport = httpx.ASGITransport(app=shared_platform.app, client=("10.7.7.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        replies = [
            await client.get("/api/invitations/x/"),
            await client.post("/api/invitations/y/accept/", json={**ACCOUNT, "email": _new_email()}),
            await client.get("/api/invitations/z/"),
        ]
    assert [reply.status_code for reply in replies] == [404, 404, 429]


async def test_invitations_are_managed_by_owners_of_the_organization_only(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    builder = await shared_platform.create_colleague(owner, Role.BUILDER)
    stranger = await shared_platform.create_caller(is_operator=True)
    made = await _invite(shared_platform, owner, email=_new_email())
    base = f"/api/organizations/{owner.organization_slug}/invitations/"
    for caller, status in ((builder, 403), (stranger, 404)):
        async with shared_platform.client(caller) as client:
            replies = [
                await client.get(base),
                await client.post(base, json={"role": "owner"}),
                await client.delete(f"{base}{made['id']}/"),
            ]
        assert [reply.status_code for reply in replies] == [status] * 3
        assert not any(made["email"] in reply.text for reply in replies)
    async with shared_platform.client(stranger) as client:
        own = f"/api/organizations/{stranger.organization_slug}/invitations/"
        assert (await client.delete(f"{own}{made['id']}/")).status_code == 404
        assert (await client.get(own)).json()["results"] == []
    assert (await _open(shared_platform, made["token"])).status_code == 200


@pytest.mark.parametrize("way", ["removed", "left", "demoted", "disabled"])
async def test_the_links_of_an_owner_end_with_their_rights(shared_platform: Platform, way: str) -> None:
    """They know the secrets: otherwise they would come back as what they were."""
    owner = await shared_platform.create_caller()
    second = await shared_platform.create_colleague(owner, Role.OWNER)
    operator = await shared_platform.create_caller(is_operator=True)
    ends, stays = await _invite(shared_platform, second, role="owner"), await _invite(shared_platform, owner)
    member = f"/api/organizations/{owner.organization_slug}/members"
    async with (
        shared_platform.client(owner) as client,
        shared_platform.client(second) as own,
        shared_platform.client(operator) as above,
    ):
        replies = {
            "removed": lambda: client.delete(f"{member}/{second.user_id}/"),
            "left": lambda: own.delete(f"{member}/me/"),
            "demoted": lambda: client.patch(f"{member}/{second.user_id}/", json={"role": "builder"}),
            "disabled": lambda: above.patch(f"/api/users/{second.user_id}/", json={"is_active": False}),
        }
        assert (await replies[way]()).is_success
    assert _is(await _open(shared_platform, ends["token"]), 410, "invitation_revoked")
    assert (await _open(shared_platform, stays["token"])).status_code == 200


async def test_an_owner_who_is_removed_while_they_invite_keeps_no_link(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    second = await shared_platform.create_colleague(owner, Role.OWNER)
    base = f"/api/organizations/{owner.organization_slug}"
    async with shared_platform.client(owner) as client, shared_platform.client(second) as own:
        removed, *invited = await asyncio.gather(
            client.delete(f"{base}/members/{second.user_id}/"),
            *(own.post(f"{base}/invitations/", json={"role": "owner"}) for _ in range(4)),
        )
    assert removed.status_code == 204
    assert {reply.status_code for reply in invited} <= {201, 401, 403, 404}
    for reply in invited:
        if reply.status_code == 201:
            opened = await _open(shared_platform, reply.json()["url"].rpartition("/")[2])
            assert _is(opened, 410, "invitation_revoked")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"role": "king"},
        {"role": "member", "expires_in_days": 0},
        {"role": "member", "expires_in_days": 31},
        {"role": "member", "email": "no address"},
        {"role": "member", "email": "a" * 250 + "@example.com"},
        {"role": "member", "organization_id": 1},
    ],
)
async def test_what_is_no_invitation_is_refused(shared_platform: Platform, body: dict[str, Any]) -> None:
    owner = await shared_platform.create_caller()
    async with shared_platform.client(owner) as client:
        reply = await client.post(f"/api/organizations/{owner.organization_slug}/invitations/", json=body)
    assert reply.status_code == 422
    assert await _list(shared_platform, owner) == []


async def test_a_member_needs_no_invitation(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    async with shared_platform.client(owner) as client:
        url = f"/api/organizations/{owner.organization_slug}/invitations/"
        reply = await client.post(url, json={"role": "member", "email": owner.email.upper()})
    assert _is(reply, 409, "already_member")


async def test_an_organization_has_and_writes_a_limited_number_of_invitations(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = await shared_platform.create_caller(), await shared_platform.create_caller()
    monkeypatch.setattr(service, "MAX_PENDING", 2)
    monkeypatch.setattr(service, "MAX_ENDED", 1)
    url = f"/api/organizations/{owner.organization_slug}/invitations/"
    async with shared_platform.client(owner) as client:
        replies = await asyncio.gather(*(client.post(url, json={"role": "member"}) for _ in range(4)))
        assert sorted(reply.status_code for reply in replies) == [201, 201, 409, 409]
        [ended, _] = [item["id"] for item in await _list(shared_platform, owner, state="pending")]
        for _ in range(3):
            assert (await client.delete(f"{url}{ended}/")).status_code == 200
            ended = (await client.post(url, json={"role": "member"})).json()["id"]
        assert len(await _list(shared_platform, owner, state="pending")) == 2
        assert len(await _list(shared_platform, owner, state="revoked")) <= 2, "the oldest that ended are deleted"
        monkeypatch.setattr(endpoints, "MAX_CREATED", 1)
        assert (await client.post(url, json={"role": "member"})).status_code == 429
    await _invite(shared_platform, other)


async def test_one_address_is_not_written_to_again_and_again(shared_platform: Platform) -> None:
    owner, email = await shared_platform.create_caller(), _new_email()
    async with shared_platform.client(owner) as client:
        url = f"/api/organizations/{owner.organization_slug}/invitations/"
        body = {"role": "member", "email": email}
        statuses = [(await client.post(url, json=body)).status_code for _ in range(4)]
    assert statuses == [201, 201, 201, 429]


async def test_a_mailed_invitation_has_a_link_of_its_own_and_no_secret_is_kept_or_logged(
    mailing: Platform, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    owner, email = await mailing.create_caller(), _new_email()
    made = await _invite(mailing, owner, email=email)
    assert made["is_mailed"] is True
    assert (await _invite(mailing, owner))["is_mailed"] is False
    [body] = await eventually(lambda: inbox.texts_to(email))
    assert owner.organization_slug.title() in body
    match = re.search(rf"{BASE_URL}/invite/(\S+)", body)
    assert match is not None and match[1] != made["token"]
    for token in (made["token"], match[1]):
        assert (await _open(mailing, token)).status_code == 200
    async with mailing.database.transaction() as session:
        for table in ("outbox", "mails", "invitations", "invitation_links"):
            rows = list(await session.scalars(text(f"select row_to_json(t)::text from platform.{table} t")))
            assert not any(made["token"] in row or match[1] in row for row in rows)
    assert (await _accept(mailing, match[1], email=email)).status_code == 200
    assert _is(await _open(mailing, made["token"]), 410, "invitation_used")
    ours = [record for record in caplog.records if record.name.startswith("platform_api")]
    logged = [str(record.__dict__) for record in ours]
    assert any("amt_invite_…" in record for record in logged), "requests are logged, without the secret in their path"
    assert not any(made["token"] in record or match[1] in record for record in logged)


async def test_an_invitation_that_was_revoked_before_its_mail_is_not_mailed(mailing: Platform, inbox: Inbox) -> None:
    owner, email, last = await mailing.create_caller(), _new_email(), _new_email()
    inbox.refusals = ["451 later"]
    made = await _invite(mailing, owner, email=email)
    await eventually(lambda: not inbox.refusals)
    async with mailing.client(owner) as client:
        url = f"/api/organizations/{owner.organization_slug}/invitations/{made['id']}/"
        assert (await client.delete(url)).status_code == 200
    await _invite(mailing, owner, email=last)
    await eventually(lambda: inbox.texts_to(last))

    async def is_done() -> bool:
        async with mailing.database.transaction() as session:
            return not await session.scalar(text("select count(*) from platform.outbox where topic = 'account_mail'"))

    await eventually(is_done)
    assert inbox.texts_to(email) == []


async def test_the_list_has_pages_and_one_state_on_request(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    ids = [(await _invite(shared_platform, owner))["id"] for _ in range(3)]
    await _expire(shared_platform, ids[1])
    assert [(item["id"], item["state"]) for item in await _list(shared_platform, owner)] == [
        (ids[2], "pending"),
        (ids[1], "expired"),
        (ids[0], "pending"),
    ]
    assert [item["id"] for item in await _list(shared_platform, owner, state="expired")] == [ids[1]]
    async with shared_platform.client(owner) as client:
        url = f"/api/organizations/{owner.organization_slug}/invitations/"
        page = (await client.get(url, params={"per_page": 2})).json()
        assert (page["count"], len(page["results"]), page["previous"]) == (3, 2, None)
        rest = (await client.get(page["next"])).json()
    assert [item["id"] for item in rest["results"]] == [ids[0]]
