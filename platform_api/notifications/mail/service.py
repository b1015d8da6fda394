"""Writes and reads the mail of users."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import User
from platform_api.accounts.tenancy import visible_to
from platform_api.core.errors import NotFound
from platform_api.core.paging import paginate
from platform_api.core.types import OrganizationId, RunId, UserId
from platform_api.notifications.mail.models import Mail, MailState
from platform_api.outbox.service import enqueue

TOPIC = "mail"
"""Topic of the outbox items that name a mail to be delivered."""


async def write_mail(
    session: AsyncSession, actor: Actor, *, subject: str, text: str, html: str, is_sent: bool
) -> Mail:
    """Writes a mail to the caller's user. `is_sent`: a mail server gets it after the commit."""
    return await write_mail_to(
        session,
        organization_id=actor.organization_id,
        user_id=actor.user_id,
        run_id=actor.run_id,
        subject=subject,
        text=text,
        html=html,
        is_sent=is_sent,
    )


async def write_mail_to(
    session: AsyncSession,
    *,
    organization_id: OrganizationId,
    user_id: UserId,
    run_id: RunId | None = None,
    subject: str,
    text: str,
    html: str,
    is_sent: bool,
) -> Mail:
    """Writes a mail of the platform's own to a member of an organization; otherwise like `write_mail`."""
    user = await session.get_one(User, user_id)
    mail = Mail(
        organization_id=organization_id,
        user_id=user.id,
        run_id=run_id,
        recipient=user.email,
        subject=subject,
        text=text,
        html=html,
        state=MailState.PENDING if is_sent else MailState.STORED,
    )
    session.add(mail)
    await session.flush()
    if is_sent:
        await enqueue(session, TOPIC, payload={"mail_id": mail.id}, key=str(mail.id))
    return mail


async def list_mail(session: AsyncSession, actor: Actor, *, page: int, per_page: int) -> tuple[int, Sequence[Mail]]:
    """Returns how many mails the caller's user got in this organization, and one page of them, newest first."""
    mine = select(Mail).where(_is_mine(actor))
    return await paginate(session, mine, Mail.id.desc(), page=page, per_page=per_page)


async def get_mail(session: AsyncSession, actor: Actor, mail_id: int) -> Mail:
    """Returns one of the caller's mails; raises NotFound."""
    mail: Mail | None = await session.scalar(select(Mail).where(Mail.id == mail_id, _is_mine(actor)))
    if mail is None:
        raise NotFound(f"there is no mail {mail_id}")
    return mail


def _is_mine(actor: Actor) -> ColumnElement[bool]:
    return visible_to(actor, Mail.organization_id) & (Mail.user_id == actor.user_id)
