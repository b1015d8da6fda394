"""Stores whether the user of an import or an export is told of its end; indexes jobs by user

Revision: 0038
Follows: 0037
"""

import sqlalchemy as sa

from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

TABLES = ("csv_imports", "csv_exports")


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table in TABLES:
        op.add_column(
            table, sa.Column("is_told", sa.Boolean(), server_default="false", nullable=False), schema="platform"
        )
        op.create_index(
            f"ix_{table}_organization_id_user_id_id", table, ["organization_id", "user_id", "id"], schema="platform"
        )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table in TABLES:
        op.drop_index(f"ix_{table}_organization_id_user_id_id", table_name=table, schema="platform")
        op.drop_column(table, "is_told", schema="platform")
