"""Allows concurrent sync runs of one connection, each with its own place in the list

Revision: 0024
Follows: 0023
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_ALONE = "state = 'running' and not beside"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "sync_runs", sa.Column("beside", sa.Boolean(), server_default="false", nullable=False), schema="platform"
    )
    op.add_column("sync_runs", sa.Column("walk", postgresql.JSONB(), nullable=True), schema="platform")
    _replace_index(_ALONE)
    op.create_table(
        "synced_pages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sync_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("keys", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_synced_pages")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["platform.sync_runs.id"], name=op.f("fk_synced_pages_run_id_sync_runs"), ondelete="CASCADE"
        ),
        schema="platform",
    )
    op.create_index(
        "ix_synced_pages_sync_id_connection_id_id",
        "synced_pages",
        ["sync_id", "connection_id", "id"],
        schema="platform",
    )
    op.create_index("ix_synced_pages_run_id", "synced_pages", ["run_id"], schema="platform")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    # Of several runs beside each other the first goes on: before, there was room for one.
    op.execute(
        """
        update platform.sync_runs as later
        set state = 'cancelled', finished_at = now(), error = 'cancelled'
        where later.state = 'running' and exists (
            select from platform.sync_runs as running
            where running.sync_id = later.sync_id
                and running.connection_id = later.connection_id
                and running.state = 'running'
                and running.id < later.id
        )
        """
    )
    op.execute(
        """
        update platform.sync_checkpoints as checkpoint
        set walk = run.walk
        from platform.sync_runs as run
        where run.sync_id = checkpoint.sync_id
            and run.connection_id = checkpoint.connection_id
            and run.state = 'running'
            and run.walk is not null
        """
    )
    op.drop_table("synced_pages", schema="platform")
    _replace_index("state = 'running'")
    op.drop_column("sync_runs", "walk", schema="platform")
    op.drop_column("sync_runs", "beside", schema="platform")


def _replace_index(condition: str) -> None:
    op.drop_index("uq_sync_runs_running", "sync_runs", schema="platform")
    op.create_index(
        "uq_sync_runs_running",
        "sync_runs",
        ["sync_id", "connection_id"],
        unique=True,
        schema="platform",
        postgresql_where=sa.text(condition),
    )
