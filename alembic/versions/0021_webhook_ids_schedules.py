"""Stores where a sender puts the id of a delivery, the times a sync's run counts for, and one run that waits

Revision: 0021
Follows: 0020
"""

import sqlalchemy as sa

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("webhooks", sa.Column("idempotency_path", sa.Text(), nullable=True), schema="platform")
    op.add_column("webhooks", sa.Column("idempotency_field", sa.Text(), nullable=True), schema="platform")
    op.add_column("sync_runs", sa.Column("planned_at", sa.TIMESTAMP(timezone=True), nullable=True), schema="platform")
    op.add_column(
        "sync_runs", sa.Column("ticks", sa.Integer(), server_default="0", nullable=False), schema="platform"
    )
    op.drop_index("uq_sync_runs_open", "sync_runs", schema="platform")
    for state in ("pending", "running"):
        op.create_index(
            f"uq_sync_runs_{state}",
            "sync_runs",
            ["sync_id", "connection_id"],
            unique=True,
            schema="platform",
            postgresql_where=sa.text(f"state = '{state}'"),
        )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    # Of two open runs the one that waits is given up: before, there was room for one.
    op.execute(
        """
        update platform.sync_runs as waiting
        set state = 'cancelled', finished_at = now(), error = 'cancelled'
        where waiting.state = 'pending' and exists (
            select from platform.sync_runs as running
            where running.sync_id = waiting.sync_id
                and running.connection_id = waiting.connection_id
                and running.state = 'running'
        )
        """
    )
    for state in ("running", "pending"):
        op.drop_index(f"uq_sync_runs_{state}", "sync_runs", schema="platform")
    op.create_index(
        "uq_sync_runs_open",
        "sync_runs",
        ["sync_id", "connection_id"],
        unique=True,
        schema="platform",
        postgresql_where=sa.text("state in ('pending', 'running')"),
    )
    op.drop_column("sync_runs", "ticks", schema="platform")
    op.drop_column("sync_runs", "planned_at", schema="platform")
    op.drop_column("webhooks", "idempotency_field", schema="platform")
    op.drop_column("webhooks", "idempotency_path", schema="platform")
