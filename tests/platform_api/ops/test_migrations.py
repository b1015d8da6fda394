"""The migrations: they build what the models say, once, as an ordinary login, from checkout and wheel."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

import platform_api
from alembic import command
from platform_api import migrations
from platform_api.core.database import Database
from platform_api.migrations import alembic_config, migrate
from platform_api.schema_state import is_current, latest_revision, script_location
from platform_api.supervisor.postgres import EmbeddedPostgres
from platform_api.tables.ddl.statements import SYSTEM_INDEXES
from platform_api.tables.names import PhysicalNames

pytestmark = pytest.mark.anyio


async def test_the_migrations_build_exactly_what_the_models_say(platform_database_url: str) -> None:
    database = Database(platform_database_url)
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: command.check(alembic_config(sync)))
    await database.close()


async def test_every_migration_can_be_taken_back_and_made_again(platform_database_url: str) -> None:
    database = Database(platform_database_url)
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "base"))
        left = await connection.scalar(text("select count(*) from pg_tables where schemaname = 'platform'"))
        assert left == 1, "only alembic's own table stays"
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "heads"))
        await connection.run_sync(lambda sync: command.check(alembic_config(sync)))
    await database.close()


def test_the_migrations_have_one_head() -> None:
    assert len(ScriptDirectory.from_config(alembic_config()).get_heads()) == 1


def test_the_latest_revision_is_known_without_reading_the_scripts() -> None:
    assert [latest_revision()] == ScriptDirectory.from_config(alembic_config()).get_heads()


async def test_a_start_migrates_unless_everything_is_there(database_url: str) -> None:
    assert not await is_current(database_url)
    await migrate(database_url)
    assert await is_current(database_url)
    database = Database(database_url)
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "-1"))
    assert not await is_current(database_url)
    # The migrations have run, and whoever builds the indexes of large tables was interrupted.
    async with database.engine.begin() as connection:
        await connection.execute(text("comment on table platform.alembic_version is null"))
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "heads"))
    assert not await is_current(database_url)
    await migrate(database_url)
    assert await is_current(database_url)
    async with database.engine.begin() as connection:
        await connection.execute(text("update platform.alembic_version set version_num = '9999'"))
    assert not await is_current(database_url), "a database of a later release is refused by Alembic"
    await database.close()


def test_every_migration_waits_only_shortly_for_locks() -> None:
    for script in (script_location() / "versions").glob("*.py"):
        text = script.read_text()
        assert text.count("set local lock_timeout") >= 2, f"{script.name}: upgrade and downgrade set a lock_timeout"


async def test_migrating_again_or_in_two_processes_at_once_changes_nothing(database_url: str) -> None:
    code = "from platform_api.ops.cli import migrate; migrate()"
    arguments = [sys.executable, "-c", code, "--database-url", database_url]
    both = [await asyncio.create_subprocess_exec(*arguments) for _ in range(2)]
    assert [await process.wait() for process in both] == [0, 0]
    await migrate(database_url)
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("select count(*) from platform.alembic_version") == 1
    await connection.close()


async def test_indexes_of_large_tables_are_built_beside_the_migrations_also_after_an_interruption(
    platform_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(platform_database_url)
    connection = await asyncpg.connect(platform_database_url)
    state = (
        "select relname, indisvalid from pg_index join pg_class on oid = indexrelid where relname like 'ix_runs_%'"
    )
    before = await connection.fetch(f"{state} order by relname")
    # So that every table is a large one.
    monkeypatch.setattr(migrations, "_MAX_SMALL_ROWS", -1)
    async with database.engine.begin() as sync_connection:
        await sync_connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "0026"))
        await sync_connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "heads"))
    assert len(await connection.fetch(state)) == len(before) - 6
    # As an interrupted building leaves it: there, and invalid.
    await connection.execute("insert into platform.runners (id, isolation, seen_at) values ('a', 'none', now())")
    await connection.execute("insert into platform.runners (id, isolation, seen_at) values ('b', 'none', now())")
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute("create unique index concurrently ix_runs_changed on platform.runners (isolation)")
    await migrate(platform_database_url)
    assert await connection.fetch(f"{state} order by relname") == before
    async with database.engine.begin() as sync_connection:
        await sync_connection.run_sync(lambda sync: command.check(alembic_config(sync)))
    await connection.close()
    await database.close()


async def test_app_tables_of_before_get_their_indexes(platform_database_url: str) -> None:
    connection = await asyncpg.connect(platform_database_url)
    await connection.execute("insert into platform.organizations (name, slug) values ('a', 'a')")
    await connection.execute(
        "insert into platform.apps (organization_id, slug, name) select id, 'shop', 'a' from platform.organizations"
    )
    name = "x" * 40 + "Lines"
    app = await connection.fetchval(
        "insert into platform.app_tables (app_id, name, definition) select id, $1, '{}' from platform.apps"
        " returning app_id",
        name,
    )
    table = PhysicalNames(app, name)
    await connection.execute("set role automio_engine")
    columns = "id uuid, organization_id int, created_at timestamptz, updated_at timestamptz"
    await connection.execute(f'create table public."{table.table}" ({columns})')
    await connection.execute("reset role")
    await migrate(platform_database_url)
    found = await connection.fetch("select indexname, indexdef from pg_indexes where tablename = $1", table.table)
    assert {row["indexname"] for row in found} == {table.index(columns) for columns in SYSTEM_INDEXES}
    assert all("(organization_id, " in row["indexdef"] for row in found)
    await migrate(platform_database_url)
    assert (
        await connection.fetch("select indexname, indexdef from pg_indexes where tablename = $1", table.table)
        == found
    )
    await connection.close()


async def test_the_engines_role_owns_app_tables_and_cannot_read_the_platforms(platform_database_url: str) -> None:
    connection = await asyncpg.connect(platform_database_url)
    assert not await connection.fetchval("select rolsuper from pg_roles where rolname = current_user")
    await connection.execute("set role automio_engine")
    await connection.execute("create table public.app_1_orders (id int); create table automio_engine.state (id int)")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("select * from platform.tokens")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute("create table platform.mine (id int)")
    await connection.execute("reset role")
    assert await connection.fetch("select * from public.app_1_orders") == []
    await connection.close()


async def test_a_login_without_the_right_to_make_roles_is_told_what_to_run(
    postgres: EmbeddedPostgres, database_url: str
) -> None:
    url = database_url
    name = url.split("@/")[1].split("?")[0]
    admin = await asyncpg.connect(url)
    await admin.execute("create role powerless login password 'p'")
    await admin.execute(f'alter database "{name}" owner to powerless')
    try:
        with pytest.raises(Exception, match="powerless may not"):
            await migrate(postgres.url(name, user="powerless", password="p"))
        await admin.execute(f'alter database "{name}" owner to postgres')
    finally:
        await admin.execute("drop owned by powerless; drop role powerless")
        await admin.close()


def test_the_scripts_are_found_in_an_installed_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "platform_api"
    (package / "_alembic").mkdir(parents=True)
    monkeypatch.setattr(platform_api, "__file__", str(package / "__init__.py"))
    assert script_location() == package / "_alembic"


def test_the_wheel_is_told_to_carry_the_scripts() -> None:
    pyproject = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    assert '"alembic" = "platform_api/_alembic"' in pyproject
