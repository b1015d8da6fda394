"""Creates what a first start needs: an owner and their organization, or a code to set them up; our runner's token."""

import json
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.bootstrap import create_first_admin
from platform_api.accounts.models import Token, TokenKind
from platform_api.accounts.set_up.service import offer_code
from platform_api.accounts.tokens import digest_of, is_well_formed
from platform_api.core.database import Database
from platform_api.supervisor.data_directory import write_private

log = structlog.stdlib.get_logger()


class RunnerTokenError(RuntimeError):
    """Reports that RUNNER_TOKEN cannot be used."""


async def prepare(
    database_url: str,
    *,
    base_url: str,
    admin_file: Path,
    runner_token: str,
    owner: str | None,
    set_up_code: str | None = None,
) -> None:
    """Creates what is missing, in one transaction. Raises RunnerTokenError.

    `owner` is the e-mail of an owner to create, `set_up_code` what lets somebody create them in a browser.
    """
    database = Database(database_url, pool_size=1, application_name="automio first start")
    try:
        async with database.transaction() as session:
            await ensure_runner_token(session, runner_token)
            if set_up_code is not None:
                await offer_code(session, set_up_code)
            if owner is None:
                admin = None
            else:
                admin = await create_first_admin(session, base_url=base_url, email=owner)
            if admin is not None:
                # Before the commit: a password that is stored but was never written down would be lost.
                write_private(admin_file, json.dumps(admin, indent=2))
                log.info("first_start.administrator_created", file=str(admin_file))
    finally:
        await database.close()
    _follow_address(admin_file, base_url)


async def ensure_runner_token(session: AsyncSession, secret: str) -> None:
    """Makes `secret`, which the installation chose itself, a runner token. Raises RunnerTokenError."""
    if not (is_well_formed(secret) and secret.startswith("amt_runner_")):
        raise RunnerTokenError("RUNNER_TOKEN must be `amt_runner_` followed by 43 letters, digits, `-` or `_`")
    known = await session.scalar(select(Token).where(Token.digest == digest_of(secret)))
    if known is None:
        session.add(
            Token(
                kind=TokenKind.RUNNER,
                digest=digest_of(secret),
                hint=secret[:15],
                name="runner of this installation",
                scopes=[],
            )
        )
    elif known.revoked_at is not None:
        raise RunnerTokenError("RUNNER_TOKEN was revoked; set another one (or remove it from secrets.json)")


def _follow_address(admin_file: Path, base_url: str) -> None:
    """Updates the base URL in `admin.json`, since the address may change between starts."""
    if not admin_file.exists():
        return
    admin = json.loads(admin_file.read_text())
    if admin.get("base_url") != base_url:
        write_private(admin_file, json.dumps({**admin, "base_url": base_url}, indent=2))
