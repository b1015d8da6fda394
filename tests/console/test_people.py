"""Set-up, invitations, members, tokens and one's own account, in real browsers."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import func, update

from platform_api.accounts.invitations.models import Invitation
from platform_api.accounts.links.secret import LinkKind, new_secret
from platform_api.accounts.models import Role
from platform_api.accounts.set_up.service import offer_code
from tests.console.conftest import Visit
from tests.console.visitor import Visitor, visiting
from tests.platform_api.accounts.conftest import inbox, mailing  # noqa: F401  # fixtures
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.graphql.serving import serve_app
from tests.platform_api.smtp import Inbox
from tests.waiting import eventually

pytestmark = pytest.mark.anyio

NEW_PASSWORD = "an entirely new one"


async def _signed_in(visitor: Visitor, caller: Caller, path: str = "") -> Page:
    await visitor.enter(caller.email, Platform.password)
    await visitor.open(f"/{caller.organization_slug}{path}")
    await expect(visitor.page.get_by_role("navigation", name="Main")).to_be_visible()
    return visitor.page


async def _invite(platform: Platform, owner: Caller, **body: object) -> dict[str, object]:
    """A new invitation; `path` is its page."""
    async with platform.client(owner) as client:
        url = f"/api/organizations/{owner.organization_slug}/invitations/"
        reply = await client.post(url, json={"role": "member", **body})
    assert reply.status_code == 201, reply.text
    invitation: dict[str, object] = reply.json()
    return {**invitation, "path": httpx.URL(str(invitation["url"])).path}


@pytest.fixture
async def fresh(platform: Platform, browser: Browser) -> AsyncIterator[Visitor]:
    """A visitor of an installation that has no user yet."""
    async with serve_app(platform.app) as url, visiting(browser, url) as visitor:
        yield visitor


async def test_a_fresh_installation_is_set_up_in_four_fields_by_keyboard(platform: Platform, fresh: Visitor) -> None:
    page = fresh.page
    await fresh.open("/")
    await expect(page.get_by_text("The terminal that started automio printed a link")).to_be_visible()
    assert await fresh.findings_of_axe() == []
    code = new_secret(LinkKind.SET_UP)
    async with platform.database.transaction() as session:
        await offer_code(session, code)
    fields = ("Ada", "ada@example.com", "long enough 1", "Ärger & Söhne")
    for tried in ("a-wrong-one", code):
        await fresh.open(f"/set-up?code={tried}")
        await expect(page.get_by_label("Your name")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Say how others should call you.")).to_be_visible()
        await expect(page.get_by_label("Your name")).to_be_focused()
        assert await fresh.findings_of_axe() == []
        for label, text in zip(("Your name", "E-mail", "Password", "Organization"), fields, strict=True):
            await page.get_by_role("textbox", name=label).focus()
            await page.keyboard.type(text)
        await page.keyboard.press("Enter")
        if tried != code:
            await expect(page.get_by_role("alert")).to_contain_text("open the link that `automio up` printed")
            await expect(page.get_by_label("Your name")).to_have_value("Ada")
    await expect(page.get_by_role("heading", name="No apps yet")).to_be_visible()
    for way in ("Blank", "From a file", "In your editor"):
        await expect(page.get_by_role("link", name=way)).to_be_visible()
    assert await fresh.findings_of_axe() == []
    await fresh.open(f"/set-up?code={code}")
    await expect(page.get_by_role("heading", name="This installation is set up already")).to_be_visible()


async def test_an_owner_invites_and_who_joins_sees_only_what_they_may(
    shared_platform: Platform, visit: Visit
) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    async with visit() as inviting, visit() as joining:
        page = await _signed_in(inviting, owner, "/settings/members")
        await page.get_by_role("button", name="Invite", exact=True).focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("E-mail (optional)")).to_be_focused()
        await page.keyboard.type("not an address")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("E-mail (optional)")).to_be_focused()
        await expect(page.get_by_text("Write an e-mail address")).to_be_visible()
        await page.get_by_label("E-mail (optional)").fill("grace@example.com")
        await page.get_by_label("E-mail (optional)").press("Enter")
        link = await page.get_by_role("region", name="Link of the invitation").text_content()
        assert link is not None
        await page.get_by_role("button", name="Done").click()
        pending = page.get_by_role("table", name="Pending invitations")
        await expect(pending.get_by_text("grace@example.com")).to_be_visible()

        guest = joining.page
        await joining.open(httpx.URL(link.strip()).path)
        title = owner.organization_slug.title()
        await expect(guest.get_by_role("heading", name=f"Join {title}")).to_be_visible()
        await expect(guest.get_by_label("E-mail")).to_have_value("grace@example.com")
        await expect(guest.get_by_label("E-mail")).not_to_be_editable()
        await expect(guest.get_by_label("Your name")).to_be_focused()
        await guest.keyboard.type("Grace")
        await guest.get_by_role("textbox", name="Password").fill("short")
        await guest.get_by_role("textbox", name="Password").press("Enter")
        await expect(guest.get_by_role("textbox", name="Password")).to_be_focused()
        await guest.get_by_role("textbox", name="Password").fill("long enough 1")
        await guest.get_by_role("textbox", name="Password").press("Enter")
        await expect(guest.get_by_role("heading", name=app.name)).to_be_visible()

        await guest.get_by_role("link", name="Settings").click()
        members = guest.get_by_role("table", name="Members")
        await expect(members.get_by_text(owner.email)).to_be_visible()
        await expect(guest.get_by_text("Owners invite people and change roles.")).to_be_visible()
        for name in ("Invite", "Remove"):
            await expect(guest.get_by_role("button", name=name)).to_have_count(0)
        await expect(guest.get_by_role("combobox")).to_have_count(0)

        await page.reload()
        await page.get_by_role("button", name="Remove Grace").click()
        await page.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(page.get_by_role("button", name="Remove Grace")).to_be_hidden()
        # Their page is open; whatever they do next tells them.
        await guest.get_by_role("link", name="Tokens").click()
        await expect(guest.get_by_role("heading", name="You are no member any more")).to_be_visible()
        await expect(guest.get_by_role("navigation", name="Main")).to_be_hidden()
        await expect(guest.get_by_text(owner.email)).to_be_hidden()


async def test_an_invitation_that_has_ended_says_how(shared_platform: Platform, visit: Visit) -> None:
    owner = await shared_platform.create_caller()
    used, revoked, expired = [await _invite(shared_platform, owner) for _ in range(3)]
    joining = await shared_platform.create_caller()
    async with shared_platform.client(joining) as client:
        await client.post(f"/api/invitations/{str(used['path']).rpartition('/')[2]}/accept/")
    async with shared_platform.client(owner) as client:
        await client.delete(f"/api/organizations/{owner.organization_slug}/invitations/{revoked['id']}/")
    async with shared_platform.database.transaction() as session:
        await session.execute(update(Invitation).where(Invitation.id == expired["id"]).values(expires_at=func.now()))
    async with visit() as visitor:
        for path, heading in (
            (used["path"], "This invitation has been used"),
            (revoked["path"], "This invitation was withdrawn"),
            (expired["path"], "This invitation has expired"),
            ("/invite/amt_invite_never", "There is no such invitation"),
        ):
            await visitor.open(str(path))
            await expect(visitor.page.get_by_role("heading", name=heading)).to_be_visible()
            await expect(visitor.page.get_by_role("link", name="Sign in")).to_be_visible()


async def test_somebody_with_an_account_joins_as_who_they_are(shared_platform: Platform, visit: Visit) -> None:
    owner, invited, other = [await shared_platform.create_caller() for _ in range(3)]
    named = await _invite(shared_platform, owner, email=invited.email)
    async with visit() as visitor:
        page = await _signed_in(visitor, other)
        await visitor.open(str(named["path"]))
        await expect(page.get_by_text(f"It is for {invited.email} only")).to_be_visible()
        await page.get_by_role("button", name="Use another account").click()
        await expect(page.get_by_label("E-mail")).to_have_value(invited.email)
        await page.get_by_label("Password", exact=True).fill(Platform.password)
        await page.get_by_label("Password", exact=True).press("Enter")
        await page.get_by_role("button", name=f"Join as {invited.email}").click()
        await expect(page).to_have_url(f"{visitor.base_url}/{owner.organization_slug}")
        await expect(page.get_by_role("heading", name="Apps", exact=True)).to_be_visible()
        again = await _invite(shared_platform, owner)
        await visitor.open(str(again["path"]))
        await page.get_by_role("button", name=f"Join as {invited.email}").click()
        await expect(page.get_by_role("alert")).to_contain_text("a member of this organization already")


async def test_roles_change_when_the_platform_says_so_and_the_last_owner_stays(
    shared_platform: Platform, visit: Visit
) -> None:
    owner = await shared_platform.create_caller()
    member = await shared_platform.create_colleague(owner, Role.MEMBER)
    async with visit() as visitor:
        page = await _signed_in(visitor, owner, "/settings/members")
        own = page.get_by_label(f"Role of {owner.email}")
        await own.select_option("member")
        await page.get_by_role("button", name="Become Member").click()
        await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("make another member an owner")
        await page.keyboard.press("Escape")
        await expect(own).to_have_value("owner")
        await page.get_by_role("button", name="Leave …").click()
        await page.get_by_role("button", name="Leave", exact=True).click()
        await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("without an owner")
        await page.keyboard.press("Escape")

        await page.get_by_label("Search members").fill("nobody-like-this")
        await expect(page.get_by_text("No member matches “nobody-like-this”")).to_be_visible()
        await page.get_by_role("button", name="Clear the search").click()
        await page.get_by_label(f"Role of {member.email}").select_option("owner")
        await expect(page.get_by_label(f"Role of {member.email}")).to_have_value("owner")
        await expect(page.get_by_label(f"Role of {member.email}")).to_be_enabled()
        await page.get_by_role("button", name="Leave …").click()
        await page.get_by_role("button", name="Leave", exact=True).click()
        await expect(page.get_by_role("heading", name="You are in no organization")).to_be_visible()
        await page.get_by_role("link", name="Your account").click()
        await expect(page.get_by_role("table", name="Where you are signed in")).to_be_visible()
    async with shared_platform.client(member) as client:
        listed = (await client.get(f"/api/organizations/{owner.organization_slug}/members/")).json()["results"]
    assert [(one["email"], one["role"]) for one in listed] == [(member.email, "owner")]


async def test_a_token_is_shown_once_works_and_is_revoked(shared_platform: Platform, visit: Visit) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    async with visit() as visitor:
        page = await _signed_in(visitor, owner, "/settings/tokens")
        await page.get_by_role("button", name="New token").first.click()
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Say what the token is for")).to_be_visible()
        await page.get_by_role("textbox", name="Name").fill("nightly <b>import</b>")
        await page.get_by_label("App").select_option(label=app.name)
        await page.get_by_role("button", name="Make the token").click()
        shown = await page.get_by_role("region", name="Settings for .env").text_content()
        assert shown is not None
        settings = dict(line.split("=", 1) for line in shown.strip().splitlines())
        assert settings["API_BASE_URL"] == visitor.base_url
        client_line = page.get_by_role("region", name="Install the automio client").get_by_text("pip install")
        requirements = f"{visitor.base_url}/client/requirements.txt"
        await expect(client_line).to_have_text(f"pip install -r {requirements}")
        async with httpx.AsyncClient() as anybody:
            assert (await anybody.get(requirements)).text.startswith("automio-platform[redis] @ ")
        assert (settings["ORG_SLUG"], settings["APP_ID"]) == (owner.organization_slug, str(app.id))
        async with httpx.AsyncClient(headers={"Authorization": f"App-Token {settings['APP_TOKEN']}"}) as client:
            url = f"{settings['API_BASE_URL']}/api/me/"
            assert (await client.get(url)).json()["scopes"] == ["build", "data", "run"]
            await page.get_by_role("button", name="Done").click()
            await expect(page.get_by_text(settings["APP_TOKEN"])).to_be_hidden()
            await page.get_by_role("button", name="Revoke nightly <b>import</b>").click()
            await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
            await expect(page.get_by_role("row", name="nightly <b>import</b>")).to_be_hidden()
            assert (await client.get(url)).status_code == 401
        await page.get_by_label("Also those that work no more").check()
        row = page.get_by_role("row", name="nightly <b>import</b>")
        await expect(row.get_by_text("Revoked")).to_be_visible()


async def test_tokens_of_ones_other_organizations_are_not_shown_here(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        other = (await client.post("/api/organizations/", json={"name": "Other"})).json()
        await client.post("/api/tokens/", json={"name": "of the other", "organization_id": other["id"]})
        await client.post("/api/tokens/", json={"name": "of this one"})
    async with visit() as visitor:
        page = await _signed_in(visitor, caller, "/settings/tokens")
        await expect(page.get_by_text("of this one")).to_be_visible()
        await expect(page.get_by_text("of the other")).to_be_hidden()


async def test_an_account_has_a_name_a_password_and_sign_ins(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    async with visit() as here, visit() as there:
        page = await _signed_in(here, caller)
        await _signed_in(there, caller)
        await page.get_by_role("button", name="Account of").click()
        await page.get_by_role("menuitem", name="Your account").click()
        await expect(page.get_by_role("heading", name="Your account")).to_be_focused()
        await page.get_by_label("Name", exact=True).fill("Ada Löve")
        await page.get_by_role("button", name="Save").click()
        await expect(page.get_by_text("Your name is saved.")).to_be_visible()
        table = page.get_by_role("table", name="Where you are signed in")
        await expect(table.get_by_text("This browser")).to_have_count(1)
        await expect(table.get_by_role("row")).to_have_count(3)

        await page.get_by_label("Current password").fill("a wrong one")
        await page.get_by_role("textbox", name="New password").fill(NEW_PASSWORD)
        await page.get_by_role("textbox", name="New password").press("Enter")
        await expect(page.get_by_label("Current password")).to_be_focused()
        await expect(page.get_by_role("textbox", name="New password")).to_have_value(NEW_PASSWORD)
        await page.get_by_label("Current password").fill(Platform.password)
        await page.get_by_label("Current password").press("Enter")
        await expect(page.get_by_text("your other sign-ins have ended")).to_be_visible()
        await expect(table.get_by_role("row")).to_have_count(2)
        await there.page.reload()
        await expect(there.page.get_by_role("dialog", name="Your sign-in has ended")).to_be_visible()
        await there.page.get_by_label("E-mail").fill(caller.email)
        await there.page.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
        await there.page.get_by_label("Password", exact=True).press("Enter")
        await expect(there.page.get_by_role("heading", name="Apps", exact=True)).to_be_visible()

        await page.reload()
        await table.get_by_role("button", name=re.compile("End the sign-in of")).click()
        await expect(table.get_by_role("row")).to_have_count(2)
        await there.page.reload()
        await expect(there.page.get_by_role("dialog", name="Your sign-in has ended")).to_be_visible()


async def test_a_forgotten_password_is_replaced_by_a_mailed_link(
    mailing: Platform,  # noqa: F811
    inbox: Inbox,  # noqa: F811
    browser: Browser,
) -> None:
    caller = await mailing.create_caller()
    async with serve_app(mailing.app) as url, visiting(browser, url) as visitor:
        page = visitor.page
        await visitor.open("/sign-in")
        await page.get_by_role("link", name="Forgot your password?").click()
        # Both pages have a field of that name.
        await expect(page.get_by_role("heading", name="Forgot your password?")).to_be_visible()
        await page.get_by_label("E-mail").fill(caller.email)
        await page.get_by_label("E-mail").press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("a mail with a link is on its way")
        [text] = await eventually(lambda: inbox.texts_to(caller.email))
        link = re.search(r"http://platform\.test(/reset-password\?token=\S+)", text)
        assert link is not None
        await visitor.open(link[1])
        await page.get_by_role("textbox", name="New password").fill("short")
        await page.get_by_role("textbox", name="New password").press("Enter")
        await expect(page.get_by_role("textbox", name="New password")).to_be_focused()
        await page.get_by_role("textbox", name="New password").fill(NEW_PASSWORD)
        await page.get_by_role("textbox", name="New password").press("Enter")
        await expect(page.get_by_role("heading", name="Your new password is set")).to_be_visible()
        await page.get_by_role("link", name="Sign in").click()
        await visitor.sign_in(caller.email, NEW_PASSWORD)
        await expect(page.get_by_role("heading", name="Apps", exact=True)).to_be_visible()
        await visitor.open(link[1])
        await page.get_by_role("textbox", name="New password").fill(NEW_PASSWORD)
        await page.get_by_role("textbox", name="New password").press("Enter")
        await expect(page.get_by_role("heading", name="This link does not work any more")).to_be_visible()


async def test_too_many_sign_ins_count_down_and_mail_is_offered_only_where_it_is_sent(
    shared_platform: Platform, visit: Visit
) -> None:
    caller = await shared_platform.create_caller()
    async with visit() as visitor:
        async with httpx.AsyncClient(base_url=visitor.base_url) as client:
            for _ in range(10):
                await client.post("/api/sessions/", json={"email": caller.email, "password": "wrong"})
        page = visitor.page
        await visitor.open("/sign-in")
        await expect(page.get_by_text("This installation sends no mail")).to_be_visible()
        await expect(page.get_by_role("link", name="Forgot your password?")).to_have_count(0)
        await page.get_by_label("E-mail").fill(caller.email)
        await page.get_by_label("Password", exact=True).fill(Platform.password)
        await page.get_by_label("Password", exact=True).press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("Too many attempts")
        timer = page.get_by_role("timer")
        await expect(timer).to_contain_text(re.compile(r"Try again in 14 min \d+ s"))
        before = await timer.text_content()
        await expect(timer).not_to_have_text(before or "")
        await expect(page.get_by_role("button", name="Sign in")).to_be_disabled()
        await page.get_by_label("E-mail").fill("somebody-else@example.com")
        await expect(page.get_by_role("button", name="Sign in")).to_be_enabled()


async def test_an_organization_is_made_in_the_switcher_and_renamed(shared_platform: Platform, visit: Visit) -> None:
    caller = await shared_platform.create_caller()
    async with visit() as visitor:
        page = await _signed_in(visitor, caller)
        await page.get_by_role("button", name="Switch organization").focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("menuitem", name="New organization").focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
        await page.keyboard.type("Räksmörgås AB")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name="Switch organization, now Räksmörgås AB")).to_be_visible()
        await expect(page.get_by_role("heading", name="No apps yet")).to_be_visible()
        await page.get_by_role("heading", name="Apps", exact=True).focus()
        await page.keyboard.press("g")
        await page.keyboard.press("s")
        await page.get_by_role("link", name="General").click()
        await page.get_by_label("Name", exact=True).fill("Smörgås AB")
        await page.get_by_label("Name", exact=True).press("Enter")
        await expect(page.get_by_role("button", name="Switch organization, now Smörgås AB")).to_be_visible()
        await expect(page.get_by_label("Slug")).not_to_be_editable()


async def test_settings_of_another_organization_answer_nothing(shared_platform: Platform, visit: Visit) -> None:
    caller, stranger = [await shared_platform.create_caller() for _ in range(2)]
    async with visit() as visitor:
        await _signed_in(visitor, caller)
        for path in ("/settings", "/settings/members", "/settings/tokens", "/settings/general"):
            await visitor.settle()
            await visitor.leave()
            visitor.answers.clear()
            await visitor.open(f"/{stranger.organization_slug}{path}")
            await expect(visitor.page.get_by_text("Not here, or not yours")).to_be_visible()
            await expect(visitor.page.get_by_text(stranger.email)).to_be_hidden()
            assert [url for status, url in visitor.answers if url.startswith("/api/") and status == 200] == []


async def test_axe_finds_nothing_on_the_screens_of_people(shared_platform: Platform, visit: Visit) -> None:
    owner = await shared_platform.create_caller()
    member = await shared_platform.create_colleague(owner, Role.MEMBER)
    named = await _invite(shared_platform, owner, email="new@example.com")
    findings = {}
    async with visit() as visitor:
        page = visitor.page
        for path, heading in (
            (str(named["path"]), re.compile("Join")),
            ("/invite/amt_invite_never", "There is no such invitation"),
        ):
            await visitor.open(path)
            await expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
            findings[path] = await visitor.findings_of_axe()
        await _signed_in(visitor, owner, "/settings/members")
        for path, heading, button in (
            ("/settings/members", "Members", "Invite"),
            ("/settings/members", "Members", f"Remove {member.email}"),
            ("/settings/members", "Members", "Revoke the invitation for new@example.com"),
            ("/settings/tokens", "Tokens", "New token"),
        ):
            await visitor.open(f"/{owner.organization_slug}{path}")
            await expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
            await visitor.settle()
            await page.get_by_role("button", name=button, exact=True).click()
            await expect(page.get_by_role("dialog")).to_be_visible()
            findings[f"{path}, {button}"] = await visitor.findings_of_axe()
    assert [f"{screen}: {line}" for screen, found in findings.items() for line in found] == []
