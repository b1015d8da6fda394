"""notify-me (contract §12): delivered by a real SMTP server on loopback, or stored and shown."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from platform_api.accounts.models import Role, Scope
from platform_api.core.settings import InvalidSettings
from platform_api.notifications.mail.bodies import html_from_text, text_from_html
from platform_api.notifications.mail.delivery import MAX_ATTEMPTS, MailServer
from platform_api.outbox.worker import OutboxWorker
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.smtp import Inbox, smtp_server
from tests.waiting import eventually

pytestmark = pytest.mark.anyio

NOTIFY = "/api/integrations/mailer/notify-me/"


@pytest.fixture
async def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def mailing(platform_database_url: str, inbox: Inbox) -> AsyncIterator[Platform]:
    async with smtp_server(inbox) as port:
        settings = make_settings(platform_database_url, smtp_url=f"smtp://127.0.0.1:{port}?from=platform@example.com")
        async with running_platform(settings) as platform:
            yield platform


async def _notify(platform: Platform, caller: Caller, **body: Any) -> httpx.Response:
    async with platform.client(caller) as client:
        return await client.post(NOTIFY, json=body)


async def _mails(platform: Platform, caller: Caller) -> list[dict[str, Any]]:
    async with platform.client(caller) as client:
        mails: list[dict[str, Any]] = (await client.get("/api/notifications/mail/")).json()["results"]
        return mails


async def test_a_mail_reaches_the_tokens_user_with_both_bodies(mailing: Platform, inbox: Inbox) -> None:
    caller = await mailing.create_caller()
    reply = await _notify(mailing, caller, subject="Zażółć 📦", text="Hello,\n\n<b>3 & 4</b>\nbye")
    assert reply.status_code == 200
    assert (reply.json()["success"], reply.json()["state"]) == (True, "pending")
    assert caller.email in reply.json()["message"]
    await asyncio.wait_for(inbox.arrived.wait(), 240)
    [(envelope, message)] = inbox.received
    assert (envelope.mail_from, envelope.rcpt_tos) == ("platform@example.com", [caller.email])
    assert (message["To"], message["From"]) == (caller.email, "platform@example.com")
    assert (message["Subject"], message["Auto-Submitted"]) == ("Zażółć 📦", "auto-generated")
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None and html is not None
    assert plain.get_content().replace("\r\n", "\n") == "Hello,\n\n<b>3 & 4</b>\nbye\n"
    assert html.get_content().strip() == "<p>Hello,</p><p>&lt;b&gt;3 &amp; 4&lt;/b&gt;<br>bye</p>"

    async def is_sent() -> bool:
        return [mail["state"] for mail in await _mails(mailing, caller)] == ["sent"]

    await eventually(is_sent)


async def test_a_mail_that_the_server_takes_later_is_sent_once(mailing: Platform, inbox: Inbox) -> None:
    inbox.refusals = ["451 try again"]
    caller = await mailing.create_caller()
    assert (await _notify(mailing, caller, subject="s", text="t")).status_code == 200
    await asyncio.wait_for(inbox.arrived.wait(), 240)

    async def is_sent() -> bool:
        return [mail["state"] for mail in await _mails(mailing, caller)] == ["sent"]

    await eventually(is_sent)
    assert len(inbox.received) == 1
    assert (await _mails(mailing, caller))[0]["attempts"] == 2


async def test_a_mail_that_the_server_refuses_for_good_is_not_tried_again(mailing: Platform, inbox: Inbox) -> None:
    inbox.refusals = ["550 no such user"]
    caller = await mailing.create_caller()
    await _notify(mailing, caller, subject="s", text="t")

    async def has_failed() -> bool:
        return [mail["state"] for mail in await _mails(mailing, caller)] == ["failed"]

    await eventually(has_failed)
    [mail] = await _mails(mailing, caller)
    assert (mail["attempts"], "no such user" in mail["last_error"]) == (1, True)
    assert await mailing.app.services[OutboxWorker].drain() is None
    assert inbox.received == []


async def test_a_mail_survives_an_absent_server_and_a_new_process(platform_database_url: str, inbox: Inbox) -> None:
    async with smtp_server(Inbox()) as port:
        pass
    settings = make_settings(platform_database_url, smtp_url=f"smtp://127.0.0.1:{port}")
    async with running_platform(settings) as first:
        caller = await first.create_caller()
        await _notify(first, caller, subject="kept", text="t")

        async def was_tried() -> bool:
            return (await _mails(first, caller))[0]["attempts"] >= 1

        await eventually(was_tried)
    async with smtp_server(inbox, port=port), running_platform(settings) as second:
        await asyncio.wait_for(inbox.arrived.wait(), 240)

        async def is_sent() -> bool:
            return (await _mails(second, caller))[0]["state"] == "sent"

        await eventually(is_sent)
    assert inbox.received[0][1]["From"] == "automio@platform.test"


async def test_without_a_mail_server_the_mail_is_stored_and_the_reply_says_so(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    reply = await _notify(
        shared_platform, caller, subject="Stored", html="<h1>Hi</h1><p>a&nbsp;<b>b</b></p>", text=""
    )
    assert (reply.status_code, reply.json()["state"]) == (200, "stored")
    assert "stored, not sent" in reply.json()["message"]
    [mail] = await _mails(shared_platform, caller)
    assert (mail["subject"], mail["text"].split()) == ("Stored", ["Hi", "a", "b"])
    async with shared_platform.client(caller) as client:
        detail = (await client.get(f"/api/notifications/mail/{mail['id']}/")).json()
        unprefixed = await client.post(NOTIFY.removeprefix("/api"), json={"subject": "s", "text": "t", "html": None})
    assert detail["html"] == "<h1>Hi</h1><p>a&nbsp;<b>b</b></p>"
    assert unprefixed.status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (None, 400),
        ({"subject": "s"}, 400),
        ({"subject": "s", "text": " ", "html": None}, 400),
        ({"text": "t"}, 422),
        ({"subject": "", "text": "t"}, 422),
        ({"subject": "a\r\nBcc: victim@example.com", "text": "t"}, 422),
        ({"subject": "a\nb", "text": "t"}, 422),
        ({"subject": "a\u2028b", "text": "t"}, 422),
        ({"subject": "a\x00b", "text": "t"}, 422),
        ({"subject": "s" * 501, "text": "t"}, 422),
        ({"subject": "s", "text": "t" * 300_000}, 422),
        ({"subject": "s", "text": 5}, 422),
    ],
)
async def test_what_is_no_mail_is_refused(shared_platform: Platform, body: Any, status: int) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        reply = await (client.post(NOTIFY) if body is None else client.post(NOTIFY, json=body))
    assert reply.status_code == status, reply.text
    assert await _mails(shared_platform, caller) == []


async def test_mail_is_read_by_its_recipient_only(shared_platform: Platform) -> None:
    caller, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    colleague = await shared_platform.create_colleague(caller, Role.OWNER)
    builder = await shared_platform.create_colleague(caller, Role.MEMBER, scopes=[Scope.BUILD])
    mail_id = (await _notify(shared_platform, caller, subject="secret", text="t")).json()["id"]
    for other in (stranger, colleague):
        assert await _mails(shared_platform, other) == []
        async with shared_platform.client(other) as client:
            assert (await client.get(f"/api/notifications/mail/{mail_id}/")).status_code == 404
    assert (await _notify(shared_platform, builder, subject="s", text="t")).status_code == 403


def test_a_mail_server_is_read_from_its_url() -> None:
    server = MailServer.from_url(
        "smtps://me%40example.com:p%3Aw@mail.example.com", public_url="https://p.example.com"
    )
    assert (server.host, server.port, server.begins_with_tls) == ("mail.example.com", 465, True)
    assert (server.username, server.password, server.sender) == ("me@example.com", "p:w", "me@example.com")
    plain = MailServer.from_url("smtp://user@host:2525", public_url="https://p.example.com:8080")
    assert (plain.port, plain.sender) == (2525, "automio@p.example.com")
    with pytest.raises(InvalidSettings, match="SMTP_URL"):
        MailServer.from_url("http://host", public_url="https://p.example.com")
    assert MAX_ATTEMPTS > 5


def test_bodies_are_made_from_each_other() -> None:
    assert html_from_text("<script>\r\n&\n\nb") == "<p>&lt;script&gt;<br>&amp;</p><p>b</p>"
    page = "<style>x{}</style><ul><li>one<li>two</ul><script>alert(1)</script>"
    assert [line.strip() for line in text_from_html(page).splitlines() if line.strip()] == ["* one", "* two"]
    assert text_from_html("<div>" * 50_000 + "deep") in ("", "deep")
