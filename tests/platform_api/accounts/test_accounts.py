"""Organizations, members, users and tokens over HTTP, and what other organizations cannot do with them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from platform_api.accounts.models import Membership, Organization, Role, Scope
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


async def test_an_organization_is_created_with_its_creator_as_owner(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        created = await client.post("/api/organizations/", json={"name": "Ärger & Söhne", "slug": "aerger"})
        taken = await client.post("/api/organizations/", json={"name": "x", "slug": "aerger"})
        numeric = await client.post("/api/organizations/", json={"name": "x", "slug": "123"})
        derived = await client.post("/api/organizations/", json={"name": "2nd Org!"})
        listed = (await client.get("/api/organizations/")).json()
        renamed = await client.patch("/api/organizations/aerger/", json={"name": "New name"})
    assert (created.status_code, created.json()["role"]) == (201, "owner")
    assert (taken.status_code, numeric.status_code) == (409, 422)
    assert derived.json()["slug"] == "org-2nd-org"
    assert [found["slug"] for found in listed] == [caller.organization_slug, "aerger", "org-2nd-org"]
    assert renamed.json()["name"] == "New name"


async def test_organizations_are_searched_by_name_and_slug(shared_platform: Platform) -> None:
    caller, other = [await shared_platform.create_caller() for _ in range(2)]
    async with shared_platform.client(caller) as client:
        for name in ("Needle one", "Hay", "Needle two"):
            assert (await client.post("/api/organizations/", json={"name": name})).status_code == 201
        found = (await client.get("/api/organizations/", params={"search": "NEEDLE"})).json()
        first = (await client.get("/api/organizations/", params={"search": "needle-", "limit": 1})).json()
        refused = await client.get("/api/organizations/", params={"limit": 1000})
    assert [one["name"] for one in found] == ["Needle one", "Needle two"]
    assert [one["name"] for one in first] == ["Needle one"]
    assert refused.status_code == 422
    async with shared_platform.client(other) as client:
        assert (await client.get("/api/organizations/", params={"search": "needle"})).json() == []


async def test_organizations_are_listed_in_parts(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.database.transaction() as session:
        many = [Organization(slug=f"part-of-{caller.user_id}-{number}", name="Part") for number in range(101)]
        session.add_all(many)
        await session.flush()
        session.add_all(
            Membership(user_id=caller.user_id, organization_id=organization.id, role=Role.MEMBER)
            for organization in many
        )
    async with shared_platform.client(caller) as client:
        first = (await client.get("/api/organizations/")).json()
        rest = (await client.get("/api/organizations/", params={"after": first[-1]["id"]})).json()
        end = (await client.get("/api/organizations/", params={"after": rest[-1]["id"]})).json()
    assert (len(first), len(rest), end) == (100, 2, [])
    ids = [organization["id"] for organization in [*first, *rest]]
    assert ids == sorted({caller.organization_id, *(organization.id for organization in many)})


async def test_who_is_in_no_organization_makes_one(shared_platform: Platform) -> None:
    user = await shared_platform.create_user()
    async with shared_platform.client() as client:
        signed_in = {"email": user.email, "password": Platform.password}
        assert (await client.post("/api/organizations/", json={"name": "x"})).status_code == 401
        assert (await client.post("/api/sessions/", json=signed_in)).status_code == 200
        assert (await client.get("/api/me/")).json()["code"] == "no_organization"
        foreign = await client.post(
            "/api/organizations/", json={"name": "x"}, headers={"Origin": "https://evil.example"}
        )
        made = await client.post(
            "/api/organizations/", json={"name": "Anew"}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        me = (await client.get("/api/me/")).json()
    assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_page")
    assert made.status_code == 201, made.text
    assert (me["organization"]["name"], me["role"]) == ("Anew", "owner")


async def test_a_token_that_may_not_manage_accounts_makes_no_organization(shared_platform: Platform) -> None:
    narrow = await shared_platform.create_caller(scopes=[Scope.DATA])
    async with shared_platform.client(narrow) as client:
        reply = await client.post("/api/organizations/", json={"name": "x"})
    assert (reply.status_code, reply.json()["code"]) == (403, "missing_scope")


async def test_tokens_of_one_organization_are_listed_alone(shared_platform: Platform) -> None:
    caller, stranger = [await shared_platform.create_caller() for _ in range(2)]
    async with shared_platform.client(caller) as client:
        other = (await client.post("/api/organizations/", json={"name": "Second of the two"})).json()
        for name, organization in (("here", caller.organization_id), ("there", other["id"])):
            body = {"name": name, "organization_id": organization}
            assert (await client.post("/api/tokens/", json=body)).status_code == 201
        query = {"organization": other["slug"]}
        listed = (await client.get("/api/tokens/", params=query)).json()["results"]
    assert [token["name"] for token in listed] == ["there"]
    async with shared_platform.client(stranger) as client:
        assert (await client.get("/api/tokens/", params=query)).status_code == 404


async def test_a_user_changes_their_own_name_and_nobody_elses(shared_platform: Platform) -> None:
    caller, other = [await shared_platform.create_caller() for _ in range(2)]
    async with shared_platform.client(caller) as client:
        changed = await client.patch("/api/me/", json={"name": "  Ada 👩‍💻 "})
        refused = [
            await client.patch("/api/me/", json=body)
            for body in ({"name": " "}, {"name": "x" * 151}, {}, {"name": "x", "is_operator": True})
        ]
        me = (await client.get("/api/me/")).json()
    assert changed.json() == me
    assert me["user"]["name"] == "Ada 👩‍💻"
    assert [reply.status_code for reply in refused] == [422] * 4
    async with shared_platform.client(other) as client:
        assert (await client.get("/api/me/")).json()["user"]["name"] == ""
    limited = await shared_platform.create_colleague(caller, Role.MEMBER, scopes=[Scope.DATA])
    async with shared_platform.client(limited) as client:
        assert (await client.patch("/api/me/", json={"name": "x"})).status_code == 403


async def test_another_organization_is_out_of_reach(shared_platform: Platform) -> None:
    victim, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    base = f"/api/organizations/{victim.organization_id}/"
    async with shared_platform.client(victim) as client:
        [token] = (await client.get("/api/tokens/")).json()["results"]
    async with shared_platform.client(stranger) as client:
        replies = [
            await client.get(base),
            await client.get(f"/api/organizations/{victim.organization_slug}/"),
            await client.patch(base, json={"name": "mine"}),
            await client.get(f"{base}members/"),
            await client.post(f"{base}members/", json={"email": stranger.email, "role": "owner"}),
            await client.patch(f"{base}members/{victim.user_id}/", json={"role": "member"}),
            await client.delete(f"{base}members/{victim.user_id}/"),
            await client.post("/api/tokens/", json={"organization_id": victim.organization_id}),
            await client.delete(f"/api/tokens/{token['id']}/"),
        ]
        listed = (await client.get("/api/organizations/")).json()
        tokens = (await client.get("/api/tokens/")).json()["results"]
    assert {reply.status_code for reply in replies} == {404}, [reply.text for reply in replies]
    assert [found["id"] for found in listed] == [stranger.organization_id]
    assert {found["organization_id"] for found in tokens} == {stranger.organization_id}
    async with shared_platform.client(victim) as client:
        assert (await client.get("/api/me/")).json()["role"] == "owner"


async def test_an_owner_adds_changes_and_removes_members(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    existing = await shared_platform.create_user()
    url = f"/api/organizations/{owner.organization_slug}/members/"
    async with shared_platform.client(owner) as client:
        unknown = await client.post(url, json={"email": "new@intern.local", "role": "member"})
        created = await client.post(
            url, json={"email": "New@intern.local", "role": "member", "password": "long enough 1"}
        )
        added = await client.post(url, json={"email": existing.email, "role": "builder"})
        again = await client.post(url, json={"email": existing.email, "role": "builder"})
        hijack = await client.post(url, json={"email": existing.email, "role": "member", "password": "long enough 1"})
        promoted = await client.patch(f"{url}{existing.id}/", json={"role": "owner"})
        gone = await client.delete(f"{url}{created.json()['user_id']}/")
        members = (await client.get(url)).json()["results"]
    assert (unknown.status_code, created.status_code, added.status_code) == (404, 201, 201)
    assert created.json()["email"] == "new@intern.local"
    assert (again.status_code, hijack.status_code) == (409, 409)
    assert (promoted.json()["role"], gone.status_code) == ("owner", 204)
    assert [(member["user_id"], member["role"]) for member in members] == [
        (owner.user_id, "owner"),
        (existing.id, "owner"),
    ]


async def test_a_removed_members_tokens_stay_dead_when_they_are_added_again(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    member = await shared_platform.create_colleague(owner, Role.BUILDER)
    url = f"/api/organizations/{owner.organization_slug}/members/"
    async with shared_platform.client(owner) as client:
        assert (await client.delete(f"{url}{member.user_id}/")).status_code == 204
        assert (await client.post(url, json={"email": member.email, "role": "builder"})).status_code == 201
    async with shared_platform.client(member) as client:
        reply = await client.get("/api/me/")
    assert (reply.status_code, reply.json()["detail"]) == (401, "the token has been revoked")


async def test_members_below_owner_manage_nobody(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    builder = await shared_platform.create_colleague(owner, Role.BUILDER)
    base = f"/api/organizations/{owner.organization_slug}/"
    async with shared_platform.client(builder) as client:
        assert (await client.get(f"{base}members/")).status_code == 200
        replies = [
            await client.patch(base, json={"name": "x"}),
            await client.post(f"{base}members/", json={"email": "a@b.example", "role": "owner"}),
            await client.patch(f"{base}members/{builder.user_id}/", json={"role": "owner"}),
            await client.delete(f"{base}members/{owner.user_id}/"),
            await client.post("/api/users/", json={"email": "a@b.example", "password": "long enough 1"}),
            await client.post("/api/tokens/", json={"kind": "runner"}),
        ]
    assert {reply.status_code for reply in replies} == {403}


async def test_the_last_owner_stays_also_when_two_leave_at_once(shared_platform: Platform) -> None:
    first = await shared_platform.create_caller()
    second = await shared_platform.create_colleague(first, Role.OWNER)
    url = f"/api/organizations/{first.organization_slug}/members/"
    async with shared_platform.client(first) as one, shared_platform.client(second) as two:
        replies = await asyncio.gather(
            one.delete(f"{url}{second.user_id}/"), two.patch(f"{url}{first.user_id}/", json={"role": "member"})
        )
        left = first if replies[0].status_code == 204 else second
        async with shared_platform.client(left) as client:
            alone = await client.delete(f"{url}{left.user_id}/")
    assert sorted(reply.status_code // 100 for reply in replies) == [2, 4]
    assert (alone.status_code, "without an owner" in alone.json()["detail"]) == (409, True)


async def test_an_operator_creates_users_and_runner_tokens(shared_platform: Platform) -> None:
    operator = await shared_platform.create_caller(is_operator=True)
    body = {"email": "someone@example.com", "password": "long enough 1"}
    async with shared_platform.client(operator) as client:
        created = await client.post("/api/users/", json=body)
        twice = await client.post("/api/users/", json=body)
        weak = await client.post("/api/users/", json={**body, "password": "short"})
        malformed = await client.post("/api/users/", json={**body, "email": "not an address"})
        runner = await client.post("/api/tokens/", json={"kind": "runner", "name": "host 2"})
        listed = (await client.get("/api/tokens/")).json()["results"]
    assert (created.status_code, twice.status_code) == (201, 409)
    assert (weak.status_code, malformed.status_code) == (422, 422)
    assert runner.json()["token"].startswith("amt_runner_")
    assert "runner" in {token["kind"] for token in listed}


async def test_a_token_is_shown_once_and_gives_no_more_than_its_maker_has(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    limited = await shared_platform.create_colleague(owner, Role.MEMBER, scopes=[Scope.ACCOUNT, Scope.DATA])
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    async with shared_platform.client(limited) as client:
        excess = await client.post("/api/tokens/", json={"scopes": ["data", "build"]})
        made = await client.post("/api/tokens/", json={"scopes": ["data"], "name": "laptop", "expires_at": soon})
        expired = await client.post("/api/tokens/", json={"scopes": ["data"], "expires_at": past})
        naive = await client.post("/api/tokens/", json={"scopes": ["data"], "expires_at": "2099-01-01T00:00:00"})
        empty = await client.post("/api/tokens/", json={"scopes": []})
        listed = await client.get("/api/tokens/")
    assert (excess.status_code, made.status_code) == (403, 201)
    assert (expired.status_code, naive.status_code, empty.status_code) == (422, 422, 422)
    secret = made.json()["token"]
    assert secret not in listed.text
    assert secret.startswith(made.json()["hint"])
    async with shared_platform.client(headers={"Authorization": f"Bearer {secret}"}) as client:
        me = (await client.get("/api/me/")).json()
    assert (me["scopes"], me["role"], me["user"]["id"]) == (["data"], "member", limited.user_id)


async def test_an_owner_revokes_the_tokens_of_members_and_a_member_only_their_own(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    member = await shared_platform.create_colleague(owner, Role.MEMBER)
    async with shared_platform.client(owner) as client:
        listed = (await client.get("/api/tokens/")).json()["results"]
        ids = {token["user_id"]: token["id"] for token in listed}
    async with shared_platform.client(member) as client:
        assert (await client.delete(f"/api/tokens/{ids[owner.user_id]}/")).status_code == 404
    async with shared_platform.client(owner) as client:
        assert (await client.delete(f"/api/tokens/{ids[member.user_id]}/")).status_code == 200
    async with shared_platform.client(member) as client:
        assert (await client.get("/api/me/")).status_code == 401


async def test_ids_beyond_what_the_database_holds_are_refused_not_a_fault(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    async with shared_platform.client(owner) as client:
        statuses = [
            (await client.delete(f"/api/tokens/{2**70}/")).status_code,
            (await client.delete(f"/api/organizations/{owner.organization_id}/members/{2**40}/")).status_code,
            (await client.post("/api/tokens/", json={"organization_id": 2**40})).status_code,
            (await client.get(f"/api/apps/{2**70}/")).status_code,
        ]
    assert set(statuses) <= {404, 422}


async def test_a_token_is_bound_to_an_app_that_its_organization_may_use(shared_platform: Platform) -> None:
    owner, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    other = await shared_platform.create_app(owner)
    async with shared_platform.client(owner) as client:
        for reference in (app.id, app.slug, f"{owner.organization_slug}/{app.slug}"):
            made = await client.post("/api/tokens/", json={"app": reference, "scopes": ["account", "data"]})
            assert (made.status_code, made.json()["app_id"]) == (201, app.id), made.text
    bound = {"Authorization": f"Bearer {made.json()['token']}"}
    async with shared_platform.client(headers=bound) as client:
        unbound = await client.post("/api/tokens/", json={"scopes": ["data"]})
        elsewhere = await client.post("/api/tokens/", json={"scopes": ["data"], "app": other.id})
        same = await client.post("/api/tokens/", json={"scopes": ["data"], "app": app.id})
    assert (unbound.status_code, elsewhere.status_code, same.status_code) == (403, 403, 201)
    async with shared_platform.client(stranger) as client:
        assert (await client.post("/api/tokens/", json={"app": app.id})).status_code == 404


async def test_an_operator_switches_a_user_off_and_gives_a_new_password(platform: Platform) -> None:
    operator = await platform.create_caller(is_operator=True)
    someone = await platform.create_caller()
    url = f"/api/users/{someone.user_id}/"
    credentials = {"email": someone.email, "password": Platform.password}
    async with platform.client() as browser, platform.client(operator) as client:
        assert (await browser.post("/api/sessions/", json=credentials)).status_code == 200
        changed = await client.patch(url, json={"password": "an entirely new one"})
        assert (await browser.get("/api/me/")).status_code == 401, "the sign-in ended with the old password"
        assert (await browser.post("/api/sessions/", json=credentials)).status_code == 401
        off = await client.patch(url, json={"is_active": False})
        dead = await browser.get("/api/me/", headers=someone.headers)
        await client.patch(url, json={"is_active": True})
        alive = await browser.get("/api/me/", headers=someone.headers)
        last = await client.patch(f"/api/users/{operator.user_id}/", json={"is_operator": False})
        listed = (await client.get("/api/users/")).json()["results"]
    assert (changed.status_code, off.json()["is_active"]) == (200, False)
    assert (dead.status_code, alive.status_code) == (401, 200)
    assert (last.status_code, "without an operator" in last.json()["detail"]) == (409, True)
    assert [user["email"] for user in listed] == [operator.email, someone.email]


async def test_users_are_listed_and_changed_by_operators_only(shared_platform: Platform) -> None:
    owner, someone = await shared_platform.create_caller(), await shared_platform.create_caller()
    async with shared_platform.client(owner) as client:
        listed = await client.get("/api/users/")
        changed = await client.patch(f"/api/users/{someone.user_id}/", json={"is_operator": True})
    assert (listed.status_code, changed.status_code) == (403, 403)
