"""Creates apps, their source versions and installs

Revision: 0002
Follows: 0001
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "apps",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.String(150), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("icon", sa.Text(), server_default="", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("is_public", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("is_open_source", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("forked_from", sa.Integer(), nullable=True),
        _now("created_at"),
        _now("updated_at"),
        _foreign_key("apps", "forked_from", "apps", "SET NULL"),
        _foreign_key("apps", "organization_id", "organizations", None),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_apps")),
        sa.UniqueConstraint("slug", name=op.f("uq_apps_slug")),
        schema="platform",
    )
    op.create_index("ix_apps_organization_id", "apps", ["organization_id"], schema="platform")
    op.create_table(
        "source_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("manifest", postgresql.JSONB(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        _now("created_at"),
        _foreign_key("source_versions", "app_id", "apps", "CASCADE"),
        _foreign_key("source_versions", "author_id", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_versions")),
        sa.UniqueConstraint("app_id", "number", name=op.f("uq_source_versions_app_id_number")),
        schema="platform",
    )
    op.create_index("ix_source_versions_digest", "source_versions", ["digest"], schema="platform")
    op.create_table(
        "source_files",
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        _foreign_key("source_files", "app_id", "apps", "CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "digest", name=op.f("pk_source_files")),
        schema="platform",
    )
    op.create_table(
        "installs",
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("installed_by", sa.Integer(), nullable=True),
        sa.Column("accepted_access", sa.Text(), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        sa.CheckConstraint("status in ('active', 'suspended')", name=op.f("ck_installs_status_known")),
        _foreign_key("installs", "app_id", "apps", "CASCADE"),
        _foreign_key("installs", "installed_by", "users", "SET NULL"),
        _foreign_key("installs", "organization_id", "organizations", "CASCADE"),
        sa.PrimaryKeyConstraint("app_id", "organization_id", name=op.f("pk_installs")),
        schema="platform",
    )
    op.create_index("ix_installs_organization_id", "installs", ["organization_id"], schema="platform")
    op.create_foreign_key(
        op.f("fk_tokens_app_id_apps"),
        "tokens",
        "apps",
        ["app_id"],
        ["id"],
        source_schema="platform",
        referent_schema="platform",
        ondelete="CASCADE",
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_constraint(op.f("fk_tokens_app_id_apps"), "tokens", schema="platform")
    for table in ("installs", "source_files", "source_versions", "apps"):
        op.drop_table(table, schema="platform")


def _now(name: str) -> sa.Column:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False)


def _foreign_key(table: str, column: str, target: str, ondelete: str | None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"platform.{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"), ondelete=ondelete
    )
