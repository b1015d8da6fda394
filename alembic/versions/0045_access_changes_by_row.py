"""Sends notifications of access for rows that changed: a statement that changes none tells nobody

Revision: 0045
Follows: 0044
"""

from sqlalchemy import text

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_TRIGGERS = text(
    "select tgrelid::regclass::text, pg_get_triggerdef(oid) from pg_trigger"
    " where tgfoid = 'platform.notify_access_changed'::regproc order by 1"
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    _fire("STATEMENT", "ROW")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    _fire("ROW", "STATEMENT")


def _fire(before: str, after: str) -> None:
    """Makes the triggers again as they are, but for how often they fire; equal payloads of a commit are sent once."""
    for table, definition in op.get_bind().execute(_TRIGGERS).all():
        op.execute(f"drop trigger access_changed on {table}")
        op.execute(definition.replace(f"FOR EACH {before}", f"FOR EACH {after}"))
