"""Indexes the rows of app tables by the time of their creation and change

Revision: 0032
Follows: 0031
"""

import hashlib

import asyncpg

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_COLUMNS = (("updated_at", "id"), ("created_at", "id"))

_TABLES = """
select 'app_' || app_id || '_' || name from platform.app_tables
where to_regclass(format('public.%I', 'app_' || app_id || '_' || name)) is not null
"""
_INDEXES = """
select class.relname from pg_index as index
join pg_class as class on class.oid = index.indexrelid
join pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname = 'public' and index.indisvalid
"""


def upgrade() -> None:
    """Changes nothing: all of the indexes are built afterwards, beside the tables' writers."""
    op.execute("set local lock_timeout = '5s'")


def downgrade() -> None:
    """Leaves the indexes: they do no harm."""
    op.execute("set local lock_timeout = '5s'")


async def missing_indexes(connection: asyncpg.Connection) -> list[tuple[str, str]]:
    """Returns the names of the indexes that app tables lack, each with what follows `on`."""
    present = {row[0] for row in await connection.fetch(_INDEXES)}
    return [
        (name, f'public."{table}" (organization_id, {", ".join(columns)})')
        for (table,) in await connection.fetch(_TABLES)
        for columns in _COLUMNS
        if (name := _index_name(table, columns)) not in present
    ]


def _index_name(table: str, columns: tuple[str, ...]) -> str:
    digest = hashlib.sha256("\n".join((table, *columns)).encode()).hexdigest()
    name = f"ix_{table}_{'_'.join(columns)}_{digest[:8]}"
    if len(name.encode()) <= 63:
        return name
    return f"{name[:52]}_{hashlib.sha256(name.encode()).hexdigest()[:10]}"
