"""Webhooks: where a sender's id of a delivery stands

Revision: 0021
Follows: 0019
"""

import sqlalchemy as sa

from alembic import op

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("webhooks", sa.Column("idempotency_path", sa.Text(), nullable=True), schema="platform")
    op.add_column("webhooks", sa.Column("idempotency_field", sa.Text(), nullable=True), schema="platform")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_column("webhooks", "idempotency_field", schema="platform")
    op.drop_column("webhooks", "idempotency_path", schema="platform")
