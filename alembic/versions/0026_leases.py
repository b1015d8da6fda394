"""Adds the columns and indexes of one lease protocol to CSV jobs, syncs and the outbox

Revision: 0026
Follows: 0025
"""

import sqlalchemy as sa

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_IS_OPEN = {
    "csv_imports": "status in ('pending', 'in_progress')",
    "csv_exports": "status in ('pending', 'in_progress')",
    "sync_runs": "state in ('pending', 'running')",
    "outbox": "state in ('pending', 'running')",
}


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table in ("csv_imports", "csv_exports", "sync_runs"):
        _add(
            table,
            sa.Column("available_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        )
    _add("outbox", sa.Column("state", sa.Text(), server_default="pending", nullable=False))
    _add("outbox", sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False))
    for name in ("lease_expires_at", "cancel_requested_at"):
        _add("outbox", sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=True))
    for table, is_open in _IS_OPEN.items():
        columns = ["topic"] if table == "outbox" else []
        _index(table, "waiting", [*columns, "available_at"], f"lease_expires_at is null and {is_open}")
        _index(table, "held", [*columns, "lease_expires_at"], "lease_expires_at is not null")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table in _IS_OPEN:
        op.drop_index(f"ix_{table}_held", table, schema="platform")
        op.drop_index(f"ix_{table}_waiting", table, schema="platform")
    for name in ("cancel_requested_at", "lease_expires_at", "fence", "state"):
        op.drop_column("outbox", name, schema="platform")
    for table, is_open in _IS_OPEN.items():
        if table == "outbox":
            continue
        # Before, a job was claimed for the first time, or again when its lease was over.
        op.execute(
            f"update platform.{table} set lease_expires_at = now()"  # noqa: S608 (names of ours)
            f" where {is_open} and started_at is not null and lease_expires_at is null"
        )
        op.drop_column(table, "available_at", schema="platform")


def _add(table: str, column: sa.Column) -> None:
    op.add_column(table, column, schema="platform")


def _index(table: str, name: str, columns: list[str], condition: str) -> None:
    op.create_index(f"ix_{table}_{name}", table, columns, schema="platform", postgresql_where=sa.text(condition))
