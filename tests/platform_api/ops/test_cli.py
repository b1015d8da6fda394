"""The operator's commands against a real database."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert

from platform_api.accounts.tokens import digest_of
from platform_api.apps.models import App
from platform_api.core.database import Database
from platform_api.ops import cli
from platform_api.supervisor.database import ensure_database
from platform_api.supervisor.postgres import EmbeddedPostgres


class Commands:
    """Runs commands on one database."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url

    def run(self, group: click.Command, *arguments: str) -> Result:
        environment = {"DATABASE_URL": self.database_url, "AUTOMIO_NEW_PASSWORD": "long enough 1"}
        return CliRunner().invoke(group, list(arguments), env=environment, catch_exceptions=False)

    def read(self, group: click.Command, *arguments: str) -> Any:
        """What a command that succeeds prints."""
        result = self.run(group, *arguments)
        assert result.exit_code == 0, result.output
        return json.loads(result.output) if result.output.startswith(("{", "[")) else result.output.strip()

    def refusal(self, group: click.Command, *arguments: str) -> str:
        """What a command that fails says."""
        result = self.run(group, *arguments)
        assert result.exit_code == 1, result.output
        return result.output


@pytest.fixture
def commands(platform_database_url: str) -> Iterator[Commands]:
    yield Commands(platform_database_url)


async def _fetch(url: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(query, *arguments))
    finally:
        await connection.close()


def test_an_operator_sets_up_an_installation_from_nothing(database_url: str) -> None:
    commands = Commands(database_url)
    assert "up to date" in commands.read(cli.migrate)
    made = commands.read(cli.user, "create", "--email", "Boss@Example.com", "--organization", "acme", "--operator")
    assert made == {
        "user_id": 1,
        "email": "boss@example.com",
        "organization_id": 1,
        "organization": "acme",
        "role": "owner",
    }
    assert "already exists" in commands.refusal(cli.user, "create", "--email", "boss@example.com")
    assert "at least 10 characters" in commands.refusal(
        cli.user, "create", "--email", "x@example.com", "--password", "short"
    )
    [listed] = commands.read(cli.user, "list")
    assert (listed["email"], listed["is_operator"]) == ("boss@example.com", True)


def test_tokens_are_created_listed_and_revoked(commands: Commands) -> None:
    commands.read(cli.user, "create", "--email", "boss@example.com", "--organization", "acme")
    secret = commands.read(cli.token, "create", "--email", "boss@example.com", "--scope", "data")
    query = "select * from platform.tokens where digest = $1"
    [row] = asyncio.run(_fetch(commands.database_url, query, digest_of(secret)))
    assert (row["kind"], row["scopes"], row["organization_id"]) == ("app", ["data"], 1)
    assert commands.read(cli.token, "create", "--runner", "--name", "host 2").startswith("amt_runner_")
    assert "there is no app missing" in commands.refusal(
        cli.token, "create", "--email", "boss@example.com", "--app", "missing"
    )
    assert "there is no user" in commands.refusal(cli.token, "create", "--email", "nobody@example.com")

    kinds = [token["kind"] for token in commands.read(cli.token, "list")]
    assert kinds == ["app", "runner"]
    assert commands.read(cli.token, "revoke", str(row["id"]))["revoked_at"] is not None
    assert "there is no token 99" in commands.refusal(cli.token, "revoke", "99")


def test_members_come_change_and_go(commands: Commands) -> None:
    commands.read(cli.user, "create", "--email", "boss@example.com", "--organization", "acme")
    commands.read(cli.user, "create", "--email", "second@example.com")
    made = commands.read(cli.organization, "create", "--name", "Second Org", "--owner", "second@example.com")
    assert made == {"id": 2, "slug": "second-org", "name": "Second Org"}
    assert [found["slug"] for found in commands.read(cli.organization, "list")] == ["acme", "second-org"]

    who = ("--organization", "acme", "--email", "second@example.com")
    assert commands.read(cli.member, "add", *who)["role"] == "member"
    assert "several" in commands.refusal(cli.token, "create", "--email", "second@example.com")
    assert commands.read(cli.member, "set-role", *who, "--role", "builder")["role"] == "builder"
    assert [found["role"] for found in commands.read(cli.member, "list", "--organization", "acme")] == [
        "owner",
        "builder",
    ]
    assert commands.read(cli.member, "remove", *who) == ""
    assert "without an owner" in commands.refusal(
        cli.member, "remove", "--organization", "acme", "--email", "boss@example.com"
    )
    off = commands.read(cli.user, "update", "--email", "second@example.com", "--inactive")
    assert off["is_active"] is False


def test_an_app_is_installed_suspended_resumed_and_removed(commands: Commands) -> None:
    commands.read(cli.user, "create", "--email", "a@example.com", "--organization", "maker")
    commands.read(cli.user, "create", "--email", "b@example.com", "--organization", "guest")

    async def publish() -> None:
        database = Database(commands.database_url, pool_size=1)
        async with database.transaction() as session:
            await session.execute(insert(App).values(organization_id=1, slug="shop", name="Shop", is_public=True))
        await database.close()

    asyncio.run(publish())
    guest = ("shop", "--organization", "guest")
    digest = commands.read(cli.install, "access", *guest)["digest"]
    assert "changed since you were shown it" in commands.refusal(cli.install, "add", *guest, "--digest", "0")
    assert commands.read(cli.install, "add", *guest, "--digest", digest)["status"] == "active"
    assert commands.read(cli.install, "suspend", *guest)["status"] == "suspended"
    assert commands.read(cli.install, "resume", *guest)["status"] == "active"
    commands.read(cli.install, "remove", *guest)
    assert "not installed" in commands.refusal(cli.install, "resume", *guest)


def test_the_embedded_database_is_found_by_its_data_directory(
    postgres: EmbeddedPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same files as `automio up` keeps, on the tests' server."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    url = asyncio.run(ensure_database(postgres))
    (tmp_path / "postgres").symlink_to(postgres.paths.root)
    try:
        result = CliRunner().invoke(cli.migrate, ["--data-dir", str(tmp_path)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        assert asyncio.run(_fetch(url, "select count(*) as n from platform.users"))[0]["n"] == 0
    finally:
        asyncio.run(_fetch(postgres.url(), "drop database automio with (force)"))


def test_without_a_database_the_command_says_which_setting_is_missing(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.migrate, ["--data-dir", str(tmp_path)], env={"DATABASE_URL": ""})
    assert result.exit_code == 1
    assert "DATABASE_URL" in result.output


def test_an_unreachable_database_is_reported_in_one_line() -> None:
    result = CliRunner().invoke(cli.migrate, ["--database-url", "postgresql://u:p@127.0.0.1:1/x"])
    expected = "Error: the database at 127.0.0.1:1 cannot be reached: connection refused\n"
    assert (result.exit_code, result.output) == (1, expected)


def test_an_operator_sets_a_new_password_which_ends_sign_ins_and_reset_links(commands: Commands) -> None:
    made = commands.read(cli.user, "create", "--email", "locked@example.com")
    sign_in, reset = digest_of("sign-in"), digest_of("reset")
    for table, digest in (("sign_ins", sign_in), ("password_resets", reset)):
        statement = (
            f"insert into platform.{table} (digest, user_id, expires_at) values ($1, $2, now() + interval '1 hour')"
        )
        asyncio.run(_fetch(commands.database_url, statement, digest, made["user_id"]))
    query = "select password_hash from platform.users"
    [old] = asyncio.run(_fetch(commands.database_url, query))
    commands.read(cli.user, "set-password", "--email", "locked@example.com")
    [new] = asyncio.run(_fetch(commands.database_url, query))
    assert new != old
    for table in ("sign_ins", "password_resets"):
        assert asyncio.run(_fetch(commands.database_url, f"select 1 from platform.{table}")) == []
    assert "no user" in commands.refusal(cli.user, "set-password", "--email", "nobody@example.com")
    assert "password" in commands.refusal(
        cli.user, "set-password", "--email", "locked@example.com", "--password", "short"
    )
