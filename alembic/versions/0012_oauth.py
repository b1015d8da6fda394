"""Stores OAuth clients of organizations, sign-ins under way, refreshes under way

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("integration_id", sa.String(100), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        _foreign_key("oauth_clients", "organization_id", "organizations"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_clients")),
        sa.UniqueConstraint(
            "organization_id", "integration_id", name=op.f("uq_oauth_clients_organization_id_integration_id")
        ),
        schema="platform",
    )
    op.create_table(
        "oauth_sign_ins",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("integration_id", sa.String(100), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column("ticket_digest", sa.LargeBinary(), nullable=False),
        sa.Column("state_digest", sa.LargeBinary(), nullable=True),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        _foreign_key("oauth_sign_ins", "organization_id", "organizations"),
        _foreign_key("oauth_sign_ins", "user_id", "users"),
        _foreign_key("oauth_sign_ins", "connection_id", "connections"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_sign_ins")),
        sa.UniqueConstraint("ticket_digest", name=op.f("uq_oauth_sign_ins_ticket_digest")),
        sa.UniqueConstraint("state_digest", name=op.f("uq_oauth_sign_ins_state_digest")),
        schema="platform",
    )
    op.add_column(
        "connections", sa.Column("refreshing_until", sa.TIMESTAMP(timezone=True), nullable=True), schema="platform"
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_column("connections", "refreshing_until", schema="platform")
    op.drop_table("oauth_sign_ins", schema="platform")
    op.drop_table("oauth_clients", schema="platform")


def _now(name: str) -> sa.Column:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False)


def _foreign_key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"platform.{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"), ondelete="CASCADE"
    )
