"""Creates the roles and schemas of an installation; organizations, users, memberships, tokens, sign-ins

Revision: 0001
Follows:
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The engine's role may exist already: roles belong to the whole server, this migration to one database.
_ENGINE_ROLE = (
    """
    do $$
    begin
      if not exists (select from pg_roles where rolname = 'automio_engine') then
        create role automio_engine nologin;
      end if;
    exception
      when duplicate_object or unique_violation then null;  -- made by another database's migration just now
      when insufficient_privilege then
        raise exception 'the login % may not create roles', current_user
          using hint = format('as an administrator run: create role automio_engine nologin;'
                              ' grant automio_engine to %I', current_user);
    end $$
    """,
    """
    do $$
    begin
      -- The right to administer the role, which its creator has, does not include acting as it.
      if not exists (
        select from pg_auth_members
        where roleid = 'automio_engine'::regrole and member = current_user::regrole and not admin_option
      ) then
        execute format('grant automio_engine to %I', current_user);
      end if;
    exception
      when insufficient_privilege then
        raise exception 'the login % may not act as automio_engine', current_user
          using hint = format('as an administrator run: grant automio_engine to %I', current_user);
    end $$
    """,
    "grant usage, create on schema public to automio_engine",
    "create schema if not exists automio_engine authorization automio_engine",
)


def upgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for statement in _ENGINE_ROLE:
        op.execute(statement)
    op.create_table(
        "organizations",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *_timestamps(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
        sa.UniqueConstraint("slug", name=op.f("uq_organizations_slug")),
        schema="platform",
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("is_operator", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        *_timestamps(),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_users_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        schema="platform",
    )
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        *_timestamps(),
        sa.CheckConstraint("role in ('owner', 'builder', 'member')", name=op.f("ck_memberships_role_known")),
        _foreign_key("memberships", "organization_id", "organizations"),
        _foreign_key("memberships", "user_id", "users"),
        sa.PrimaryKeyConstraint("user_id", "organization_id", name=op.f("pk_memberships")),
        schema="platform",
    )
    op.create_index("ix_memberships_organization_id", "memberships", ["organization_id"], schema="platform")
    op.create_table(
        "tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default="", nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("app_id", sa.Integer(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('app', 'run', 'runner')", name=op.f("ck_tokens_kind_known")),
        sa.CheckConstraint(
            "kind = 'runner' or (organization_id is not null and user_id is not null)",
            name=op.f("ck_tokens_belongs_to_member"),
        ),
        sa.CheckConstraint("(kind = 'run') = (run_id is not null)", name=op.f("ck_tokens_run_token_names_run")),
        _foreign_key("tokens", "organization_id", "organizations"),
        _foreign_key("tokens", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
        schema="platform",
    )
    for column in ("organization_id", "user_id", "run_id"):
        op.create_index(f"ix_tokens_{column}", "tokens", [column], schema="platform")
    op.create_table(
        "sign_ins",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        _foreign_key("sign_ins", "user_id", "users"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_ins")),
        schema="platform",
    )
    op.create_index("ix_sign_ins_user_id", "sign_ins", ["user_id"], schema="platform")


def downgrade() -> None:
    op.execute("set local lock_timeout = '5s'")
    for table in ("sign_ins", "tokens", "memberships", "users", "organizations"):
        op.drop_table(table, schema="platform")


def _timestamps() -> list[sa.Column]:
    return [
        sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    ]


def _foreign_key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"platform.{target}.id"], name=op.f(f"fk_{table}_{column}_{target}"), ondelete="CASCADE"
    )
