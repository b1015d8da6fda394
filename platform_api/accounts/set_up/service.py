"""Sets up an installation without users: once, by whoever has a code that one of its starts printed."""

import hmac
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import delete, exists, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.models import Organization, User
from platform_api.accounts.service import create_organization, store_user
from platform_api.accounts.set_up.models import SetUpCode
from platform_api.accounts.tokens import digest_of
from platform_api.core.errors import Conflict, Forbidden

MAX_CODES = 8
"""Each start makes one; several control planes may start on one database."""


class AlreadySetUp(Conflict):
    """Reports that the installation has a user, so that nobody can set it up any more."""

    code: ClassVar[str] = "already_set_up"


class WrongSetUpCode(Forbidden):
    """Reports that the code is none of those that this installation printed."""

    code: ClassVar[str] = "wrong_set_up_code"


@dataclass(frozen=True, slots=True)
class FirstUser:
    """Holds what setting up an installation creates."""

    user: User
    organization: Organization


async def lock_first_start(session: AsyncSession) -> None:
    """Makes every other first start and set-up wait until the transaction of `session` ends."""
    await session.execute(text("select pg_advisory_xact_lock(hashtext('automio.bootstrap'))"))


async def is_set_up_needed(session: AsyncSession) -> bool:
    """Returns whether the installation has no user yet."""
    return not await session.scalar(select(exists(select(User.id))))


async def offer_code(session: AsyncSession, code: str) -> None:
    """Makes `code` valid as long as the installation has no user; without effect when it has one."""
    await lock_first_start(session)
    if not await is_set_up_needed(session):
        await _end_codes(session)
        return
    await session.execute(insert(SetUpCode).values(digest=digest_of(code)).on_conflict_do_nothing())
    newest = select(SetUpCode.digest).order_by(SetUpCode.created_at.desc(), SetUpCode.digest).limit(MAX_CODES)
    await session.execute(
        delete(SetUpCode).where(SetUpCode.digest.not_in(newest)).execution_options(synchronize_session=False)
    )


async def check_code(session: AsyncSession, code: str) -> None:
    """Raises AlreadySetUp, and WrongSetUpCode unless `code` is valid."""
    if not await is_set_up_needed(session):
        raise AlreadySetUp("this installation is set up already; sign in, or ask an owner for an invitation")
    digest = digest_of(code)
    known = [hmac.compare_digest(digest, stored) for stored in await session.scalars(select(SetUpCode.digest))]
    if not any(known):
        raise WrongSetUpCode("code: is not valid; open the link that `automio up` printed when it started last")


async def set_up(
    session: AsyncSession, *, code: str, name: str, email: str, password_hash: str, organization_name: str
) -> FirstUser:
    """Creates the first user, an operator, and their organization. Raises AlreadySetUp, WrongSetUpCode."""
    # Of two at once, the second waits here and then finds the first one's user.
    await lock_first_start(session)
    await check_code(session, code)
    user = await store_user(session, email=email, password_hash=password_hash, name=name, is_operator=True)
    organization = await create_organization(session, name=organization_name, owner_id=user.id)
    await _end_codes(session)
    return FirstUser(user, organization)


async def _end_codes(session: AsyncSession) -> None:
    await session.execute(delete(SetUpCode).execution_options(synchronize_session=False))
