"""Statements on the stored definitions of app tables."""

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.errors import NotFound
from platform_api.core.types import AppId
from platform_api.tables.definition import TableDefinition
from platform_api.tables.models import AppTable
from platform_api.tables.names import bare_table_name

MAX_LOCK_WAIT = "5s"


async def lock_tables_of_app(session: AsyncSession, app_id: AppId) -> None:
    """Makes changes of one app's tables wait for each other: references concern two tables at once."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("automio.app_tables"), app_id)))


async def list_tables(session: AsyncSession, app_id: AppId) -> Sequence[AppTable]:
    """The tables of an app, in the order they were made."""
    statement = select(AppTable).where(AppTable.app_id == app_id).order_by(AppTable.id)
    return (await session.scalars(statement)).all()


async def get_table(session: AsyncSession, app_id: AppId, name: str) -> AppTable:
    """A table by its bare name or as `app_{id}_{name}`; NotFound when the app has none of that name."""
    bare = bare_table_name(name, app_id=app_id)
    statement = select(AppTable).where(AppTable.app_id == app_id, AppTable.name == bare)
    table = await session.scalar(statement) if "\x00" not in bare else None
    if table is None:
        raise NotFound(f"the app has no table {name!r}")
    return table


async def definitions_of_apps(
    session: AsyncSession, app_ids: Iterable[int] | None = None
) -> dict[int, dict[int, TableDefinition]]:
    """Definitions by app and table id; of all apps when none are named."""
    statement = select(AppTable).order_by(AppTable.app_id, AppTable.id)
    if app_ids is not None:
        statement = statement.where(AppTable.app_id.in_(list(app_ids)))
    found: dict[int, dict[int, TableDefinition]] = {}
    for table in await session.scalars(statement):
        found.setdefault(table.app_id, {})[table.id] = table.definition
    return found


async def limit_lock_wait(session: AsyncSession) -> None:
    """A table in use must not stop everybody else behind a waiting ALTER: give up soon, and say so."""
    await session.execute(select(func.set_config("lock_timeout", MAX_LOCK_WAIT, True)))
