"""Adds schedules of actions, and runs of unsaved source

Revision: 0034
Follows: 0032
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op
from platform_api.migrations import create_small_indexes

revision = "0034"
down_revision = "0032"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_runs_trigger_id": (
        "platform.runs (trigger_id) where trigger_id is not null and state in ('pending', 'claimed', 'running')"
    ),
}
"""On a large table they are built after the migration, beside its writers."""


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column("runs", sa.Column("trigger_id", sa.BigInteger(), nullable=True), schema="platform")
    op.add_column(
        "runs", sa.Column("is_draft", sa.Boolean(), server_default="false", nullable=False), schema="platform"
    )
    create_small_indexes(INDEXES)
    op.create_table(
        "run_drafts",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("files", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run_drafts")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["platform.runs.id"], name=op.f("fk_run_drafts_run_id_runs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["app_id"], ["platform.apps.id"], name=op.f("fk_run_drafts_app_id_apps"), ondelete="CASCADE"
        ),
        schema="platform",
    )
    op.create_index("ix_run_drafts_digest", "run_drafts", ["digest"], schema="platform")
    op.create_index("ix_run_drafts_app_id", "run_drafts", ["app_id", "run_id"], schema="platform")
    _create_triggers()


def _create_triggers() -> None:
    op.create_table(
        "triggers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("installed_organization_id", sa.Integer(), nullable=True),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("action_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("schedule", postgresql.JSONB(), nullable=False),
        sa.Column("input", postgresql.JSONB(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("next_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("waiting_since", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("waiting_ticks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_run_id", sa.BigInteger(), nullable=True),
        sa.Column("last_skip_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_skip_reason", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triggers")),
        sa.CheckConstraint("kind in ('schedule')", name=op.f("ck_triggers_kind_known")),
        sa.CheckConstraint(
            "installed_organization_id is null or installed_organization_id = organization_id",
            name=op.f("ck_triggers_one_organization"),
        ),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"platform.{table}.id"],
                name=op.f(f"fk_triggers_{column}_{table}"),
                ondelete=on_delete,
            )
            for column, table, on_delete in (
                ("organization_id", "organizations", "CASCADE"),
                ("app_id", "apps", "CASCADE"),
                ("action_id", "actions", "CASCADE"),
                ("created_by", "users", "SET NULL"),
                ("user_id", "users", "SET NULL"),
            )
        ),
        sa.ForeignKeyConstraint(
            ["app_id", "installed_organization_id"],
            ["platform.installs.app_id", "platform.installs.organization_id"],
            name="fk_triggers_install",
            ondelete="CASCADE",
        ),
        schema="platform",
    )
    for columns in (
        ["organization_id", "app_id", "action_id", "id"],
        ["app_id", "installed_organization_id"],
        ["action_id"],
        ["user_id"],
        ["created_by"],
    ):
        op.create_index(f"ix_triggers_{'_'.join(columns)}", "triggers", columns, schema="platform")
    for column in ("next_at", "waiting_since"):
        op.create_index(
            f"ix_triggers_{column}",
            "triggers",
            [column],
            schema="platform",
            postgresql_where=sa.text(f"{column} is not null"),
        )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_table("triggers", schema="platform")
    op.drop_table("run_drafts", schema="platform")
    op.execute("drop index if exists platform.ix_runs_trigger_id")
    op.drop_column("runs", "is_draft", schema="platform")
    op.drop_column("runs", "trigger_id", schema="platform")
