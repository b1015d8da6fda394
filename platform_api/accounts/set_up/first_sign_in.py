"""Sets up an installation and signs its first user in, for the API and for the page."""

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.passwords import hash_password
from platform_api.accounts.sessions.sign_in import Browser, start_sign_in
from platform_api.accounts.sessions.throttle import Limit, count_use
from platform_api.accounts.set_up.schemas import SetUp
from platform_api.accounts.set_up.service import FirstUser, check_code, set_up
from platform_api.core.database import Database, release_connection

MAX_ATTEMPTS = 20
"""At the code, from one place in a window."""


async def set_up_and_sign_in(
    session: AsyncSession, database: Database, data: SetUp, *, browser: Browser, days: int
) -> tuple[FirstUser, str]:
    """Returns the first user and the secret for their cookie. Raises what `set_up` raises, and TooManyRequests."""
    limit = Limit(("set-up", browser.place), MAX_ATTEMPTS)
    await count_use(database, limit, what="attempts to set up this installation")
    await check_code(session, data.code)
    # Hashing is slow on purpose: not while we hold a connection and a lock.
    await release_connection(session)
    first = await set_up(
        session,
        code=data.code,
        name=data.name,
        email=data.email,
        password_hash=await hash_password(data.password),
        organization_name=data.organization,
    )
    return first, await start_sign_in(session, first.user.id, browser=browser, days=days)
