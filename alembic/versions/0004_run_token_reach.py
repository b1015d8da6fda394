"""Lets run tokens reach every install of their app

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_CHECK = "ck_tokens_only_runs_reach_installs"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    column = sa.Column("reaches_installs", sa.Boolean(), server_default="false", nullable=False)
    op.add_column("tokens", column, schema="platform")
    op.create_check_constraint(op.f(_CHECK), "tokens", "kind = 'run' or not reaches_installs", schema="platform")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_constraint(op.f(_CHECK), "tokens", schema="platform")
    op.drop_column("tokens", "reaches_installs", schema="platform")
