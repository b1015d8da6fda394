"""Records how a run was begun, which run it repeats and when it changed; indexes runs for lists with filters

Revision: 0028
Follows: 0026
"""

import sqlalchemy as sa

from alembic import op
from platform_api.migrations import create_small_indexes

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_runs_organization_id_id": (
        "platform.runs (organization_id, id) include (created_at, state, app_id, action_id, user_id, begun_by)"
    ),
    "ix_runs_organization_id_created_at": (
        "platform.runs (organization_id, created_at, id) include (state, app_id, action_id, user_id, begun_by)"
    ),
    "ix_runs_changed": "platform.runs (organization_id, changed_in, id) where changed_in is not null",
}
"""On a large table they are built after the migration, beside its writers."""


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("runs", sa.Column("begun_by", sa.Text(), nullable=True), schema="platform")
    op.add_column("runs", sa.Column("rerun_of_run_id", sa.BigInteger(), nullable=True), schema="platform")
    op.add_column("runs", sa.Column("changed_in", sa.BigInteger(), nullable=True), schema="platform")
    # Separate from the column, so that runs of before have none: nobody waits to hear of them.
    op.alter_column(
        "runs",
        "changed_in",
        server_default=sa.text("cast(cast(pg_current_xact_id() as text) as bigint)"),
        schema="platform",
    )
    op.add_column("runners", sa.Column("slots", sa.Integer(), nullable=True), schema="platform")
    create_small_indexes(INDEXES)


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for name in INDEXES:
        op.drop_index(name, "runs", schema="platform", if_exists=True)
    op.drop_column("runners", "slots", schema="platform")
    for name in ("changed_in", "rerun_of_run_id", "begun_by"):
        op.drop_column("runs", name, schema="platform")
