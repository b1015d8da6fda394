"""Stores the answer of a webhook to calls that started a run

Revision: 0025
Follows: 0024
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("webhooks", sa.Column("answer", postgresql.JSONB(), nullable=True), schema="platform")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_column("webhooks", "answer", schema="platform")
