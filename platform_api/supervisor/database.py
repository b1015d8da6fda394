"""Creates the platform's database in the embedded PostgreSQL as the superuser, which the platform itself is not."""

import secrets
from pathlib import Path

import asyncpg

from platform_api.supervisor.postgres import EmbeddedPostgres

DATABASE = "automio"
LOGIN = "automio"
# Owns the app tables and has no rights on the platform's own; the GraphQL engine works as this role.
ENGINE_ROLE = "automio_engine"


async def ensure_database(server: EmbeddedPostgres) -> str:
    """Creates login, engine role, database and extensions where missing; returns the platform's database URL.

    Every step looks before it creates, so an interrupted first start is completed by the next one.
    """
    password = _login_password(server.paths.root / "login-password")
    connection = await asyncpg.connect(server.url())
    try:
        await _ensure_role(connection, LOGIN, "login", password)
        await _ensure_role(connection, ENGINE_ROLE, "nologin", None)
        await connection.execute(f"grant {ENGINE_ROLE} to {LOGIN}")
        if not await connection.fetchval("select true from pg_database where datname = $1", DATABASE):
            await connection.execute(f"create database {DATABASE} owner {LOGIN}")
    finally:
        await connection.close()
    connection = await asyncpg.connect(server.url(DATABASE))
    try:
        # Not a trusted extension: only a superuser may create it. Trusted ones an administrator creates through the
        # engine, whose role needs this right for it.
        await connection.execute("create extension if not exists vector")
        await connection.execute(f"grant create on database {DATABASE} to {ENGINE_ROLE}")
    finally:
        await connection.close()
    return server.url(DATABASE, user=LOGIN, password=password)


def _login_password(file: Path) -> str:
    if not file.exists():
        staging = file.with_suffix(".new")
        staging.touch(mode=0o600)
        staging.write_text(secrets.token_urlsafe(24))
        staging.rename(file)
    return file.read_text().strip()


async def _ensure_role(connection: asyncpg.Connection, name: str, kind: str, password: str | None) -> None:
    if await connection.fetchval("select true from pg_roles where rolname = $1", name):
        return
    # A role's statement takes no parameters; PostgreSQL itself quotes the values for us.
    statement = await connection.fetchval(
        "select format('create role %I %s password %L', $1::text, $2::text, $3::text)", name, kind, password
    )
    await connection.execute(statement)
