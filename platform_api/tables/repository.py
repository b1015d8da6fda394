"""Reads and locks the stored definitions of app tables."""

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
    """Serializes changes to one app's tables until the transaction ends: a reference involves two tables."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("automio.app_tables"), app_id)))


async def list_tables(session: AsyncSession, app_id: AppId) -> Sequence[AppTable]:
    """Returns the tables of an app, oldest first."""
    statement = select(AppTable).where(AppTable.app_id == app_id).order_by(AppTable.id)
    return (await session.scalars(statement)).all()


async def get_table(session: AsyncSession, app_id: AppId, name: str) -> AppTable:
    """Returns a table by its bare name or as `app_{id}_{name}`. Raises NotFound."""
    bare = bare_table_name(name, app_id=app_id)
    statement = select(AppTable).where(AppTable.app_id == app_id, AppTable.name == bare)
    table = await session.scalar(statement) if "\x00" not in bare else None
    if table is None:
        raise NotFound(f"the app has no table {name!r}")
    return table


async def definitions_of_apps(
    session: AsyncSession, app_ids: Iterable[int] | None = None
) -> dict[int, dict[int, TableDefinition]]:
    """Returns definitions by app id and table id, of the given apps or of all."""
    statement = select(AppTable).order_by(AppTable.app_id, AppTable.id)
    if app_ids is not None:
        statement = statement.where(AppTable.app_id.in_(list(app_ids)))
    definitions: dict[int, dict[int, TableDefinition]] = {}
    for table in await session.scalars(statement):
        definitions.setdefault(table.app_id, {})[table.id] = table.definition
    return definitions


async def limit_lock_wait(session: AsyncSession) -> None:
    """Limits how long DDL waits for a table in use: everybody else would wait behind it."""
    await session.execute(select(func.set_config("lock_timeout", MAX_LOCK_WAIT, True)))
