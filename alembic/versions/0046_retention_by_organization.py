"""Indexes history by app and organization, and what refers to a run by the run; stores when sizes were read

Revision: 0046
Follows: 0045
"""

import sqlalchemy as sa

from alembic import op
from platform_api.migrations import create_small_indexes

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_runs_app_id_organization_id": "platform.runs (app_id, organization_id)",
    "ix_runs_unfinished": "platform.runs (app_id) where state in ('pending', 'claimed', 'running')",
    "ix_integration_calls_app_id_organization_id": (
        "platform.integration_calls (app_id, organization_id, id) where app_id is not null"
    ),
    "ix_webhook_deliveries_run_id": "platform.webhook_deliveries (run_id)",
    "ix_idempotency_keys_run": "platform.idempotency_keys (outcome) where subject like 'run:%'",
}
"""On a large table they are built after the migration, beside its writers."""
_REPLACED = {"ix_runs_app_id": "runs", "ix_integration_calls_app_id": "integration_calls"}


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.add_column(
        "app_retention", sa.Column("measured_at", sa.TIMESTAMP(timezone=True), nullable=True), schema="platform"
    )
    for name, table in _REPLACED.items():
        op.drop_index(name, table, schema="platform", if_exists=True)
    create_small_indexes(INDEXES)


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for name, definition in INDEXES.items():
        op.drop_index(name, definition.split(" ", 1)[0].removeprefix("platform."), schema="platform", if_exists=True)
    op.create_index("ix_runs_app_id", "runs", ["app_id"], schema="platform")
    op.drop_column("app_retention", "measured_at", schema="platform")
