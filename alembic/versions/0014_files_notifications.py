"""Creates application files with the objects they leave behind, and in-app notifications

Revision: 0014
Follows: 0013
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "files",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("size >= 0", name=op.f("ck_files_size_not_negative")),
        sa.ForeignKeyConstraint(
            ["app_id"], ["platform.apps.id"], name=op.f("fk_files_app_id_apps"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["platform.organizations.id"],
            name=op.f("fk_files_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["platform.users.id"], name=op.f("fk_files_created_by_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("object_key", name=op.f("uq_files_object_key")),
        schema="platform",
    )
    op.create_index(
        op.f("ix_files_app_id_organization_id_id"), "files", ["app_id", "organization_id", "id"], schema="platform"
    )
    op.create_index(
        op.f("ix_files_organization_id"),
        "files",
        ["organization_id"],
        schema="platform",
        postgresql_include=["size"],
    )
    op.create_table(
        "file_leftovers",
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("remove_after", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("object_key", name=op.f("pk_file_leftovers")),
        schema="platform",
    )
    op.create_index(op.f("ix_file_leftovers_remove_after"), "file_leftovers", ["remove_after"], schema="platform")
    # Also for files that go with their app or organization.
    op.execute(
        """
        create function platform.leave_object() returns trigger language plpgsql as $$
        begin
            insert into platform.file_leftovers (object_key, remove_after) values (old.object_key, now())
            on conflict (object_key) do nothing;
            return null;
        end
        $$
        """
    )
    op.execute(
        "create trigger object_left after delete on platform.files"
        " for each row execute function platform.leave_object()"
    )
    op.create_table(
        "notifications",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=True),
        sa.Column("actions", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("read_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind in ('info', 'success', 'warning', 'error')", name=op.f("ck_notifications_kind_known")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["platform.organizations.id"],
            name=op.f("fk_notifications_organization_id_organizations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["platform.users.id"], name=op.f("fk_notifications_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["app_id"], ["platform.apps.id"], name=op.f("fk_notifications_app_id_apps"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        schema="platform",
    )
    op.create_index(
        op.f("ix_notifications_organization_id_user_id_id"),
        "notifications",
        ["organization_id", "user_id", "id"],
        schema="platform",
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("notifications", schema="platform")
    op.drop_table("files", schema="platform")
    op.execute("drop function platform.leave_object()")
    op.drop_table("file_leftovers", schema="platform")
