"""Stores counters of rate limits, and the origins whose pages may call an app

Revision: 0018
Follows: 0017
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "rate_counters",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_counters")),
        schema="platform",
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "rate_entries",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", "slot", name=op.f("pk_rate_entries")),
        schema="platform",
        prefixes=["UNLOGGED"],
    )
    # The counter's row is locked first; each statement after it sees what the one before in line has written.
    op.execute(
        """
        create function platform.acquire_rate_entries(
            wanted_key text, most integer, seconds double precision, amount integer
        ) returns boolean language plpgsql as $$
        declare
            so_far bigint;
            leaving timestamptz;
            moment timestamptz;
        begin
            if amount > most then
                return false;
            end if;
            insert into platform.rate_counters as present (key, counted, expires_at)
            values (wanted_key, 0, clock_timestamp() + make_interval(secs => seconds))
            on conflict (key) do update set counted = present.counted
            returning counted into so_far;
            moment := clock_timestamp();
            if so_far + amount > most then
                select made_at into leaving from platform.rate_entries
                where key = wanted_key and slot = (so_far + amount - 1) % most;
                if leaving > moment - make_interval(secs => seconds) then
                    return false;
                end if;
            end if;
            insert into platform.rate_entries (key, slot, made_at)
            select wanted_key, (so_far + number) % most, moment from generate_series(0, amount - 1) number
            on conflict (key, slot) do update set made_at = excluded.made_at;
            update platform.rate_counters
            set counted = so_far + amount, expires_at = moment + make_interval(secs => seconds)
            where key = wanted_key;
            return true;
        end
        $$
        """
    )
    op.add_column(
        "apps",
        sa.Column("cors_origins", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        schema="platform",
    )
    op.create_index(op.f("ix_apps_cors_origins"), "apps", ["cors_origins"], schema="platform", postgresql_using="gin")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    op.drop_index(op.f("ix_apps_cors_origins"), "apps", schema="platform")
    op.drop_column("apps", "cors_origins", schema="platform")
    op.execute("drop function platform.acquire_rate_entries")
    op.drop_table("rate_entries", schema="platform")
    op.drop_table("rate_counters", schema="platform")
