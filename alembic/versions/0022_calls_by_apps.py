"""Logs which app called, and nobody of another organization

Revision: 0022
Follows: 0021
"""

import sqlalchemy as sa

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("integration_calls", sa.Column("app_id", sa.Integer(), nullable=True), schema="platform")
    op.alter_column("integration_calls", "user_id", existing_type=sa.Integer(), nullable=True, schema="platform")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute("delete from platform.integration_calls where user_id is null")
    op.alter_column("integration_calls", "user_id", existing_type=sa.Integer(), nullable=False, schema="platform")
    op.drop_column("integration_calls", "app_id", schema="platform")
