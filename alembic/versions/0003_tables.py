"""Creates app tables, tags, outbox; the trigger function of app tables

Revision: 0003
Follows: 0002
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Owned by the engine's role, like the tables whose triggers call it.
_TOUCH_FUNCTION = """
create function public.automio_touch_updated_at() returns trigger language plpgsql as $$
begin
    new.updated_at = clock_timestamp();
    return new;
end
$$
"""


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "app_tables",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        _foreign_key("app_tables", "app_id", "apps", "RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_tables")),
        sa.UniqueConstraint("app_id", "name", name=op.f("uq_app_tables_app_id_name")),
        schema="platform",
    )
    op.create_table(
        "table_tags",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("table_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("color", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("count", sa.Integer(), server_default="1", nullable=False),
        _now("created_at"),
        _now("updated_at"),
        _foreign_key("table_tags", "organization_id", "organizations", "CASCADE"),
        _foreign_key("table_tags", "table_id", "app_tables", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_table_tags")),
        sa.UniqueConstraint(
            "organization_id", "table_id", "name", name=op.f("uq_table_tags_organization_id_table_id_name")
        ),
        schema="platform",
    )
    op.create_index("ix_table_tags_table_id", "table_tags", ["table_id"], schema="platform")
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("payload", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _now("created_at"),
        _now("available_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("topic", "key", name=op.f("uq_outbox_topic_key")),
        schema="platform",
    )
    op.create_index("ix_outbox_topic_available_at", "outbox", ["topic", "available_at"], schema="platform")
    op.execute("set local role automio_engine")
    op.execute(_TOUCH_FUNCTION)
    op.execute("set local role none")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table in ("outbox", "table_tags", "app_tables"):
        op.drop_table(table, schema="platform")
    op.execute("set local role automio_engine")
    op.execute("drop function public.automio_touch_updated_at()")
    op.execute("set local role none")


def _now(name: str) -> sa.Column:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False)


def _foreign_key(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"platform.{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"), ondelete=ondelete
    )
