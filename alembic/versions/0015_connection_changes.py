"""Sends notifications of changed connections and definitions, so that no process remembers them for long

Revision: 0015
Follows: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_TABLES = ("connections", "integrations")


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.execute(
        """
        create function platform.notify_connections_changed() returns trigger language plpgsql as $$
        begin
            perform pg_notify('automio_connections', '');
            return null;
        end
        $$
        """
    )
    for table in _TABLES:
        # New ones count too: the default connection may be another, a definition may replace a built-in one.
        op.execute(
            f"create trigger connections_changed after insert or update or delete on platform.{table}"
            " for each statement execute function platform.notify_connections_changed()"
        )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table in _TABLES:
        op.execute(f"drop trigger connections_changed on platform.{table}")
    op.execute("drop function platform.notify_connections_changed()")
