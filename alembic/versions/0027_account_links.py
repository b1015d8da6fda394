"""Stores invitations, password resets and set-up codes; says of a sign-in where it is and when it was last used

Revision: 0027
Follows: 0026
"""

import sqlalchemy as sa

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# What changes access. When something was last used does not: with that, everybody's remembered rights (0007) would be
# forgotten again and again.
_ACCESS = {"memberships": "user_id, organization_id, role", "sign_ins": "digest, user_id, expires_at"}


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    # A default of its own for each row writes the table anew: it holds the sign-ins of two weeks, which is quick.
    _add("sign_ins", sa.Column("id", sa.Uuid(), server_default=sa.func.gen_random_uuid(), nullable=False))
    _add("sign_ins", sa.Column("last_used_at", sa.TIMESTAMP(timezone=True), nullable=True))
    for name in ("user_agent", "address"):
        _add("sign_ins", sa.Column(name, sa.Text(), server_default="", nullable=False))
    _add("memberships", sa.Column("last_seen_at", sa.TIMESTAMP(timezone=True), nullable=True))
    for table, columns in _ACCESS.items():
        _notify_of_access(table, f"update of {columns} or delete")
    op.create_table(
        "invitations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("invited_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.Integer(), nullable=True),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("role in ('owner', 'builder', 'member')", name=op.f("ck_invitations_role_known")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_invitations_email_lower")),
        _foreign_key("invitations", "organization_id", "organizations"),
        _foreign_key("invitations", "invited_by", "users", ondelete="SET NULL"),
        _foreign_key("invitations", "accepted_by", "users", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        schema="platform",
    )
    _index("invitations", "organization_id", "id")
    _index("invitations", "invited_by")
    _index("invitations", "accepted_by")
    op.create_table(
        "invitation_links",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("invitation_id", sa.BigInteger(), nullable=False),
        _foreign_key("invitation_links", "invitation_id", "invitations"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_invitation_links")),
        schema="platform",
    )
    _index("invitation_links", "invitation_id")
    op.create_table(
        "password_resets",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        _foreign_key("password_resets", "user_id", "users"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_password_resets")),
        schema="platform",
    )
    _index("password_resets", "user_id")
    op.create_table(
        "set_up_codes",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_set_up_codes")),
        schema="platform",
    )


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table in ("set_up_codes", "password_resets", "invitation_links", "invitations"):
        op.drop_table(table, schema="platform")
    for table in _ACCESS:
        _notify_of_access(table, "update or delete")
    op.drop_column("memberships", "last_seen_at", schema="platform")
    for name in ("address", "user_agent", "last_used_at", "id"):
        op.drop_column("sign_ins", name, schema="platform")


def _notify_of_access(table: str, events: str) -> None:
    op.execute(f"drop trigger access_changed on platform.{table}")
    op.execute(
        f"create trigger access_changed after {events} on platform.{table}"
        " for each statement execute function platform.notify_access_changed()"
    )


def _add(table: str, column: sa.Column) -> None:
    op.add_column(table, column, schema="platform")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns), schema="platform")


def _foreign_key(table: str, column: str, target: str, *, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"platform.{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"), ondelete=ondelete
    )
