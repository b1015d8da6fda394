"""Stores what apps may use of integrations, and operations of imported integrations

Revision: 0017
Follows: 0016
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "integration_activations",
        sa.Column("organization_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("app_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("integration_id", sa.String(100), nullable=False),
        sa.Column("is_activated", sa.Boolean(), nullable=False),
        sa.Column("connection_ids", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        _now("created_at"),
        _now("updated_at"),
        _foreign_key("integration_activations", "organization_id", "organizations"),
        _foreign_key("integration_activations", "app_id", "apps"),
        sa.PrimaryKeyConstraint(
            "organization_id", "app_id", "integration_id", name=op.f("pk_integration_activations")
        ),
        schema="platform",
    )
    op.create_index("ix_integration_activations_app_id", "integration_activations", ["app_id"], schema="platform")
    op.execute(
        "create trigger connections_changed after insert or update or delete on platform.integration_activations"
        " for each statement execute function platform.notify_connections_changed()"
    )
    op.create_table(
        "integration_operations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("integration", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("operation_id", sa.Text(), nullable=True),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("parameters", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("request_body", postgresql.JSONB(), nullable=True),
        _foreign_key("integration_operations", "integration", "integrations"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integration_operations")),
        sa.UniqueConstraint("integration", "position", name=op.f("uq_integration_operations_integration_position")),
        schema="platform",
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("integration_operations", schema="platform")
    op.drop_table("integration_activations", schema="platform")


def _now(name: str) -> sa.Column:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False)


def _foreign_key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"platform.{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"), ondelete="CASCADE"
    )
