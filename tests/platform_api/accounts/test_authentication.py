"""From a credential to an actor: what is accepted, and what each refusal says."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import httpx
import pytest
from sqlalchemy import delete, func, select, update

from platform_api.accounts.models import Membership, Role, Scope, Token
from platform_api.accounts.tokens import digest_of, end_run_tokens, issue_run_token, issue_runner_token
from platform_api.core.types import RunId
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]


async def _me(platform: Platform, header: str | None, **headers: str) -> tuple[int, str]:
    async with platform.client() as client:
        if header is not None:
            headers["Authorization"] = header
        reply = await client.get("/api/me/", headers=headers)
    return reply.status_code, reply.json().get("detail", "")


async def _run_token(platform: Platform, caller: Caller, run_id: int) -> str:
    app = await platform.create_app(caller)
    async with platform.database.transaction() as session:
        return await issue_run_token(
            session,
            organization_id=caller.organization_id,
            user_id=caller.user_id,
            app_id=app.id,
            run_id=RunId(run_id),
            lifetime=timedelta(hours=1),
        )


@pytest.mark.parametrize(
    ("header", "detail"),
    [
        (None, "the token is missing"),
        ("", "the token is missing"),
        ("App-Token", "the token is missing"),
        ("App-Token None", "the token is missing"),
        ("amt_" + "x" * 43, "the token has no scheme before it: send `Authorization: App-Token <token>`"),
        ("Basic dXNlcjpwYXNz", "the scheme must be `App-Token` or `Bearer`"),
        ("App-Token nonsense", "the token is malformed"),
        ("App-Token amt_short", "the token is malformed"),
        ("App-Token amt_' or 1=1 --", "the token is malformed"),
        ("Bearer amt_" + "x" * 43, "the token is unknown"),
        ("Bearer amt_run_" + "x" * 43, "the token is unknown"),
    ],
)
async def test_a_refusal_says_what_is_wrong_with_the_token(
    shared_platform: Platform, header: str | None, detail: str
) -> None:
    status, said = await _me(shared_platform, header)
    assert status == 401
    assert detail in said


@pytest.mark.parametrize("scheme", ["App-Token", "Bearer", "bearer", "app-token"])
async def test_both_schemes_are_accepted_in_any_case(shared_platform: Platform, scheme: str) -> None:
    caller = await shared_platform.create_caller()
    assert (await _me(shared_platform, f"{scheme} {caller.token}"))[0] == 200


async def test_an_expired_token_says_when_it_expired(shared_platform: Platform) -> None:
    user = await shared_platform.create_user()
    organization = await shared_platform.create_organization(owner=user)
    secret = await shared_platform.create_token(organization, user, expires_at=datetime(2020, 1, 2, tzinfo=UTC))
    status, detail = await _me(shared_platform, f"Bearer {secret}")
    assert (status, "expired at 2020-01-02" in detail) == (401, True)


@pytest.mark.parametrize("hours", [-2, 2])
async def test_a_process_whose_clock_is_off_ends_no_token_early_or_late(
    shared_platform: Platform, hours: int
) -> None:
    caller = await shared_platform.create_caller()
    good, expired = [await _run_token(shared_platform, caller, number) for number in (1, 3)]
    await _set_end(shared_platform, expired, timedelta(hours=-1))
    program = [sys.executable, "-W", "ignore", "-m", "tests.platform_api.accounts.process", str(hours * 3600)]
    done = await anyio.run_process([*program, shared_platform.database.url, good, expired], cwd=ROOT, stderr=None)
    refusal, issued = done.stdout.decode().splitlines()
    assert "the token expired at" in refusal
    assert await _left(shared_platform, issued) == pytest.approx(3600, abs=300)


async def _set_end(platform: Platform, secret: str, after: timedelta) -> None:
    async with platform.database.transaction() as session:
        await session.execute(
            update(Token).where(Token.digest == digest_of(secret)).values(expires_at=func.now() + after)
        )


async def _left(platform: Platform, secret: str) -> float:
    async with platform.database.transaction() as session:
        left = await session.scalar(select(Token.expires_at - func.now()).where(Token.digest == digest_of(secret)))
    assert left is not None
    return left.total_seconds()


async def test_a_revoked_token_stops_working_at_once(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        [token] = (await client.get("/api/tokens/")).json()["results"]
        revoked = await client.delete(f"/api/tokens/{token['id']}/")
        assert (revoked.status_code, revoked.json()["revoked_at"] is not None) == (200, True)
    assert await _me(shared_platform, f"Bearer {caller.token}") == (401, "the token has been revoked")


async def test_a_run_token_is_bound_to_its_run_and_dies_with_it(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    secret = await _run_token(shared_platform, caller, 4711)
    async with shared_platform.client(headers={"Authorization": f"App-Token {secret}"}) as client:
        me = (await client.get("/api/me/")).json()
        assert (me["kind"], me["run_id"], me["scopes"]) == ("run_token", 4711, ["data", "run"])
        builds = await client.post("/api/apps/", json={"name": "no"})
        manages = await client.get("/api/tokens/")
    assert (builds.status_code, manages.status_code) == (403, 403)
    async with shared_platform.database.transaction() as session:
        await end_run_tokens(session, [RunId(4711)])
    assert await _me(shared_platform, f"Bearer {secret}") == (401, "the token's run has ended")


async def test_a_runner_token_opens_no_tenant_endpoint(shared_platform: Platform) -> None:
    async with shared_platform.database.transaction() as session:
        issued = await issue_runner_token(session, name="r1")
    status, detail = await _me(shared_platform, f"Bearer {issued.secret}")
    assert (status, detail) == (403, "a runner token is for sandbox runners only")


async def test_a_token_ends_with_the_membership_of_its_user(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.database.transaction() as session:
        await session.execute(delete(Membership).where(Membership.user_id == caller.user_id))
    status, detail = await _me(shared_platform, f"Bearer {caller.token}")
    assert (status, "no longer a member" in detail) == (401, True)


async def test_a_token_acts_elsewhere_only_with_the_scope_account_and_a_membership(
    shared_platform: Platform,
) -> None:
    user = await shared_platform.create_user()
    first = await shared_platform.create_organization(owner=user)
    second = await shared_platform.create_organization(owner=user)
    foreign = await shared_platform.create_organization()
    wide = await shared_platform.create_token(first, user)
    narrow = await shared_platform.create_token(first, user, scopes=[Scope.BUILD, Scope.DATA, Scope.RUN])

    async def acts_in(token: str, organization: str) -> int:
        return (await _me(shared_platform, f"Bearer {token}", **{"X-Organization-Id": organization}))[0]

    assert await acts_in(wide, second.slug) == 200
    assert await acts_in(wide, str(second.id)) == 200
    assert await acts_in(wide, foreign.slug) == 403
    assert await acts_in(narrow, second.slug) == 403
    assert await acts_in(narrow, first.slug) == 200
    assert await acts_in(wide, "9" * 40) == 403


async def test_what_is_seen_is_of_the_organization_acted_in_only(shared_platform: Platform) -> None:
    user = await shared_platform.create_user()
    first = await shared_platform.create_organization(owner=user)
    second = await shared_platform.create_organization(owner=user)
    token = await shared_platform.create_token(first, user)
    caller = Caller(first.id, first.slug, user.id, user.email, token)
    app = await shared_platform.create_app(Caller(second.id, second.slug, user.id, user.email, token))
    async with shared_platform.client(caller) as client:
        assert (await client.get(f"/api/apps/{app.id}/")).status_code == 404
        elsewhere = await client.get(f"/api/apps/{app.id}/", headers={"X-Organization-Id": second.slug})
    assert elsewhere.status_code == 200


async def test_a_sign_in_is_a_cookie_that_pages_of_other_sites_cannot_use(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    origin = {"Origin": "http://platform.test"}
    async with shared_platform.client() as client:
        wrong = await client.post("/api/sessions/", json={"email": caller.email, "password": "not it"})
        unknown = await client.post("/api/sessions/", json={"email": "nobody@example.com", "password": "not it"})
        assert wrong.status_code == unknown.status_code == 401
        assert {**wrong.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}, (
            "the answer does not tell who exists"
        )

        reply = await client.post(
            "/api/sessions/", json={"email": caller.email.upper(), "password": Platform.password}, headers=origin
        )
        assert reply.status_code == 200, reply.text
        cookie = reply.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=lax" in cookie

        assert (await client.get("/api/me/")).json()["kind"] == "session"
        body = {"name": "from a page"}
        assert (await client.post("/api/organizations/", json=body)).status_code == 403
        foreign = await client.post("/api/organizations/", json=body, headers={"Origin": "http://evil.test"})
        assert foreign.status_code == 403
        assert (await client.post("/api/organizations/", json=body, headers=origin)).status_code == 201
        same_origin = await client.post("/api/organizations/", json=body, headers={"Sec-Fetch-Site": "same-origin"})
        assert same_origin.status_code == 201

        assert (await client.delete("/api/sessions/current/", headers=origin)).status_code == 204
        client.cookies.set("automio_session", cookie.split("=")[1].split(";")[0])
        assert (await client.get("/api/me/")).status_code == 401, "a stolen cookie is dead after signing out"


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.test",
        "null",
        "http://[",
        "platform.test",
        "http://platform.test.evil.test",
        "ftp://platform.test",
    ],
)
async def test_a_sign_in_from_another_site_is_refused(shared_platform: Platform, origin: str) -> None:
    caller = await shared_platform.create_caller()
    body = {"email": caller.email, "password": Platform.password}
    async with shared_platform.client() as client:
        reply = await client.post("/api/sessions/", json=body, headers={"Origin": origin})
    assert reply.status_code == 403


async def test_a_password_is_changed_only_with_the_current_one(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    new = "an entirely new one"
    async with shared_platform.client(caller) as client:
        wrong = await client.post("/api/me/password/", json={"current_password": "x", "new_password": new})
        right = await client.post(
            "/api/me/password/", json={"current_password": Platform.password, "new_password": new}
        )
        old = await client.post("/api/sessions/", json={"email": caller.email, "password": Platform.password})
        signed_in = await client.post("/api/sessions/", json={"email": caller.email, "password": new})
    assert (wrong.status_code, right.status_code) == (422, 204)
    assert (old.status_code, signed_in.status_code) == (401, 200)


async def test_a_role_includes_the_roles_below_it() -> None:
    assert Role.OWNER.includes(Role.BUILDER) and Role.BUILDER.includes(Role.MEMBER)
    assert not Role.MEMBER.includes(Role.BUILDER) and not Role.BUILDER.includes(Role.OWNER)


async def test_guessing_a_password_is_slowed_down_per_address_and_place(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await shared_platform.create_caller()
    monkeypatch.setattr("platform_api.accounts.sessions.throttle.MAX_ATTEMPTS_FROM_ONE_PLACE", 3)
    right = {"email": caller.email, "password": Platform.password}
    wrong = {"email": caller.email, "password": "guess"}
    async with shared_platform.client() as client:
        guesses = [(await client.post("/api/sessions/", json=wrong)).status_code for _ in range(2)]
        assert (await client.post("/api/sessions/", json=right)).status_code == 200, "a success starts anew"
        guesses += [(await client.post("/api/sessions/", json=wrong)).status_code for _ in range(3)]
        refused = await client.post("/api/sessions/", json=right)
        other = await shared_platform.create_caller()
        unaffected = await client.post("/api/sessions/", json={**right, "email": other.email})
        elsewhere = httpx.ASGITransport(app=shared_platform.app, client=("10.1.2.3", 1))
        async with httpx.AsyncClient(transport=elsewhere, base_url="http://platform.test") as second:
            from_elsewhere = await second.post("/api/sessions/", json=right)
    assert guesses == [401] * 5
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    assert (unaffected.status_code, from_elsewhere.status_code) == (200, 200)
