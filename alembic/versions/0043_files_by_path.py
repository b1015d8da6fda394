"""Lets files be stored by path, and be public

Revision: 0043
Follows: 0042
"""

import sqlalchemy as sa

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("files", sa.Column("path", sa.Text(), nullable=True), schema="platform")
    op.add_column(
        "files",
        sa.Column("is_public", sa.Boolean(), server_default="false", nullable=False),
        schema="platform",
    )
    # No file has a path yet: the index is made at once.
    op.create_index(
        "ix_files_path",
        "files",
        ["app_id", "organization_id", "path"],
        unique=True,
        schema="platform",
        postgresql_where=sa.text("path is not null"),
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_index("ix_files_path", table_name="files", schema="platform")
    op.drop_column("files", "is_public", schema="platform")
    op.drop_column("files", "path", schema="platform")
