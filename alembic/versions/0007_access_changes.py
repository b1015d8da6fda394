"""Sends notifications of ended tokens, memberships, sign-ins and installs, so that no process remembers them for long

Revision: 0007
Follows: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# The payload names the token by its digest; an empty one means that anything may have changed.
_FUNCTIONS = (
    """
    create function platform.notify_token_changed() returns trigger language plpgsql as $$
    begin
        perform pg_notify('automio_access', encode(old.digest, 'hex'));
        return null;
    end
    $$
    """,
    """
    create function platform.notify_access_changed() returns trigger language plpgsql as $$
    begin
        perform pg_notify('automio_access', '');
        return null;
    end
    $$
    """,
)
_TABLES = ("users", "memberships", "sign_ins", "apps", "installs")


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for function in _FUNCTIONS:
        op.execute(function)
    op.execute(
        "create trigger access_changed after update or delete on platform.tokens"
        " for each row execute function platform.notify_token_changed()"
    )
    for table in _TABLES:
        events = "insert or update or delete" if table == "installs" else "update or delete"
        op.execute(
            f"create trigger access_changed after {events} on platform.{table}"
            " for each statement execute function platform.notify_access_changed()"
        )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table in ("tokens", *_TABLES):
        op.execute(f"drop trigger access_changed on platform.{table}")
    op.execute("drop function platform.notify_access_changed()")
    op.execute("drop function platform.notify_token_changed()")
