"""Selects which runs of an organization a list, a histogram or a stream shows.

Every filter but `text` is answered from the columns of the two covering indexes of `runs`. The error of a run is the
only thing for which its row is read, and only runs that ended badly have one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    Text,
    and_,
    cast,
    column,
    func,
    or_,
    select,
    table,
    true,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.elements import KeyedColumnElement

from platform_api.accounts.actor import Actor
from platform_api.apps.access import is_installed, is_own
from platform_api.apps.models import App
from platform_api.core.database import PLATFORM_SCHEMA
from platform_api.core.paging import contains
from platform_api.core.types import ActionId, AppId, UserId
from platform_api.runs.models import BegunBy, Run, RunState

Columns: TypeAlias = ReadOnlyColumnCollection[str, KeyedColumnElement[Any]]
"""The columns of runs, or of a statement that has those of the indexes."""

# The room of actions stands above this one.
_ACTIONS = table(
    "actions", column("id", Integer), column("app_id", Integer), column("name", String), schema=PLATFORM_SCHEMA
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilters:
    """Holds which runs are requested; what is None or empty admits all. `until` itself is outside."""

    app_id: AppId | None = None
    action_id: ActionId | None = None
    user_id: UserId | None = None
    states: Sequence[RunState] = ()
    begun_by: Sequence[BegunBy] = ()
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


def admits_for_good(columns: Columns, filters: RunFilters) -> ColumnElement[bool]:
    """Returns the condition of the filters on what never changes about a run."""
    conditions: list[ColumnElement[bool]] = []
    if filters.app_id is not None:
        conditions.append(columns.app_id == filters.app_id)
    if filters.action_id is not None:
        conditions.append(columns.action_id == filters.action_id)
    if filters.user_id is not None:
        conditions.append(columns.user_id == filters.user_id)
    if filters.begun_by:
        conditions.append(columns.begun_by.in_(filters.begun_by))
    if filters.since is not None:
        conditions.append(columns.created_at >= filters.since)
    if filters.until is not None:
        conditions.append(columns.created_at < filters.until)
    return and_(true(), *conditions)


def admits_now(actor: Actor, columns: Columns, filters: RunFilters) -> ColumnElement[bool]:
    """Returns the condition of the filters on what changes while a run goes on: its state and its error."""
    conditions: list[ColumnElement[bool]] = []
    if filters.states:
        conditions.append(columns.state.in_(filters.states))
    if filters.text is not None:
        conditions.append(_mentions(actor, columns, filters.text))
    return and_(true(), *conditions)


def admits(actor: Actor, columns: Columns, filters: RunFilters) -> ColumnElement[bool]:
    """Returns the condition of all filters."""
    return admits_for_good(columns, filters) & admits_now(actor, columns, filters)


def _mentions(actor: Actor, columns: Columns, text: str) -> ColumnElement[bool]:
    """Returns the condition that a run's id, its action's name or its error contains `text`, whatever the case."""
    actions = (
        select(_ACTIONS.c.id)
        .join(App, App.id == _ACTIONS.c.app_id)
        .where(is_own(actor) | is_installed(actor), contains(text, _ACTIONS.c.name))
    )
    failed = aliased(Run)
    # A value, not EXISTS: that could be planned as a hash of the errors of every organization.
    # tenancy: the row of a run that the caller's condition has chosen
    error = select(contains(text, func.coalesce(failed.error, ""))).where(failed.id == columns.id).scalar_subquery()
    has_error = columns.state.in_([RunState.FAILED, RunState.STOPPED])
    return or_(contains(text, cast(columns.id, Text)), columns.action_id.in_(actions), has_error & error)
