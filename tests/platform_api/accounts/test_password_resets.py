"""Forgotten passwords: a link by mail that works once, tells strangers nothing, and ends what was before."""

import asyncio
import logging
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text, update

from platform_api.accounts.links.mail import TOPIC
from platform_api.accounts.models import User
from platform_api.accounts.resets import endpoints
from platform_api.accounts.resets.models import PasswordReset
from platform_api.accounts.resets.service import LIFETIME
from platform_api.accounts.tokens import digest_of
from platform_api.outbox.models import OutboxItem
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.smtp import Inbox
from tests.waiting import eventually

pytestmark = pytest.mark.anyio

NEW = "an entirely new one"
_LINK = re.compile(r"http://platform\.test/reset-password\?token=(\S+)")


@pytest.fixture(autouse=True)
def _one_place_for_all_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tests of the module come from one address: how often that may ask is a test of its own."""
    monkeypatch.setattr(endpoints, "MAX_FROM_ONE_PLACE", 10_000)
    monkeypatch.setattr(endpoints, "MAX_CONFIRMS", 10_000)


async def _ask(platform: Platform, email: str) -> httpx.Response:
    async with platform.client() as client:
        return await client.post("/api/password-resets/", json={"email": email})


async def _confirm(platform: Platform, token: str, password: str = NEW) -> httpx.Response:
    async with platform.client() as client:
        return await client.post("/api/password-resets/confirm/", json={"token": token, "password": password})


async def _token(platform: Platform, inbox: Inbox, email: str) -> str:
    """The secret of the newest link that was mailed after it was asked for."""
    before = len(inbox.texts_to(email))
    reply = await _ask(platform, email)
    assert (reply.status_code, reply.content) == (204, b"")
    texts = await eventually(lambda: inbox.texts_to(email)[before:])
    match = _LINK.search(texts[-1])
    assert match is not None
    return match[1]


async def _signs_in(platform: Platform, caller: Caller, password: str) -> bool:
    async with platform.client() as client:
        reply = await client.post("/api/sessions/", json={"email": caller.email, "password": password})
    return reply.status_code == 200


async def test_a_link_sets_a_new_password_once_and_ends_what_was_before(mailing: Platform, inbox: Inbox) -> None:
    caller = await mailing.create_caller()
    first, second = [await _token(mailing, inbox, caller.email.upper().lower()) for _ in range(2)]
    async with mailing.client() as browser:
        await browser.post("/api/sessions/", json={"email": caller.email, "password": Platform.password})
        assert (await browser.get("/api/me/")).status_code == 200
        assert (await _confirm(mailing, second)).status_code == 204
        assert (await browser.get("/api/me/")).status_code == 401
    assert (await _signs_in(mailing, caller, Platform.password), await _signs_in(mailing, caller, NEW)) == (
        False,
        True,
    )
    for token in (second, first):
        reply = await _confirm(mailing, token)
        assert (reply.status_code, reply.json()["code"]) == (400, "reset_link_invalid")
    told = await eventually(lambda: inbox.texts_to(caller.email)[2:])
    assert "was changed" in told[0] and "token" not in told[0]


async def test_of_two_confirmations_at_once_one_sets_the_password(mailing: Platform, inbox: Inbox) -> None:
    caller = await mailing.create_caller()
    token = await _token(mailing, inbox, caller.email)
    replies = await asyncio.gather(_confirm(mailing, token, NEW + "1"), _confirm(mailing, token, NEW + "2"))
    assert sorted(reply.status_code for reply in replies) == [204, 400]
    winner = 1 + [reply.status_code for reply in replies].index(204)
    assert await _signs_in(mailing, caller, f"{NEW}{winner}")


async def test_a_link_ends_after_half_an_hour_of_the_databases_clock(mailing: Platform, inbox: Inbox) -> None:
    caller = await mailing.create_caller()
    token = await _token(mailing, inbox, caller.email)

    async def set_end(end: Any) -> None:
        async with mailing.database.transaction() as session:
            await session.execute(update(PasswordReset).values(expires_at=end))

    async with mailing.database.transaction() as session:
        mine = select(PasswordReset.expires_at - PasswordReset.created_at)
        assert await session.scalar(mine.where(PasswordReset.digest == digest_of(token))) == LIFETIME
    await set_end(func.now())
    assert (await _confirm(mailing, token)).status_code == 400
    await set_end(func.now() + timedelta(minutes=1))
    assert (await _confirm(mailing, token)).status_code == 204


@pytest.mark.parametrize("token", ["x", "amt_reset_" + "x" * 43, "\x00", "ä"])
async def test_an_unknown_link_is_refused(mailing: Platform, token: str) -> None:
    reply = await _confirm(mailing, token)
    assert (reply.status_code, reply.json()["code"]) == (400, "reset_link_invalid")
    assert (await _confirm(mailing, token, "short")).status_code == 422


async def test_every_address_is_answered_alike_and_only_who_is_there_gets_mail(
    mailing: Platform, inbox: Inbox
) -> None:
    """The request looks nobody up, so it cannot take longer for anybody; that is done when the mail is written."""
    off = await mailing.create_caller()
    async with mailing.database.transaction() as session:
        await session.execute(update(User).where(User.id == off.user_id).values(is_active=False))
    known = await mailing.create_caller()
    replies = [await _ask(mailing, email) for email in ("nobody@example.com", off.email, known.email)]
    assert {(reply.status_code, reply.content) for reply in replies} == {(204, b"")}
    await eventually(lambda: inbox.texts_to(known.email))

    async def is_done() -> bool:
        async with mailing.database.transaction() as session:
            return not await session.scalar(select(func.count()).where(OutboxItem.topic == TOPIC))

    await eventually(is_done)
    assert inbox.texts_to("nobody@example.com") == inbox.texts_to(off.email) == []
    malformed = await _ask(mailing, "no address")
    assert malformed.status_code == 422


async def test_mails_to_one_address_are_limited_whether_it_exists_or_not(mailing: Platform) -> None:
    caller = await mailing.create_caller()
    outcomes = {}
    for email in (caller.email, "somebody@example.com"):
        replies = [await _ask(mailing, email) for _ in range(4)]
        outcomes[email] = [reply.status_code for reply in replies]
        assert 0 < int(replies[-1].headers["retry-after"]) <= 900
    assert list(outcomes.values()) == [[204, 204, 204, 429]] * 2


async def test_asking_and_confirming_are_limited_per_place(
    mailing: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MAX_FROM_ONE_PLACE", 2)
    monkeypatch.setattr(endpoints, "MAX_CONFIRMS", 2)
    transport = httpx.ASGITransport(app=mailing.app, client=("10.9.8.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://platform.test") as client:
        asked = [
            (await client.post("/api/password-resets/", json={"email": f"{number}@example.com"})).status_code
            for number in range(3)
        ]
        body = {"token": "x", "password": NEW}
        confirmed = [(await client.post("/api/password-resets/confirm/", json=body)).status_code for _ in range(3)]
    assert (asked, confirmed) == ([204, 204, 429], [400, 400, 429])


async def test_neither_link_nor_secret_is_kept_or_logged(
    mailing: Platform, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caller = await mailing.create_caller()
    token = await _token(mailing, inbox, caller.email)
    async with mailing.client(caller) as client:
        mails = await client.get("/api/notifications/mail/")
    assert mails.json()["count"] == 0, "a script of the user's can read those"
    async with mailing.database.transaction() as session:
        for table in ("outbox", "mails", "password_resets"):
            rows = await session.scalars(text(f"select row_to_json(t)::text from platform.{table} t"))
            assert not any(token in row for row in rows)
    await _confirm(mailing, token)
    ours = [record for record in caplog.records if record.name.startswith("platform_api")]
    assert ours != []
    assert not any(token in str(record.__dict__) for record in ours)


async def test_a_mail_that_the_server_takes_later_arrives(mailing: Platform, inbox: Inbox) -> None:
    caller = await mailing.create_caller()
    inbox.refusals = ["451 try again"]
    token = await _token(mailing, inbox, caller.email)
    assert inbox.refusals == []
    assert (await _confirm(mailing, token)).status_code == 204


async def test_without_a_mail_server_the_answer_names_the_setting_and_the_way_out(shared_platform: Platform) -> None:
    reply = await _ask(shared_platform, "a@example.com")
    assert (reply.status_code, reply.json()["code"]) == (503, "mail_not_configured")
    assert "SMTP_URL" in reply.json()["detail"] and "automio user set-password" in reply.json()["detail"]
