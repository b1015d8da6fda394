"""Creates the repair lists of imports

Revision: 0031
Follows: 0030
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for name in ("repairable", "repaired"):
        column = sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
        op.add_column("csv_imports", column, schema="platform")
    op.create_table(
        "csv_rejected_rows",
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("cells", postgresql.JSONB(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("repaired_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"],
            ["platform.csv_imports.id"],
            name=op.f("fk_csv_rejected_rows_import_id_csv_imports"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["platform.organizations.id"],
            name=op.f("fk_csv_rejected_rows_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_csv_rejected_rows")),
        schema="platform",
    )
    op.create_index("ix_csv_rejected_rows_created_at", "csv_rejected_rows", ["created_at"], schema="platform")
    op.create_index(
        "ix_csv_rejected_rows_organization_id", "csv_rejected_rows", ["organization_id"], schema="platform"
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("csv_rejected_rows", schema="platform")
    for name in ("repaired", "repairable"):
        op.drop_column("csv_imports", name, schema="platform")
