"""Issues and revokes tokens. The secret is shown once, when it is issued; only its SHA-256 is stored."""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, update
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.models import Scope, Token, TokenKind
from platform_api.core.types import AppId, OrganizationId, RunId, UserId

RUN_SCOPES = frozenset({Scope.DATA, Scope.RUN})
"""Are the scopes of a run's token, whoever started the run."""

_PREFIXES = {TokenKind.APP: "amt_", TokenKind.RUN: "amt_run_", TokenKind.RUNNER: "amt_runner_"}
_WELL_FORMED = re.compile(r"amt_(run_|runner_)?[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """Holds a stored token together with its secret, which is not stored."""

    token: Token
    secret: str


def is_well_formed(secret: str) -> bool:
    """Returns whether `secret` has the form of a token."""
    return _WELL_FORMED.fullmatch(secret) is not None


def digest_of(secret: str) -> bytes:
    """Returns the SHA-256 that is stored of a secret."""
    return hashlib.sha256(secret.encode()).digest()


async def issue_app_token(
    session: AsyncSession,
    *,
    organization_id: OrganizationId,
    user_id: UserId,
    scopes: Iterable[Scope],
    name: str = "",
    app_id: AppId | None = None,
    expires_at: datetime | None = None,
) -> IssuedToken:
    """Issues a token for a person or program to act for `user_id` in one organization, or in one app of it."""
    token = Token(
        kind=TokenKind.APP,
        organization_id=organization_id,
        user_id=user_id,
        app_id=app_id,
        scopes=sorted(scopes),
        name=name,
        expires_at=expires_at,
    )
    return await _issue(session, token)


async def issue_run_token(
    session: AsyncSession,
    *,
    organization_id: OrganizationId,
    user_id: UserId,
    app_id: AppId,
    run_id: RunId,
    lifetime: timedelta,
    reaches_installs: bool = False,
) -> str:
    """Issues a token for the script of one run; returns its secret.

    It is valid until `end_run_tokens`, and no longer than `lifetime`.

    `reaches_installs` is for app, trigger and webhook actions of the app's owner: they work on the rows of every
    organization that installed the app.
    """
    token = Token(
        kind=TokenKind.RUN,
        organization_id=organization_id,
        user_id=user_id,
        app_id=app_id,
        run_id=run_id,
        reaches_installs=reaches_installs,
        scopes=sorted(RUN_SCOPES),
        expires_at=func.now() + lifetime,
    )
    return (await _issue(session, token)).secret


async def end_run_tokens(session: AsyncSession, run_ids: Iterable[RunId]) -> None:
    """Revokes the tokens of runs that ended or whose claim was lost."""
    await session.execute(
        update(Token)
        .where(Token.run_id.in_(list(run_ids)), Token.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def delete_ended_run_tokens(session: AsyncSession, *, older_than: timedelta) -> int:
    """Deletes tokens of runs that ended that long ago; until then, late callers learn that the run has ended."""
    deleted = await session.execute(
        delete(Token)
        .where(Token.kind == TokenKind.RUN, Token.revoked_at < func.now() - older_than)
        .returning(Token.id)
        .execution_options(synchronize_session=False)
    )
    return len(deleted.all())


async def issue_runner_token(session: AsyncSession, *, name: str, expires_at: datetime | None = None) -> IssuedToken:
    """Issues a token for a sandbox runner, which may claim every organization's runs and nothing else."""
    return await _issue(session, Token(kind=TokenKind.RUNNER, scopes=[], name=name, expires_at=expires_at))


async def _issue(session: AsyncSession, token: Token) -> IssuedToken:
    secret = _PREFIXES[token.kind] + secrets.token_urlsafe(32)
    token.digest = digest_of(secret)
    token.hint = secret[: len(_PREFIXES[token.kind]) + 4]
    session.add(token)
    await session.flush()
    return IssuedToken(token, secret)
