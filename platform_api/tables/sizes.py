"""Estimates how much the tables of an organization's apps hold, without a look at their rows."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, String, cast, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import column, table

from platform_api.accounts.actor import Actor
from platform_api.apps.access import is_own
from platform_api.apps.models import App
from platform_api.core.types import AppId
from platform_api.tables.models import AppTable

MAX_TABLES = 10_000
"""Tables that are counted."""
_CLASSES = table("pg_class", column("oid"), column("relname"), column("relnamespace"), column("reltuples"))


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Holds how many tables there are, `MAX_TABLES` at most, and about how many rows they hold."""

    tables: int
    rows: int


async def estimate_rows(session: AsyncSession, actor: Actor, app_id: AppId | None = None) -> StoredRows:
    """Returns what the apps of the organization hold, or one of them, with the rows of those that installed them."""
    names = (
        select(func.concat("app_", AppTable.app_id, "_", AppTable.name, type_=String).label("name"))
        .join(App, App.id == AppTable.app_id)
        .where(is_own(actor), true() if app_id is None else App.id == app_id)
        .limit(MAX_TABLES)
        .subquery()
    )
    # The statistics of PostgreSQL: what was counted last, or what it noticed since.
    rows = func.greatest(_CLASSES.c.reltuples, func.pg_stat_get_live_tuples(_CLASSES.c.oid), 0)
    statement = (
        select(func.count(), cast(func.coalesce(func.sum(rows), 0), BigInteger))
        .select_from(names)
        .join(
            _CLASSES,
            (_CLASSES.c.relname == names.c.name) & (_CLASSES.c.relnamespace == func.to_regnamespace("public")),
        )
    )
    counted = (await session.execute(statement)).one()
    return StoredRows(counted[0], counted[1])
