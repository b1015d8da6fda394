"""Stores how much of each app's history is kept, and which logs were removed

Revision: 0044
Follows: 0043
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "app_retention",
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("limits", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("due_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["platform.apps.id"], name=op.f("fk_app_retention_app_id_apps"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("app_id", name=op.f("pk_app_retention")),
        schema="platform",
    )
    op.create_index("ix_app_retention_due_at", "app_retention", ["due_at"], schema="platform")
    op.add_column("runs", sa.Column("log_removed_at", sa.TIMESTAMP(timezone=True), nullable=True), schema="platform")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("drop index if exists platform.ix_integration_calls_app_id")
    op.drop_column("runs", "log_removed_at", schema="platform")
    op.drop_table("app_retention", schema="platform")
