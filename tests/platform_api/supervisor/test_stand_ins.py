"""Extensions that the embedded PostgreSQL lacks: created all the same, exact where they work, clear elsewhere."""

import asyncio
import hashlib
import hmac
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_api.supervisor.postgres import EmbeddedPostgres

Fetch = Callable[..., Any]
SHA2 = ("sha224", "sha256", "sha384", "sha512")


@pytest.fixture(scope="module")
def fetch(postgres: EmbeddedPostgres) -> Iterator[Fetch]:
    """Asks a database of the module's own, which has both extensions."""
    with asyncio.Runner() as runner:

        async def administer(*statements: str) -> None:
            connection = await asyncpg.connect(postgres.url())
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        runner.run(administer("drop database if exists stand_ins with (force)", "create database stand_ins"))

        async def connect() -> Any:
            return await asyncpg.connect(postgres.url("stand_ins"))

        connection = runner.run(connect())

        def run(query: str, *values: Any) -> Any:
            work: Awaitable[Any] = connection.fetchval(query, *values)
            return runner.run(_awaited(work))

        run("create extension pgcrypto")
        run('create extension "uuid-ossp"')
        yield run
        runner.run(connection.close())
        runner.run(administer("drop database stand_ins with (force)"))


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


@given(data=st.binary(max_size=300), key=st.binary(max_size=300), kind=st.sampled_from(("md5", *SHA2)))
def test_hashes_are_those_of_pgcrypto(fetch: Fetch, data: bytes, key: bytes, kind: str) -> None:
    assert fetch("select digest($1::bytea, $2)", data, kind) == hashlib.new(kind, data).digest()
    assert fetch("select hmac($1::bytea, $2, $3)", data, key, kind) == hmac.digest(key, data, kind)


def test_hashes_take_text(fetch: Fetch) -> None:
    text = "zażółć"
    assert fetch("select digest($1::text, 'SHA256')", text) == hashlib.sha256(text.encode()).digest()
    assert fetch("select hmac($1::text, 'key', 'sha256')", text) == hmac.digest(b"key", text.encode(), "sha256")
    assert fetch("select digest(null::text, 'sha256')") is None


@pytest.mark.parametrize("length", [1, 16, 64, 65, 1024])
def test_random_bytes_have_their_length_and_differ(fetch: Fetch, length: int) -> None:
    found = [fetch("select gen_random_bytes($1)", length) for _ in range(2)]
    assert [len(item) for item in found] == [length, length]
    assert length == 1 or found[0] != found[1]


@pytest.mark.parametrize("length", [0, -1, 1025])
def test_random_bytes_keep_the_range_of_pgcrypto(fetch: Fetch, length: int) -> None:
    with pytest.raises(asyncpg.InvalidParameterValueError):
        fetch("select gen_random_bytes($1)", length)


@pytest.mark.parametrize("function", ["public.gen_random_uuid", "uuid_generate_v4", "public.uuid_generate_v4"])
def test_random_uuids_are_version_4(fetch: Fetch, function: str) -> None:
    found = [uuid.UUID(str(fetch(f"select {function}()"))) for _ in range(2)]
    assert {item.version for item in found} == {4}
    assert found[0] != found[1]


@given(name=st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=50))
def test_uuids_of_names_are_those_of_the_rfc(fetch: Fetch, name: str) -> None:
    assert fetch("select uuid_generate_v3(uuid_ns_url(), $1)", name) == uuid.uuid3(uuid.NAMESPACE_URL, name)


def test_constants_are_those_of_the_rfc(fetch: Fetch) -> None:
    found = fetch("select array[uuid_nil(), uuid_ns_dns(), uuid_ns_url(), uuid_ns_oid(), uuid_ns_x500()]")
    expected = [uuid.NAMESPACE_DNS, uuid.NAMESPACE_URL, uuid.NAMESPACE_OID, uuid.NAMESPACE_X500]
    assert found == [uuid.UUID(int=0), *expected]


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ("crypt('a', 'b')", "pgcrypto, and so no crypt()"),
        ("gen_salt('bf')", "pgcrypto, and so no gen_salt()"),
        ("gen_salt('bf', 8)", "pgcrypto, and so no gen_salt()"),
        ("encrypt('a', 'b', 'aes')", "pgcrypto, and so no encrypt()"),
        ("pgp_sym_encrypt('a', 'b')", "pgcrypto, and so no pgp_sym_encrypt()"),
        ("pgp_armor_headers('a')", "pgcrypto, and so no pgp_armor_headers()"),
        ("digest('a', 'sha1')", "pgcrypto, and so no sha1"),
        ("uuid_generate_v1()", "uuid-ossp, and so no uuid_generate_v1()"),
        ("uuid_generate_v5(uuid_nil(), 'a')", "uuid-ossp, and so no uuid_generate_v5()"),
    ],
)
def test_what_is_not_there_says_so_when_it_is_called(fetch: Fetch, call: str, named: str) -> None:
    with pytest.raises(asyncpg.FeatureNotSupportedError) as caught:
        fetch(f"select {call}")
    assert str(caught.value.args[0]).endswith(named)
    assert "DATABASE_URL" in str(caught.value.hint)


@pytest.mark.parametrize(
    "script",
    [
        "create extension if not exists pgcrypto; create extension if not exists pgcrypto",
        'create schema extensions; create extension if not exists "uuid-ossp" with schema extensions',
        "create extension pgcrypto; drop extension pgcrypto; create extension pgcrypto",
        "create extension pgcrypto; create table t (id uuid primary key default public.gen_random_uuid())",
        "create extension if not exists citext; create extension if not exists pgcrypto with schema public",
    ],
)
def test_migrations_that_begin_with_an_extension_go_through(database_url: str, script: str) -> None:
    async def run() -> list[str]:
        connection = await asyncpg.connect(database_url)
        told: list[str] = []
        connection.add_log_listener(lambda _, message: told.append(str(message)))
        try:
            await connection.execute(script)
        finally:
            await connection.close()
        return told

    assert any("a stand-in has" in message for message in asyncio.run(run()))
