"""Stores which cell is edited where a table is open

Revision: 0039
Follows: 0038
"""

import sqlalchemy as sa

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("presences", sa.Column("edited_row", sa.UUID(), nullable=True), schema="platform")
    op.add_column("presences", sa.Column("edited_column", sa.Text(), nullable=True), schema="platform")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_column("presences", "edited_column", schema="platform")
    op.drop_column("presences", "edited_row", schema="platform")
