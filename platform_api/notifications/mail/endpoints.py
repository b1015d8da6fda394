"""Serves mail over HTTP: the contract's notify-me (§12), and the mail that was written."""

from typing import Annotated

from fastapi import APIRouter, Path

from platform_api.accounts.dependencies import DataActorDep
from platform_api.core.database import SessionDep
from platform_api.core.errors import BadRequest
from platform_api.core.http.dependencies import SettingsDep
from platform_api.core.http.pagination import PageDep
from platform_api.notifications.mail import service
from platform_api.notifications.mail.bodies import complete_bodies
from platform_api.notifications.mail.schemas import MailDetail, MailPage, MailRead, NotifyMe, NotifyMeReply

mailer_router = APIRouter(prefix="/integrations/mailer", tags=["notifications"])
"""Before the integrations' own router, whose `{integration_id}` would take `mailer`."""
router = APIRouter(prefix="/notifications", tags=["notifications"])


@mailer_router.post("/notify-me/", summary="Send a mail to the token's user")
async def notify_me(
    actor: DataActorDep, session: SessionDep, settings: SettingsDep, body: NotifyMe | None = None
) -> NotifyMeReply:
    if body is None:
        raise BadRequest("a mail needs a subject, and a text or html body", field="subject")
    text, html = await complete_bodies(text=body.text, html=body.html)
    is_sent = settings.smtp_url is not None
    mail = await service.write_mail(session, actor, subject=body.subject, text=text, html=html, is_sent=is_sent)
    if is_sent:
        message = f"the mail is on its way to {mail.recipient}"
    else:
        message = (
            "no mail server is configured (SMTP_URL), so the mail was stored, not sent;"
            f" read it at {settings.public_url}/api/notifications/mail/{mail.id}/"
        )
    return NotifyMeReply(id=mail.id, state=mail.state, recipient=mail.recipient, message=message)


@router.get("/mail/", summary="List the mail to the caller's user, newest first")
async def list_mail(actor: DataActorDep, session: SessionDep, page: PageDep) -> MailPage:
    count, mails = await service.list_mail(session, actor, page=page.page, per_page=page.per_page)
    return MailPage(
        count=count,
        next=page.next_url(count),
        previous=page.previous_url(),
        results=[MailRead.model_validate(mail) for mail in mails],
    )


@router.get("/mail/{mail_id}/", summary="Return a mail")
async def get_mail(
    actor: DataActorDep, session: SessionDep, mail_id: Annotated[int, Path(ge=1, le=2**63 - 1)]
) -> MailDetail:
    return MailDetail.model_validate(await service.get_mail(session, actor, mail_id))
