"""Stores documents: saved views of tables, and drafts

Revision: 0035
Follows: 0034
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "documents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=True),
        sa.Column("table_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("kind in ('view', 'draft')", name=op.f("ck_documents_kind_known")),
        sa.CheckConstraint("(kind = 'view') = (table_id is not null)", name=op.f("ck_documents_view_of_table")),
        sa.CheckConstraint("kind = 'view' or not is_shared", name=op.f("ck_documents_drafts_private")),
        _foreign_key("organization_id", "organizations"),
        _foreign_key("owner_id", "users"),
        _foreign_key("app_id", "apps"),
        _foreign_key("table_id", "app_tables"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        schema="platform",
    )
    name = sa.text("lower(name)")
    _unique("shared_views", ["organization_id", "table_id", name], "kind = 'view' and is_shared")
    _unique("own_views", ["organization_id", "table_id", "owner_id", name], "kind = 'view' and not is_shared")
    _unique("drafts", ["organization_id", "owner_id", "name", sa.text("coalesce(app_id, 0)")], "kind = 'draft'")
    for column in ("table_id", "app_id", "owner_id"):
        op.create_index(f"ix_documents_{column}", "documents", [column], schema="platform")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("documents", schema="platform")


def _unique(name: str, columns: list[str | sa.TextClause], where: str) -> None:
    op.create_index(
        f"uq_documents_{name}",
        "documents",
        columns,
        schema="platform",
        unique=True,
        postgresql_where=sa.text(where),
    )


def _foreign_key(column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column],
        [f"platform.{target}.id"],
        name=op.f(f"fk_documents_{column}_{target}"),
        ondelete="CASCADE",
    )
