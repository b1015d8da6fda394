"""Adds the indexes of lists that are read part by part

Revision: 0029
Follows: 0026
"""

import sqlalchemy as sa

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_index("ix_app_tables_app_id_id", "app_tables", ["app_id", "id"], schema="platform")
    op.create_index(
        "ix_apps_public",
        "apps",
        [sa.text("lower(name)"), "id"],
        schema="platform",
        postgresql_where=sa.text("is_public and is_active"),
    )
    op.create_index(
        "ix_tokens_listed",
        "tokens",
        ["organization_id", "id"],
        schema="platform",
        postgresql_where=sa.text("kind <> 'run'"),
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_index("ix_tokens_listed", "tokens", schema="platform")
    op.drop_index("ix_apps_public", "apps", schema="platform")
    op.drop_index("ix_app_tables_app_id_id", "app_tables", schema="platform")
