"""Creates plugin interfaces, plugins, their versions, bundles with plugins

Revision: 0011
Follows: 0010
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "plugin_interfaces",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("namespace", sa.String(50), nullable=False),
        sa.Column("title", sa.String(150), server_default="", nullable=False),
        sa.Column("capabilities", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        _foreign_key("plugin_interfaces", "organization_id", "organizations", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plugin_interfaces")),
        sa.UniqueConstraint(
            "organization_id", "namespace", name=op.f("uq_plugin_interfaces_organization_id_namespace")
        ),
        schema="platform",
    )
    op.create_table(
        "plugins",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("interface_id", sa.Integer(), nullable=False),
        sa.Column("integration_id", sa.String(100), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        sa.Column("is_visible", sa.Boolean(), nullable=False),
        sa.Column("connection_ids", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _now("created_at"),
        _now("updated_at"),
        _foreign_key("plugins", "organization_id", "organizations", "CASCADE"),
        _foreign_key("plugins", "interface_id", "plugin_interfaces", None),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plugins")),
        sa.UniqueConstraint("interface_id", "integration_id", name=op.f("uq_plugins_interface_id_integration_id")),
        schema="platform",
    )
    op.create_index(op.f("ix_plugins_organization_id"), "plugins", ["organization_id"], schema="platform")
    op.create_table(
        "plugin_interface_versions",
        sa.Column("interface_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("capabilities", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        _now("created_at"),
        _foreign_key("plugin_interface_versions", "interface_id", "plugin_interfaces", "CASCADE"),
        _foreign_key("plugin_interface_versions", "author_id", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("interface_id", "number", name=op.f("pk_plugin_interface_versions")),
        schema="platform",
    )
    op.create_table(
        "plugin_versions",
        sa.Column("plugin_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=True),
        _now("created_at"),
        _foreign_key("plugin_versions", "plugin_id", "plugins", "CASCADE"),
        _foreign_key("plugin_versions", "author_id", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("plugin_id", "number", name=op.f("pk_plugin_versions")),
        schema="platform",
    )
    op.create_table(
        "plugin_bundles",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("source_digest", sa.Text(), nullable=False),
        sa.Column("modules", postgresql.JSONB(), nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_plugin_bundles")),
        schema="platform",
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table in (
        "plugin_bundles",
        "plugin_versions",
        "plugin_interface_versions",
        "plugins",
        "plugin_interfaces",
    ):
        op.drop_table(table, schema="platform")


def _now(name: str) -> sa.Column:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False)


def _foreign_key(table: str, column: str, target: str, ondelete: str | None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"platform.{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"), ondelete=ondelete
    )
