"""Stores whether a runner executes scripts as root, which `/health` shows

Revision: 0041
Follows: 0040
"""

import sqlalchemy as sa

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "runners", sa.Column("runs_as_root", sa.Boolean(), server_default="false", nullable=False), schema="platform"
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_column("runners", "runs_as_root", schema="platform")
