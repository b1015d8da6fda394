"""Stores whether an app's GraphQL clients get wide numbers as strings

Revision: 0023
Follows: 0022
"""

import sqlalchemy as sa

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "apps",
        sa.Column("stringify_numbers", sa.Boolean(), server_default="false", nullable=False),
        schema="platform",
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_column("apps", "stringify_numbers", schema="platform")
