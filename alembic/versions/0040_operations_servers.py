"""Stores the servers that operations of an imported integration have of their own

Revision: 0040
Follows: 0039
"""

import sqlalchemy as sa

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("integration_operations", sa.Column("server", sa.Text(), nullable=True), schema="platform")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_column("integration_operations", "server", schema="platform")
