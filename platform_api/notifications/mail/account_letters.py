"""Sends what accounts ask for: invitations, links to set a new password, and that a password was changed.

A letter is written at the moment when it is sent, with a link whose secret is made then. It is not kept among the
user's mails, which their scripts may read.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import aiosmtplib
import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.invitations.accepting import find_pending
from platform_api.accounts.invitations.service import add_link
from platform_api.accounts.links.mail import TOPIC, AccountMail
from platform_api.accounts.links.secret import invitation_url, password_reset_url
from platform_api.accounts.models import User
from platform_api.accounts.resets.service import LIFETIME, issue_reset
from platform_api.accounts.service import find_user
from platform_api.core.database import Database
from platform_api.notifications.mail.bodies import html_from_text
from platform_api.notifications.mail.delivery import Letter, MailServer, is_permanent
from platform_api.outbox.service import ClaimedItem, enqueue

log = structlog.stdlib.get_logger()

MAX_ATTEMPTS = 12
"""Within about twenty minutes; then whoever waits has long asked again."""
_MAX_DELAY_SECONDS = 240


class AccountLetters:
    """Handles the outbox's mails about accounts."""

    def __init__(self, database: Database, server: MailServer, *, public_url: str) -> None:
        self._database = database
        self._server = server
        self._public_url = public_url

    async def handle(self, items: Sequence[ClaimedItem]) -> None:
        """Sends what is still to be sent. Each is on its own: one that fails waits, and is no reason to send others
        again."""
        for item in items:
            await self._handle(item)

    async def _handle(self, item: ClaimedItem) -> None:
        mail = cast(AccountMail, item.payload)
        async with self._database.transaction() as session:
            letter = await self._write(session, item.id, mail)
        # Committed before it is sent: a link that arrives must work.
        if letter is None:
            return
        try:
            await self._server.send(letter)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            attempt = mail.get("attempt", 0) + 1
            if is_permanent(error) or attempt >= MAX_ATTEMPTS:
                log.warning("account_mail.failed", kind=mail["kind"], attempts=attempt, error=type(error).__name__)
                return
            async with self._database.transaction() as session:
                delay = timedelta(seconds=min(2**attempt, _MAX_DELAY_SECONDS))
                await enqueue(session, TOPIC, payload={**mail, "attempt": attempt}, delay=delay)

    async def _write(self, session: AsyncSession, item_id: int, mail: AccountMail) -> Letter | None:
        """Returns the letter; None when there is nobody, or nothing any more, to write about."""
        match mail["kind"]:
            case "invitation":
                written = await self._invitation(session, mail["invitation_id"])
            case "password_reset":
                written = await self._password_reset(session, mail["email"])
            case "password_changed":
                written = self._password_changed(await session.get(User, mail["user_id"]))
        if written is None:
            return None
        recipient, subject, text = written
        now = await session.scalar(select(func.now()))
        assert now is not None
        key = f"account-{item_id}-{now.timestamp():.6f}"
        return Letter(key, recipient, subject, text, html_from_text(text), now)

    async def _invitation(self, session: AsyncSession, invitation_id: int) -> tuple[str, str, str] | None:
        pending = await find_pending(session, invitation_id)
        if pending is None or pending.invitation.email is None:
            return None
        url = invitation_url(self._public_url, await add_link(session, invitation_id))
        name, role = _one_line(pending.organization.name), pending.invitation.role
        text = (
            f"You are invited to join {name} on automio, as {role}.\n\n{url}\n\n"
            f"The link works once, until {pending.invitation.expires_at:%d %B %Y}. If you do not know {name},"
            " ignore this mail."
        )
        return pending.invitation.email, f"Invitation to {name}", text

    async def _password_reset(self, session: AsyncSession, email: str) -> tuple[str, str, str] | None:
        user = await find_user(session, email)
        if user is None or not user.is_active:
            return None
        url = password_reset_url(self._public_url, await issue_reset(session, user))
        text = (
            f"Somebody asked for a new password for this e-mail on automio. To set one, open\n\n{url}\n\n"
            f"The link works once, within {LIFETIME.total_seconds() / 60:.0f} minutes. If it was not you, ignore this"
            " mail; the password stays as it is."
        )
        return user.email, "Set a new password", text

    def _password_changed(self, user: User | None) -> tuple[str, str, str] | None:
        if user is None or not user.is_active:
            return None
        text = (
            f"The password of {user.email} on automio ({self._public_url}) was changed by a link that was mailed to"
            " this address. Every sign-in made before has ended.\n\nIf it was not you, set another password at once"
            " and tell an operator of the installation."
        )
        return user.email, "Your password was changed", text


def _one_line(name: str) -> str:
    """Returns a name that somebody chose as it may stand in a header."""
    return "".join(character if character.isprintable() else " " for character in name)
