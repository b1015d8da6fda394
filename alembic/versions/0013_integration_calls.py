"""Logs calls to integrations, and counts how many an organization made and may make in a month

Revision: 0013
Follows: 0012
"""

import sqlalchemy as sa

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "integration_calls",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("integration_id", sa.String(100), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("elapsed_ms", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integration_calls")),
        schema="platform",
    )
    op.create_index(
        op.f("ix_integration_calls_organization_id_id"),
        "integration_calls",
        ["organization_id", "id"],
        schema="platform",
    )
    op.create_index(op.f("ix_integration_calls_created_at"), "integration_calls", ["created_at"], schema="platform")
    op.create_table(
        "integration_usage",
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "month", name=op.f("pk_integration_usage")),
        schema="platform",
    )
    op.create_table(
        "integration_budgets",
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("calls_per_month", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["platform.organizations.id"],
            name=op.f("fk_integration_budgets_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_integration_budgets")),
        schema="platform",
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("integration_budgets", schema="platform")
    op.drop_table("integration_usage", schema="platform")
    op.drop_table("integration_calls", schema="platform")
