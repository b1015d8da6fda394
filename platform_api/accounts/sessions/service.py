"""Lists and ends a user's own sign-ins. Nobody else's: every statement names the user."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.models import SignIn
from platform_api.accounts.tokens import digest_of
from platform_api.core.errors import NotFound
from platform_api.core.types import UserId


@dataclass(frozen=True, slots=True)
class OwnSignIn:
    """Holds a sign-in, and whether it is that of the request itself."""

    sign_in: SignIn
    is_current: bool


async def list_sign_ins(session: AsyncSession, user_id: UserId, *, cookie: str | None) -> list[OwnSignIn]:
    """Returns the user's sign-ins that have not ended, newest first; `cookie` is that of the request."""
    current = None if cookie is None else digest_of(cookie)
    statement = (
        select(SignIn)
        .where(SignIn.user_id == user_id, SignIn.expires_at > func.now())
        .order_by(SignIn.created_at.desc(), SignIn.id)
    )
    return [OwnSignIn(row, row.digest == current) for row in await session.scalars(statement)]


async def end_sign_in(session: AsyncSession, user_id: UserId, sign_in_id: UUID) -> None:
    """Ends one sign-in of the user. Raises NotFound."""
    statement = delete(SignIn).where(SignIn.user_id == user_id, SignIn.id == sign_in_id).returning(SignIn.id)
    if await session.scalar(statement) is None:
        raise NotFound(f"you have no sign-in {sign_in_id}")


async def end_other_sign_ins(session: AsyncSession, user_id: UserId, *, cookie: str | None) -> None:
    """Ends every sign-in of the user except that of `cookie`; without one, all of them."""
    statement = delete(SignIn).where(SignIn.user_id == user_id)
    if cookie is not None:
        statement = statement.where(SignIn.digest != digest_of(cookie))
    await session.execute(statement.execution_options(synchronize_session=False))
