"""Adds the language servers that editors use, and tells them what changes in an app

Revision: 0030
Follows: 0029
"""

import sqlalchemy as sa

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_TRIGGERS = (
    ("app_tables", "insert or update or delete", "automio_workspace", "app_id"),
    ("source_versions", "insert", "automio_workspace", "app_id"),
    ("integrations", "insert or update or delete", "automio_workspace_of", "organization_id"),
)
_ARGUMENTS = "{table} for each row execute function platform.notify_workspace_changed('{channel}', '{column}')"


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "language_servers",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("organization_id", sa.Integer, nullable=False),
        sa.Column("app_id", sa.Integer, nullable=False),
        sa.Column("user_id", sa.Integer, nullable=False),
        sa.Column("runner_id", sa.Text),
        sa.Column("used_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("seen_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"platform.{table}.id"], name=f"fk_language_servers_{column}_{table}", ondelete="CASCADE"
            )
            for column, table in (("organization_id", "organizations"), ("app_id", "apps"), ("user_id", "users"))
        ),
        schema="platform",
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_language_servers_organization_id", "language_servers", ["organization_id"], schema="platform")
    op.add_column("runners", sa.Column("language_servers", sa.Integer), schema="platform")
    op.execute("""
    create function platform.notify_workspace_changed() returns trigger language plpgsql as $$
    begin
        perform pg_notify(tg_argv[0], to_jsonb(coalesce(new, old)) ->> tg_argv[1]);
        return null;
    end $$
    """)
    for table, events, channel, column in _TRIGGERS:
        op.execute(
            f"create trigger workspace_changed after {events} on platform."
            + _ARGUMENTS.format(table=table, channel=channel, column=column)
        )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table, *_ in _TRIGGERS:
        op.execute(f"drop trigger workspace_changed on platform.{table}")
    op.execute("drop function platform.notify_workspace_changed()")
    op.drop_column("runners", "language_servers", schema="platform")
    op.drop_table("language_servers", schema="platform")
