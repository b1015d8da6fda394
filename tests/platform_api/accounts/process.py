"""A process whose clock may be off judges tokens: `python -m … CLOCK_SHIFT URL GOOD EXPIRED`.

Prints why it refuses the expired token, and the secret of a token for an hour that it issued to the bearer of the
good one.
"""

import asyncio
import sys

from tests.clocks import shift_clock


async def main(url: str, good: str, expired: str) -> None:
    from datetime import timedelta

    import platform_api.models  # noqa: F401 - tables that tokens refer to
    from platform_api.accounts.authentication import authenticate_token
    from platform_api.accounts.tokens import issue_run_token
    from platform_api.core.database import Database
    from platform_api.core.errors import Unauthenticated
    from platform_api.core.types import RunId

    async with Database(url, pool_size=1).transaction() as session:
        try:
            await authenticate_token(session, expired)
            print("not refused")
        except Unauthenticated as error:
            print(error)
        actor = await authenticate_token(session, good)
        assert actor.app_id is not None
        issued = await issue_run_token(
            session,
            organization_id=actor.organization_id,
            user_id=actor.user_id,
            app_id=actor.app_id,
            run_id=RunId(2),
            lifetime=timedelta(hours=1),
        )
    print(issued)


if __name__ == "__main__":
    shift_clock(float(sys.argv[1]))
    asyncio.run(main(*sys.argv[2:]))
