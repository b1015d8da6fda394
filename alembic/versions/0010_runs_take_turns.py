"""Indexes waiting runs by organization, so that organizations take turns

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    _replace(["organization_id", "id"])


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    _replace(["id"])


def _replace(columns: list[str]) -> None:
    op.drop_index("ix_runs_pending", "runs", schema="platform")
    op.create_index(
        "ix_runs_pending", "runs", columns, schema="platform", postgresql_where=sa.text("state = 'pending'")
    )
