"""Delivers mail to the mail server, after the commit and again until it is accepted or refused for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
import structlog
from sqlalchemy import func, select

from platform_api.core.database import Database
from platform_api.core.settings import InvalidSettings
from platform_api.notifications.mail.models import Mail, MailState
from platform_api.outbox.service import ClaimedItem

log = structlog.stdlib.get_logger()

MAX_ATTEMPTS = 20
_TIMEOUT_SECONDS = 20.0


class DeliveryFailed(Exception):
    """Reports that the mail server did not accept a mail; it will be retried."""


@dataclass(frozen=True, slots=True)
class Letter:
    """Holds what a mail server is given. `key` is the same in every attempt, so that two of them are seen as one."""

    key: str
    recipient: str
    subject: str
    text: str
    html: str
    created_at: datetime

    @classmethod
    def of(cls, mail: Mail) -> Self:
        key = f"mail-{mail.id}-{mail.created_at.timestamp():.6f}"
        return cls(key, mail.recipient, mail.subject, mail.text, mail.html, mail.created_at)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Sends mail to a mail server. `smtp` upgrades to TLS when the server offers it, `smtps` begins with it."""

    host: str
    port: int
    username: str | None
    password: str | None
    begins_with_tls: bool
    sender: str

    @classmethod
    def from_url(cls, url: str, *, public_url: str) -> Self:
        """Reads `smtp://user:password@host:port?from=address`.

        The sender is `from`, or the user when that is an address, or `automio@` and the platform's own host.
        """
        parts = urlsplit(url)
        begins_with_tls = parts.scheme == "smtps"
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise InvalidSettings("SMTP_URL: must be smtp://user:password@host:port or smtps://…")
        username = unquote(parts.username) if parts.username else None
        sender = parse_qs(parts.query).get("from", [username if username and "@" in username else None])[0]
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if begins_with_tls else 587),
            username=username,
            password=unquote(parts.password) if parts.password else None,
            begins_with_tls=begins_with_tls,
            sender=sender or f"automio@{urlsplit(public_url).hostname}",
        )

    async def send(self, letter: Letter) -> None:
        """Hands a mail to the server; raises an `aiosmtplib.SMTPException` or OSError."""
        await aiosmtplib.send(
            self._message(letter),
            sender=self.sender,
            recipients=[letter.recipient],
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.begins_with_tls,
            timeout=_TIMEOUT_SECONDS,
        )

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = self.sender
        message["To"] = letter.recipient
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(letter.created_at)
        message["Message-ID"] = f"<{letter.key}@{self.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        message.add_alternative(letter.html, subtype="html")
        return message


class MailDelivery:
    """Handles the outbox's mail."""

    def __init__(self, database: Database, server: MailServer) -> None:
        self._database = database
        self._server = server

    async def handle(self, items: Sequence[ClaimedItem]) -> None:
        """Delivers what is still pending; raises DeliveryFailed when some of it must be retried."""
        reasons = [reason for item in items if (reason := await self._deliver(item.payload["mail_id"])) is not None]
        if reasons:
            raise DeliveryFailed(reasons[0])

    async def _deliver(self, mail_id: int) -> str | None:
        """Returns the reason why the mail must be retried; None when it need not."""
        async with self._database.transaction() as session:
            pending = select(Mail).where(Mail.id == mail_id, Mail.state == MailState.PENDING).with_for_update()
            mail: Mail | None = await session.scalar(pending)
            if mail is None:
                return None
            mail.attempts += 1
            try:
                await self._server.send(Letter.of(mail))
            except (aiosmtplib.SMTPException, OSError, ValueError) as error:
                return _record_failure(mail, error)
            mail.state, mail.last_error = MailState.SENT, None
            mail.sent_at = await session.scalar(select(func.now()))
            return None


def _record_failure(mail: Mail, error: Exception) -> str | None:
    mail.last_error = f"{type(error).__name__}: {error}"[:2000]
    if is_permanent(error) or mail.attempts >= MAX_ATTEMPTS:
        mail.state = MailState.FAILED
        log.warning("mail.failed", mail_id=mail.id, attempts=mail.attempts, error=mail.last_error)
        return None
    return mail.last_error


def is_permanent(error: Exception) -> bool:
    """Returns true if a retry is pointless: the server refuses this mail, not us or only for now."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(500 <= refused.code < 600 for refused in error.recipients)
    if isinstance(error, aiosmtplib.SMTPRecipientRefused | aiosmtplib.SMTPDataError):
        return 500 <= error.code < 600
    # A header or address that cannot be written.
    return isinstance(error, ValueError) and not isinstance(error, aiosmtplib.SMTPException)
