"""Asks for mail that carries a link. Whoever sends it makes the secret at that moment: none waits in the outbox."""

from typing import Any, Literal, TypedDict

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.types import UserId
from platform_api.outbox.service import enqueue

TOPIC = "account_mail"
"""Topic of the outbox items that ask for such a mail; handled where the installation sends mail."""


class AccountMail(TypedDict, total=False):
    """Describes the payload of an outbox item: what is to be written, and about what."""

    kind: Literal["invitation", "password_reset", "password_changed"]
    invitation_id: int
    email: str
    user_id: int
    attempt: int
    """How often the mail server has not taken it so far."""


async def mail_invitation(session: AsyncSession, invitation_id: int) -> None:
    """Asks for a mail to the address of an invitation, with a link to accept it."""
    await _enqueue(session, {"kind": "invitation", "invitation_id": invitation_id})


async def mail_password_reset(session: AsyncSession, email: str) -> None:
    """Asks for a mail with a link to set a new password, if somebody has this address.

    It is looked up when the mail is written, so that the request does the same and takes as long for every address.
    """
    await _enqueue(session, {"kind": "password_reset", "email": email}, key=f"password_reset/{email}")


async def mail_password_changed(session: AsyncSession, user_id: UserId) -> None:
    """Asks for a mail that tells a user that their password was changed."""
    await _enqueue(session, {"kind": "password_changed", "user_id": user_id})


async def _enqueue(session: AsyncSession, mail: AccountMail, *, key: str | None = None) -> None:
    payload: dict[str, Any] = {**mail}
    await enqueue(session, TOPIC, payload=payload, key=key)
