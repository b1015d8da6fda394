"""Finds what a list or page shows beside a run: the names of what it belongs to, and why it waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import column, select, table
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import User
from platform_api.apps.models import App
from platform_api.core.database import PLATFORM_SCHEMA
from platform_api.core.types import RunId
from platform_api.runs.about.waiting import waiting_reasons
from platform_api.runs.models import Run

# The rooms of actions and of triggers stand above this one.
_ACTIONS = table("actions", column("id"), column("name"), column("slug"), schema=PLATFORM_SCHEMA)
_TRIGGERS = table("triggers", column("id"), column("name"), schema=PLATFORM_SCHEMA)


@dataclass(frozen=True, slots=True)
class RunNames:
    """Holds names for people; those of an action or app that is gone are None."""

    app: str | None
    app_slug: str | None
    action: str | None
    action_slug: str | None
    user: str | None
    schedule: str | None


@dataclass(frozen=True, slots=True)
class AboutRun:
    """Holds what is shown beside a run."""

    names: RunNames | None = None
    waiting_reason: str | None = None


async def about_runs(session: AsyncSession, actor: Actor, runs: Sequence[Run]) -> Mapping[RunId, AboutRun]:
    """Returns what is shown beside each of `runs`, which `actor` may see. Asks nothing if there are none."""
    if not runs:
        return {}
    reasons = await waiting_reasons(session, actor, runs)
    # tenancy: the rows that belong to runs which the actor may see
    statement = (
        select(
            Run.id,
            App.name,
            App.slug,
            _ACTIONS.c.name.label("action"),
            _ACTIONS.c.slug.label("action_slug"),
            User.name.label("user"),
            User.email,
            _TRIGGERS.c.name.label("schedule"),
        )
        .outerjoin(App, App.id == Run.app_id)
        .outerjoin(_ACTIONS, _ACTIONS.c.id == Run.action_id)
        .outerjoin(User, User.id == Run.user_id)
        .outerjoin(_TRIGGERS, _TRIGGERS.c.id == Run.trigger_id)
        .where(Run.id.in_([run.id for run in runs]))
    )
    return {
        RunId(row.id): AboutRun(
            RunNames(row.name, row.slug, row.action, row.action_slug, row.user or row.email, row.schedule),
            reasons.get(RunId(row.id)),
        )
        for row in await session.execute(statement)
    }
