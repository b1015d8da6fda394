"""Passwords that many people use are refused wherever a password is set, and nowhere else."""

import pytest

from platform_api.accounts.common_passwords.checking import _common_passwords, refuse_common
from platform_api.accounts.links.secret import LinkKind, new_secret
from platform_api.accounts.models import User
from platform_api.accounts.resets.service import issue_reset
from platform_api.accounts.set_up import service as set_up
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio

COMMON = "Password123"


def test_the_list_holds_what_is_long_enough_to_be_chosen() -> None:
    listed = _common_passwords()
    assert len(listed) > 2000
    assert {"1234567890", "qwertyuiop", "q1w2e3r4t5y6", "password123"} <= listed
    assert all(len(password) >= 10 and password == password.casefold() for password in listed)


@pytest.mark.parametrize("password", ["1234567890", "QwertyUiop", COMMON])
def test_a_common_password_is_refused_in_whatever_case(password: str) -> None:
    with pytest.raises(ValueError, match="most common passwords"):
        refuse_common(password)
    assert refuse_common(password + " and more") == password + " and more"


async def test_it_is_refused_with_its_field_at_set_up_and_may_be_replaced(platform: Platform) -> None:
    code = new_secret(LinkKind.SET_UP)
    async with platform.database.transaction() as session:
        await set_up.offer_code(session, code)
    body = {"name": "Ada", "email": "ada@example.com", "organization": "One", "code": code}
    async with platform.client() as client:
        refused = await client.post("/api/set-up/", json={**body, "password": COMMON})
        created = await client.post("/api/set-up/", json={**body, "password": "rare enough 1"})
    assert refused.status_code == 422
    assert refused.json()["fields"][0]["path"] == "password", refused.text
    assert "most common passwords" in refused.json()["detail"]
    assert created.status_code == 201


async def test_it_is_refused_in_invitation_reset_and_change(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller(is_operator=True)
    async with shared_platform.database.transaction() as session:
        token = await issue_reset(session, await session.get_one(User, owner.user_id))
    async with shared_platform.client(owner) as client:
        invitations = f"/api/organizations/{owner.organization_slug}/invitations/"
        link = (await client.post(invitations, json={"role": "member"})).json()["url"].rpartition("/")[2]
        change = {"current_password": Platform.password, "new_password": COMMON}
        replies = [
            await client.post("/api/me/password/", json=change),
            await client.post("/api/users/", json={"email": "new@example.com", "password": COMMON}),
            await client.patch(f"/api/users/{owner.user_id}/", json={"password": COMMON}),
        ]
    async with shared_platform.client() as stranger:
        account = {"name": "Bob", "email": "bob@example.com", "password": COMMON}
        replies.append(await stranger.post(f"/api/invitations/{link}/accept/", json=account))
        replies.append(
            await stranger.post("/api/password-resets/confirm/", json={"token": token, "password": COMMON})
        )
        # Nothing was used up or changed.
        account["password"] = "rare enough 1"
        assert (await stranger.post(f"/api/invitations/{link}/accept/", json=account)).status_code == 200
    assert [reply.status_code for reply in replies] == [422] * 5
    assert {reply.json()["fields"][0]["path"] for reply in replies} == {"new_password", "password"}
