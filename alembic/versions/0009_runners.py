"""Stores the runners that sent a heartbeat lately

Revision: 0009
Follows: 0008
"""

import sqlalchemy as sa

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "runners",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("isolation", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runners")),
        schema="platform",
        # Written with every poll of a runner, and known again with its next one.
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("runners", schema="platform")
