"""Creates actions, runs and their log lines; cache entries; mails

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TIMESTAMP = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    _create_actions()
    _create_runs()
    op.create_table(
        "run_log_lines",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", _TIMESTAMP, nullable=False),
        _foreign_key("run_log_lines", "run_id", "runs", "CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "fence", "seq", name=op.f("pk_run_log_lines")),
        schema="platform",
    )
    op.create_table(
        "cache_entries",
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("expires_at", _TIMESTAMP, nullable=True),
        _now("updated_at"),
        _foreign_key("cache_entries", "organization_id", "organizations", "CASCADE"),
        sa.PrimaryKeyConstraint("organization_id", "app_id", "key", name=op.f("pk_cache_entries")),
        schema="platform",
    )
    _index("cache_entries", ["expires_at"], where="expires_at is not null")
    _create_mails()


def _create_actions() -> None:
    op.create_table(
        "actions",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("action_type", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("table_id", sa.Integer(), nullable=True),
        sa.Column("input_schema", postgresql.JSONB(), nullable=True),
        sa.Column("limits", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("allows_retries", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("is_public", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("required_confirmation", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("last_run_number", sa.Integer(), server_default="0", nullable=False),
        _now("created_at"),
        _now("updated_at"),
        _one_of(
            "actions",
            "action_type",
            ("app_action", "user_action", "table_action", "trigger_action", "webhook_action"),
        ),
        _foreign_key("actions", "app_id", "apps", "CASCADE"),
        _foreign_key("actions", "created_by", "users", "SET NULL"),
        _foreign_key("actions", "table_id", "app_tables", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actions")),
        sa.UniqueConstraint("app_id", "slug", name=op.f("uq_actions_app_id_slug")),
        schema="platform",
    )
    _index("actions", ["table_id"])


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("app_id", sa.Integer(), nullable=False),
        sa.Column("action_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("started_by_run_id", sa.BigInteger(), nullable=True),
        sa.Column("action_type", sa.Text(), nullable=False),
        sa.Column("reaches_installs", sa.Boolean(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("bundle", sa.Text(), nullable=False),
        sa.Column("event", postgresql.JSONB(), nullable=False),
        sa.Column("environment", postgresql.JSONB(), nullable=False),
        sa.Column("limits", postgresql.JSONB(), nullable=False),
        sa.Column("allows_retries", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("starts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("runner_id", sa.Text(), nullable=True),
        sa.Column("isolation", sa.Text(), nullable=True),
        sa.Column("lease_expires_at", _TIMESTAMP, nullable=True),
        sa.Column("cancel_requested_at", _TIMESTAMP, nullable=True),
        sa.Column("progress", sa.Integer(), nullable=True),
        sa.Column("progress_info", sa.Text(), nullable=True),
        sa.Column("progress_status", sa.Text(), nullable=True),
        sa.Column("log_bytes", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("usage", postgresql.JSONB(), nullable=True),
        sa.Column("finish_digest", sa.LargeBinary(), nullable=True),
        _now("created_at"),
        sa.Column("claimed_at", _TIMESTAMP, nullable=True),
        sa.Column("started_at", _TIMESTAMP, nullable=True),
        sa.Column("finished_at", _TIMESTAMP, nullable=True),
        _one_of("runs", "state", ("pending", "claimed", "running", "completed", "failed", "stopped")),
        sa.CheckConstraint(
            "(state in ('claimed', 'running')) = (lease_expires_at is not null)",
            name=op.f("ck_runs_lease_while_held"),
        ),
        sa.CheckConstraint(
            "(state in ('completed', 'failed', 'stopped')) = (finished_at is not null)",
            name=op.f("ck_runs_end_is_dated"),
        ),
        _foreign_key("runs", "action_id", "actions", "SET NULL"),
        _foreign_key("runs", "app_id", "apps", "CASCADE"),
        _foreign_key("runs", "organization_id", "organizations", "CASCADE"),
        _foreign_key("runs", "user_id", "users", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("action_id", "number", name=op.f("uq_runs_action_id_number")),
        sa.UniqueConstraint("task_id", name=op.f("uq_runs_task_id")),
        schema="platform",
    )
    _index("runs", ["organization_id", "app_id", "id"], name="ix_runs_organization_id_app_id")
    _index("runs", ["app_id"])
    _index("runs", ["id"], name="ix_runs_pending", where="state = 'pending'")
    _index("runs", ["lease_expires_at"], name="ix_runs_lease", where="state in ('claimed', 'running')")


def _create_mails() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        _now("created_at"),
        sa.Column("sent_at", _TIMESTAMP, nullable=True),
        _one_of("mails", "state", ("stored", "pending", "sent", "failed")),
        _foreign_key("mails", "organization_id", "organizations", "CASCADE"),
        _foreign_key("mails", "user_id", "users", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        schema="platform",
    )
    _index("mails", ["organization_id", "user_id", "id"], name="ix_mails_organization_id_user_id")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table in ("mails", "cache_entries", "run_log_lines", "runs", "actions"):
        op.drop_table(table, schema="platform")


def _now(name: str) -> sa.Column:
    return sa.Column(name, _TIMESTAMP, server_default=sa.text("now()"), nullable=False)


def _one_of(table: str, column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} in ({listed})", name=op.f(f"ck_{table}_{column}_known"))


def _foreign_key(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"platform.{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"), ondelete=ondelete
    )


def _index(table: str, columns: list[str], *, name: str | None = None, where: str | None = None) -> None:
    op.create_index(
        name or f"ix_{table}_{'_'.join(columns)}",
        table,
        columns,
        schema="platform",
        postgresql_where=sa.text(where) if where else None,
    )
