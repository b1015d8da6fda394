"""Keeps account of language servers, across all processes of the control plane and all runners."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.tenancy import visible_to
from platform_api.core.types import AppId
from platform_api.language_server.models import LanguageServer
from platform_api.runs.models import RunnerPresence
from platform_api.runs.presence import PRESENT_SECONDS

MAX_PER_ORGANIZATION = 4
ALIVE_SECONDS = 45
"""A process that holds an editor's connection shows every ten seconds that it is there."""

OFFERED_CHANNEL = "automio_language_server_offered"
ENDED_CHANNEL = "automio_language_server"
"""Carries the id of a language server that is to end."""


async def offer(session: AsyncSession, actor: Actor, app_id: AppId) -> int:
    """Asks the runners for a language server; returns its id.

    Where the organization has as many as it may, the one whose editor has been quiet longest ends.
    """
    await _lock(session, actor.organization_id)
    await _forget_lost(session)
    in_use = await session.scalars(
        select(LanguageServer.id)
        .where(visible_to(actor, LanguageServer.organization_id))
        .order_by(LanguageServer.used_at.desc(), LanguageServer.id.desc())
    )
    await _end(session, list(in_use)[MAX_PER_ORGANIZATION - 1 :])
    server = LanguageServer(organization_id=actor.organization_id, app_id=app_id, user_id=actor.user_id)
    session.add(server)
    await session.flush()
    await _notify(session, OFFERED_CHANNEL, "")
    return server.id


async def make_room(session: AsyncSession, actor: Actor) -> bool:
    """Ends another organization's language server while all are in use, so that each gets its share.

    That of the organization with the most, if it has more than the caller's; of these the one quiet longest.
    """
    # tenancy: what is shared out here are the runners' places, which all organizations have together
    counts = select(LanguageServer.organization_id, func.count().label("held")).group_by(
        LanguageServer.organization_id
    )
    shares = counts.subquery()
    own = select(func.count()).select_from(LanguageServer).where(visible_to(actor, LanguageServer.organization_id))
    fullest = (
        # tenancy: as above; no row of another organization is shown to anybody
        select(LanguageServer.id)
        .join(shares, shares.c.organization_id == LanguageServer.organization_id)
        .where(LanguageServer.runner_id.is_not(None), shares.c.held > own.scalar_subquery())
        .order_by(shares.c.held.desc(), LanguageServer.used_at)
        .limit(1)
    )
    chosen = await session.scalar(fullest)
    if chosen is None:
        return False
    await _end(session, [chosen])
    return True


async def claim(session: AsyncSession, runner_id: str, *, slots: int) -> list[int]:
    """Gives at most `slots` of the language servers that are waited for to a runner; returns their ids."""
    waiting = (
        select(LanguageServer.id)
        .where(LanguageServer.runner_id.is_(None), LanguageServer.seen_at > _alive_since())
        .order_by(LanguageServer.id)
        .limit(slots)
        .with_for_update(skip_locked=True)
    )
    claimed = update(LanguageServer).where(LanguageServer.id.in_(waiting)).values(runner_id=runner_id)
    return list(await session.scalars(claimed.returning(LanguageServer.id)))


async def is_held(session: AsyncSession, server_id: int, runner_id: str) -> bool:
    """Returns whether the runner has claimed the language server, which somebody still waits for."""
    held = select(LanguageServer.id).where(LanguageServer.id == server_id, LanguageServer.runner_id == runner_id)
    return await session.scalar(held) is not None


async def is_offered(session: AsyncSession) -> bool:
    """Returns whether a runner that is present runs language servers."""
    offering = select(RunnerPresence.id).where(
        RunnerPresence.language_servers > 0,
        RunnerPresence.seen_at > func.now() - timedelta(seconds=PRESENT_SECONDS),
    )
    return await session.scalar(offering.limit(1)) is not None


async def renew(session: AsyncSession, server_id: int, *, idle_seconds: float) -> bool:
    """Records that the editor is connected and when it sent something last; false when the server was ended."""
    used_at = func.now() - timedelta(seconds=idle_seconds)
    renewed = update(LanguageServer).where(LanguageServer.id == server_id)
    result = await session.scalars(renewed.values(seen_at=func.now(), used_at=used_at).returning(LanguageServer.id))
    return result.one_or_none() is not None


async def forget(session: AsyncSession, server_id: int) -> None:
    """Deletes the account of a language server that has ended."""
    await session.execute(delete(LanguageServer).where(LanguageServer.id == server_id))


async def _end(session: AsyncSession, server_ids: Sequence[int]) -> None:
    for server_id in server_ids:
        await forget(session, server_id)
        await _notify(session, ENDED_CHANNEL, str(server_id))


async def _forget_lost(session: AsyncSession) -> None:
    """Deletes those whose process of the control plane is gone."""
    # tenancy: a matter of processes; whose editor it was does not count
    await session.execute(delete(LanguageServer).where(LanguageServer.seen_at <= _alive_since()))


def _alive_since() -> object:
    return func.now() - timedelta(seconds=ALIVE_SECONDS)


async def _lock(session: AsyncSession, organization_id: int) -> None:
    """Lets one after the other count an organization's language servers."""
    key = {"name": f"language_servers:{organization_id}"}
    await session.execute(text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), key)


async def _notify(session: AsyncSession, channel: str, payload: str) -> None:
    await session.execute(select(func.pg_notify(channel, payload)))
