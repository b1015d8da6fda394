"""Stores who has which document open

Revision: 0037
Follows: 0036
"""

import sqlalchemy as sa

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "presences",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("place_key", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presences")),
        schema="platform",
        # Written every two seconds, and known again with the next time.
        prefixes=["UNLOGGED"],
    )
    for column in ("place_key", "organization_id"):
        op.create_index(f"ix_presences_{column}", "presences", [column], schema="platform")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("presences", schema="platform")
