"""Finds sign-ins by what their links hold, and lets only the browser that opened one first finish it."""

import hmac

from sqlalchemy import delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.tokens import digest_of
from platform_api.core.errors import BadRequest, Forbidden, NotFound
from platform_api.core.types import UserId
from platform_api.integrations.models import OAuthSignIn


async def open_sign_in(
    session: AsyncSession, ticket: str, *, browser_secret: str | None, signed_in: UserId | None
) -> OAuthSignIn:
    """Returns the sign-in of a connect page, locked. Raises NotFound, Forbidden.

    `browser_secret` is the cookie of the browser that asks, and `signed_in` who is signed in there.
    """
    # tenancy: the ticket is the credential here, and the row says whose sign-in it is
    statement = select(OAuthSignIn).where(
        OAuthSignIn.ticket_digest == digest_of(ticket), OAuthSignIn.expires_at > func.now()
    )
    sign_in: OAuthSignIn | None = await session.scalar(
        statement.with_for_update().execution_options(populate_existing=True)
    )
    if sign_in is None:
        raise NotFound("this link was used already or has expired; start the connection again")
    if signed_in is not None and signed_in != sign_in.user_id:
        raise Forbidden("this link belongs to another user than the one who is signed in here")
    if sign_in.browser_digest is not None and not _is_browser_of(sign_in, browser_secret):
        raise Forbidden(
            "this link was opened in another browser first and belongs to that one; go on there, or start the"
            " connection again in this one"
        )
    return sign_in


async def use_sign_in(
    session: AsyncSession, state: str, *, browser_secret: str | None, signed_in: UserId | None
) -> OAuthSignIn:
    """Takes the sign-in that a provider's callback belongs to; it is gone then. Raises BadRequest, Forbidden.

    A callback in the wrong browser uses nothing up: the right one can still finish.
    """
    # tenancy: the state is the credential here, and the row says whose sign-in it is
    found = (OAuthSignIn.state_digest == digest_of(state)) & (OAuthSignIn.expires_at > func.now())
    right = found & (OAuthSignIn.browser_digest == digest_of(browser_secret or ""))
    rightful = right if signed_in is None else right & (OAuthSignIn.user_id == signed_in)
    sign_in: OAuthSignIn | None = await session.scalar(delete(OAuthSignIn).where(rightful).returning(OAuthSignIn))
    if sign_in is not None:
        return sign_in
    is_found, is_right = (await session.execute(select(exists().where(found), exists().where(right)))).one()
    if is_right:
        raise Forbidden(
            "this sign-in was started by another user than the one who is signed in here; sign out here, and load"
            " this page again"
        )
    if is_found:
        raise Forbidden(
            "this sign-in was started in another browser; go on there, or start the connection again in this one"
        )
    raise BadRequest("this sign-in was finished already or took too long; start the connection again")


def _is_browser_of(sign_in: OAuthSignIn, browser_secret: str | None) -> bool:
    return browser_secret is not None and hmac.compare_digest(
        digest_of(browser_secret), sign_in.browser_digest or b""
    )
