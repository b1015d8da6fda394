"""Creates syncs: declared synchronisations of third-party lists into app tables

Revision: 0019
Follows: 0018
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_IS_OPEN = sa.text("state in ('pending', 'running')")


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "syncs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("table_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("declaration", postgresql.JSONB(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("next_run_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["app_id"], ["platform.apps.id"], name=op.f("fk_syncs_app_id_apps"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["platform.organizations.id"],
            name=op.f("fk_syncs_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["table_id"],
            ["platform.app_tables.id"],
            name=op.f("fk_syncs_table_id_app_tables"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["platform.users.id"], name=op.f("fk_syncs_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_syncs")),
        sa.UniqueConstraint("organization_id", "app_id", "name", name=op.f("uq_syncs_organization_id_app_id_name")),
        schema="platform",
    )
    op.create_index("ix_syncs_app_id", "syncs", ["app_id"], schema="platform")
    op.create_index("ix_syncs_table_id", "syncs", ["table_id"], schema="platform")
    op.create_index(
        "ix_syncs_next_run_at",
        "syncs",
        ["next_run_at"],
        schema="platform",
        postgresql_where=sa.text("next_run_at is not null"),
    )
    op.create_table(
        "sync_checkpoints",
        sa.Column("sync_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("cursor", postgresql.JSONB(), nullable=True),
        sa.Column("walk", postgresql.JSONB(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["platform.connections.id"],
            name=op.f("fk_sync_checkpoints_connection_id_connections"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sync_id"], ["platform.syncs.id"], name=op.f("fk_sync_checkpoints_sync_id_syncs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sync_id", "connection_id", name=op.f("pk_sync_checkpoints")),
        schema="platform",
    )
    op.create_index("ix_sync_checkpoints_connection_id", "sync_checkpoints", ["connection_id"], schema="platform")
    op.create_table(
        "sync_runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("sync_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("inserted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("deleted", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rejected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rejections", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("cancel_requested_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('pending', 'running', 'completed', 'partial', 'failed', 'cancelled')",
            name=op.f("ck_sync_runs_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["platform.connections.id"],
            name=op.f("fk_sync_runs_connection_id_connections"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["platform.organizations.id"],
            name=op.f("fk_sync_runs_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sync_id"], ["platform.syncs.id"], name=op.f("fk_sync_runs_sync_id_syncs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_runs")),
        schema="platform",
    )
    op.create_index("ix_sync_runs_sync_id_id", "sync_runs", ["sync_id", "id"], schema="platform")
    op.create_index("ix_sync_runs_connection_id", "sync_runs", ["connection_id"], schema="platform")
    op.create_index("ix_sync_runs_organization_id", "sync_runs", ["organization_id"], schema="platform")
    op.create_index(
        "uq_sync_runs_open",
        "sync_runs",
        ["sync_id", "connection_id"],
        unique=True,
        schema="platform",
        postgresql_where=_IS_OPEN,
    )
    op.create_index("ix_sync_runs_open", "sync_runs", ["id"], schema="platform", postgresql_where=_IS_OPEN)
    op.create_table(
        "synced_rows",
        sa.Column("sync_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("walk", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sync_id"], ["platform.syncs.id"], name=op.f("fk_synced_rows_sync_id_syncs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sync_id", "connection_id", "row_id", name=op.f("pk_synced_rows")),
        schema="platform",
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("synced_rows", schema="platform")
    op.drop_table("sync_runs", schema="platform")
    op.drop_table("sync_checkpoints", schema="platform")
    op.drop_table("syncs", schema="platform")
