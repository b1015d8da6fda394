"""Stores what roles may do with the rows of tables

Revision: 0036
Follows: 0035
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "table_permissions",
        sa.Column("table_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        _foreign_key("table_id", "app_tables"),
        _foreign_key("app_id", "apps"),
        sa.PrimaryKeyConstraint("table_id", "role", name=op.f("pk_table_permissions")),
        schema="platform",
    )
    op.create_index("ix_table_permissions_app_id", "table_permissions", ["app_id", "role"], schema="platform")
    op.execute(
        "create trigger access_changed after insert or update or delete on platform.table_permissions"
        " for each statement execute function platform.notify_access_changed()"
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("table_permissions", schema="platform")


def _foreign_key(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column],
        [f"platform.{target}.id"],
        name=op.f(f"fk_table_permissions_{column}_{target}"),
        ondelete="CASCADE",
    )
