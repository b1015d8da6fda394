"""Reads and locks the stored definitions of app tables."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.errors import NotFound
from platform_api.core.paging import Orders, Part, Window, contains, read_items
from platform_api.core.types import AppId, TableId
from platform_api.tables.definition import TableDefinition
from platform_api.tables.models import AppTable
from platform_api.tables.names import bare_table_name

MAX_LOCK_WAIT = "1s"
CHANNEL = "automio_tables"
"""Carries the id of an app whose tables have changed."""
# Names of tables are compared as they are: the unique key of an app's names then serves the order.
_ORDERS = Orders("tables", AppTable.id, created_at=AppTable.id, name=AppTable.name, updated_at=AppTable.updated_at)

_APPLICATIONS = {"automio-engine": "a GraphQL request", "automio": "another request or import of the platform"}
"""What a person calls those who open transactions, by the name that they give PostgreSQL."""
_LOCK_HOLDER = text("""
    select activity.application_name,
           greatest(extract(epoch from clock_timestamp() - activity.xact_start), 0)::int as seconds
    from pg_locks as held
    join pg_stat_activity as activity on activity.pid = held.pid
    where held.relation = to_regclass(:table) and held.granted and held.pid <> pg_backend_pid()
    order by activity.xact_start
    limit 1
""")


async def lock_tables_of_app(session: AsyncSession, app_id: AppId) -> None:
    """Serializes changes to one app's tables until the transaction ends: a reference involves two tables."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("automio.app_tables"), app_id)))


async def list_tables(session: AsyncSession, app_id: AppId) -> Sequence[AppTable]:
    """Returns the tables of an app, oldest first."""
    statement = select(AppTable).where(AppTable.app_id == app_id).order_by(AppTable.id)
    return (await session.scalars(statement)).all()


async def read_tables(
    session: AsyncSession, app_id: AppId, *, search: str | None, order: str, window: Window | None
) -> Part[AppTable]:
    """Returns a part of an app's tables, all of them without `window`; `search` looks in names."""
    statement = select(AppTable).where(AppTable.app_id == app_id)
    if search:
        statement = statement.where(contains(search, AppTable.name))
    return await read_items(session, statement, _ORDERS.of(order, within=app_id), window)


async def names_of_tables(session: AsyncSession, table_ids: Collection[int]) -> dict[TableId, str]:
    """Returns the names of tables by their ids."""
    if not table_ids:
        return {}
    statement = select(AppTable.id, AppTable.name).where(AppTable.id.in_(table_ids))
    return dict(list(await session.execute(statement)))


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


async def announce_tables(session: AsyncSession, app_id: AppId) -> None:
    """Wakes those who look at the app's tables, in every process, when `session` commits."""
    await session.execute(select(func.pg_notify(CHANNEL, str(app_id))))


async def find_lock_holder(session: AsyncSession, table: str) -> str:
    """Returns in words whose transaction has used the table longest; `table` is its name in PostgreSQL."""
    holder = (await session.execute(_LOCK_HOLDER, {"table": f'public."{table}"'})).first()
    if holder is None:
        return "a transaction that has just ended"
    name = _APPLICATIONS.get(holder.application_name, "another transaction")
    return f"{name}, since {holder.seconds} s"
