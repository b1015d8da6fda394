"""Rotation of the keys of stored credentials, beside a platform that goes on changing them."""

import asyncio
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr
from sqlalchemy import LargeBinary, select

from platform_api.core.crypto import UnreadableSecret, Vault
from platform_api.core.database import Database
from platform_api.integrations.models import Connection, OAuthClient
from platform_api.models import metadata
from platform_api.ops import cli, keys
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform

pytestmark = pytest.mark.anyio

OLD, NEW = "old-key-0123456789abcdef-0123456789abcdef", "new-key-fedcba9876543210-fedcba9876543210"


def vault(*names: str) -> Vault:
    return Vault([SecretStr(name) for name in names])


async def fill(platform: Platform, *, count: int = 1) -> tuple[Caller, list[int]]:
    """An organization with `count` connections and an OAuth client, sealed by the platform's key."""
    caller = await platform.create_caller()
    sealed = platform.app.services[Vault].encrypt
    async with platform.database.transaction() as session:
        made = [
            Connection(
                organization_id=caller.organization_id,
                integration_id="github",
                name=f"c{number}",
                placeholders={},
                sealed_credentials=sealed({"token": f"t{number}"}),
            )
            for number in range(count)
        ]
        client = OAuthClient(
            organization_id=caller.organization_id,
            integration_id="github",
            client_id="c",
            sealed_secret=sealed({"client_secret": "s"}),
        )
        session.add_all([*made, client])
        await session.flush()
        return caller, [one.id for one in made]


async def credentials(database: Database, connection_id: int) -> bytes:
    async with database.transaction() as session:
        return (await session.get_one(Connection, connection_id)).sealed_credentials


PLAIN = {"csv_pieces.content"}
"""Binary columns, besides digests, whose values no vault sealed."""


def test_every_binary_column_is_sealed_or_known_not_to_be() -> None:
    """What is sealed and not of the type `Sealed` would be lost with the key that is dropped after a rotation."""
    plain = {
        str(column)
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    assert {name for name in plain if not name.endswith("digest")} == PLAIN
    found = {str(column) for column in keys.sealed_columns()}
    assert found >= {
        "connections.sealed_credentials",
        "oauth_clients.sealed_secret",
        "oauth_sign_ins.sealed",
        "webhooks.sealed_secret",
    }


async def test_after_a_rotation_the_old_key_is_not_needed(platform_database_url: str) -> None:
    async with running_platform(make_settings(platform_database_url, secret_keys=OLD)) as platform:
        _, ids = await fill(platform, count=450)
        with pytest.raises(UnreadableSecret):
            vault(NEW).decrypt(await credentials(platform.database, ids[0]))
        async with platform.database.transaction() as session:
            before = await session.scalar(select(Connection.updated_at).where(Connection.id == ids[0]))
        done = await keys.rotate(platform.database, vault(NEW, OLD))
        assert (done.rotated, done.left, done.by_key[1]) == (451, 0, 451)
        assert vault(NEW).decrypt(await credentials(platform.database, ids[-1])) == {"token": "t449"}
        async with platform.database.transaction() as session:
            assert await session.scalar(select(Connection.updated_at).where(Connection.id == ids[0])) == before
        again = await keys.rotate(platform.database, vault(NEW, OLD))
        assert (again.rotated, again.left) == (0, 0)


async def test_a_credential_that_was_renewed_meanwhile_is_never_overwritten(
    platform_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refresh commits between the rotation's reading and its writing."""
    async with running_platform(make_settings(platform_database_url, secret_keys=OLD)) as platform:
        _, [connection_id] = await fill(platform)
        both = vault(NEW, OLD)
        renewed = vault(OLD).encrypt({"token": "renewed"})
        rotated = asyncio.Event()
        batches = keys._batches

        async def renewing(database: Database, column: object):  # type: ignore[no-untyped-def]  # as what it wraps
            async for batch in batches(database, column):  # type: ignore[arg-type]
                if not rotated.is_set() and "connections" in str(column):
                    rotated.set()
                    async with database.transaction() as other:
                        (await other.get_one(Connection, connection_id)).sealed_credentials = renewed
                yield batch

        monkeypatch.setattr(keys, "_batches", renewing)
        done = await keys.rotate(platform.database, both)
        assert done.left == 0
        assert vault(NEW).decrypt(await credentials(platform.database, connection_id)) == {"token": "renewed"}


async def test_values_under_an_unknown_key_are_left_alone_and_told(platform_database_url: str) -> None:
    async with running_platform(make_settings(platform_database_url, secret_keys=OLD)) as platform:
        _, [connection_id] = await fill(platform)
        before = await credentials(platform.database, connection_id)
        done = await keys.rotate(platform.database, vault(NEW))
        assert (done.rotated, done.unreadable, done.left) == (0, 2, 2)
        assert await credentials(platform.database, connection_id) == before


@pytest.fixture
def stocked(platform_database_url: str) -> Iterator[str]:
    async def stock() -> None:
        async with running_platform(make_settings(platform_database_url, secret_keys=OLD)) as platform:
            await fill(platform, count=3)

    asyncio.run(stock())
    yield platform_database_url


def run(url: str, secret_keys: str, *arguments: str) -> Result:
    environment = {"DATABASE_URL": url, "SECRET_KEYS": secret_keys}
    return CliRunner().invoke(cli.keys, ["rotate", *arguments], env=environment, catch_exceptions=False)


def test_the_command_tells_what_it_did_and_whether_old_keys_can_go(stocked: str) -> None:
    checked = run(stocked, f"{NEW},{OLD}", "--check")
    assert checked.exit_code == 1
    assert "4 values under old key 2 of SECRET_KEYS" in checked.output
    done = run(stocked, f"{NEW},{OLD}")
    assert done.exit_code == 0
    assert "4 values re-encrypted" in done.output and "can be removed" in done.output
    assert run(stocked, NEW, "--check").exit_code == 0
    lost = run(stocked, OLD)
    assert lost.exit_code == 1 and "not in SECRET_KEYS" in lost.output


def test_without_keys_or_with_weak_ones_nothing_is_touched(stocked: str) -> None:
    assert "set SECRET_KEYS" in run(stocked, "").output
    assert "too weak" in run(stocked, "short").output
