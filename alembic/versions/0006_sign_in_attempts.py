"""Counts recent sign-in attempts, against guessing passwords

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "sign_in_attempts",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("since", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in_attempts")),
        schema="platform",
        # A crash may forget the counts; writing them to the log on every attempt would cost more than that.
        prefixes=["UNLOGGED"],
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("sign_in_attempts", schema="platform")
