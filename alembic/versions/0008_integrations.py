"""Creates organizations' own integrations, and connections

Revision: 0008
Follows: 0007
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "integrations",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("integration_id", sa.String(100), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        _foreign_key("integrations", "organization_id", "organizations", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integrations")),
        sa.UniqueConstraint(
            "organization_id", "integration_id", name=op.f("uq_integrations_organization_id_integration_id")
        ),
        schema="platform",
    )
    op.create_table(
        "connections",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("integration_id", sa.String(100), nullable=False),
        sa.Column("name", sa.String(150), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("status_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("placeholders", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("sealed_credentials", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("last_used_at", sa.TIMESTAMP(timezone=True), nullable=True),
        _now("created_at"),
        _now("updated_at"),
        _foreign_key("connections", "organization_id", "organizations", "CASCADE"),
        _foreign_key("connections", "created_by", "users", "SET NULL"),
        sa.CheckConstraint("status in ('active', 'broken')", name=op.f("ck_connections_status_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint(
            "organization_id",
            "integration_id",
            "name",
            name=op.f("uq_connections_organization_id_integration_id_name"),
        ),
        schema="platform",
    )
    op.create_index(
        op.f("ix_connections_organization_id_integration_id"),
        "connections",
        ["organization_id", "integration_id"],
        schema="platform",
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("connections", schema="platform")
    op.drop_table("integrations", schema="platform")


def _now(name: str) -> sa.Column:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False)


def _foreign_key(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"platform.{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"), ondelete=ondelete
    )
