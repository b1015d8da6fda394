"""Stores how many rows the file of an import has, and how many lines were blank

Revision: 0020
Follows: 0019
"""

import sqlalchemy as sa

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("csv_imports", sa.Column("total_rows", sa.BigInteger(), nullable=True), schema="platform")
    op.add_column(
        "csv_imports", sa.Column("blank", sa.BigInteger(), server_default="0", nullable=False), schema="platform"
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_column("csv_imports", "blank", schema="platform")
    op.drop_column("csv_imports", "total_rows", schema="platform")
