"""The embedded PostgreSQL that tests and `automio up` share."""

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from platform_api.supervisor.database import ensure_database
from platform_api.supervisor.postgres import EmbeddedPostgres, PostgresError
from platform_api.supervisor.processes.identity import account_identity, become, choose_identity, namespace_identity
from platform_api.supervisor.processes.leftovers import find_leftovers, start_ticks, stop_leftovers

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root changes identity")


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's name, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="ams-") as directory:
        yield Path(directory)


@pytest.fixture
def run_server() -> Iterator[Callable[[EmbeddedPostgres], EmbeddedPostgres]]:
    started: list[EmbeddedPostgres] = []

    def run(server: EmbeddedPostgres) -> EmbeddedPostgres:
        started.append(server)
        server.prepare()
        server.start()
        asyncio.run(server.wait_ready())
        return server

    yield run
    for server in started:
        server.stop()


async def _fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def _fetch_after(url: str, script: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script)
        return await connection.fetchval(query)
    finally:
        await connection.close()


def test_embedded_postgres_answers_as_version_18(database_url: str) -> None:
    version = asyncio.run(_fetch(database_url, "select current_setting('server_version_num')::int"))
    assert isinstance(version, int)
    assert version // 10000 == 18


def test_platform_login_is_no_superuser_and_has_vector_and_the_engine_role(
    short_directory: Path, run_server: Callable[[EmbeddedPostgres], EmbeddedPostgres]
) -> None:
    server = run_server(EmbeddedPostgres(short_directory / "pg", options={"fsync": "off"}))
    url = asyncio.run(ensure_database(server))
    assert asyncio.run(ensure_database(server)) == url
    assert asyncio.run(_fetch(url, "select current_user || '@' || current_database()")) == "automio@automio"
    assert (
        asyncio.run(_fetch(url, "select rolsuper or rolcreaterole from pg_roles where rolname = 'automio'")) is False
    )
    assert asyncio.run(_fetch(url, "select '[1,2]'::vector <-> '[1,2]'::vector")) == 0
    assert asyncio.run(_fetch(url, "select pg_has_role('automio', 'automio_engine', 'set')")) is True
    assert asyncio.run(_fetch(url, "select rolcanlogin from pg_roles where rolname = 'automio_engine'")) is False


@pytest.mark.parametrize(
    ("extension", "query"),
    [
        ("citext", "select 'A'::citext = 'a'::citext"),
        ("hstore", "select 'a=>1'::hstore -> 'a' = '1'"),
        ("ltree", "select 'a.b'::ltree <@ 'a'::ltree"),
        ("pg_trgm", "select similarity('word', 'words') > 0.5"),
        ("btree_gist", "select exists (select from pg_opclass where opcname = 'gist_int4_ops')"),
        ("fuzzystrmatch", "select levenshtein('a', 'b') = 1"),
        ("unaccent", "select unaccent('zażółć') = 'zazolc'"),
        ("vector", "select '[1,2]'::vector <-> '[1,2]'::vector = 0"),
    ],
)
def test_extensions_that_applications_begin_with_are_there(database_url: str, extension: str, query: str) -> None:
    assert asyncio.run(_fetch_after(database_url, f"create extension {extension}", query)) is True


def test_an_administrator_creates_extensions_as_the_role_of_the_engine(
    short_directory: Path, run_server: Callable[[EmbeddedPostgres], EmbeddedPostgres]
) -> None:
    server = run_server(EmbeddedPostgres(short_directory / "pg", options={"fsync": "off"}))
    url = asyncio.run(ensure_database(server))
    schema = "grant usage, create on schema public to automio_engine"
    asyncio.run(_fetch_after(server.url("automio"), schema, "select 1"))

    as_engine = "set role automio_engine; create extension citext; create extension pgcrypto; create schema sales"
    assert asyncio.run(_fetch_after(url, as_engine, "select 'A'::citext = 'a' and digest('', 'md5') is not null"))


def test_a_wrong_password_is_refused(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(_fetch(postgres.url(user="postgres", password="wrong"), "select 1"))


def test_a_deep_data_directory_gets_a_short_private_socket_directory(
    tmp_path: Path, run_server: Callable[[EmbeddedPostgres], EmbeddedPostgres]
) -> None:
    deep = tmp_path / ("d" * 60) / ("e e%" * 15)
    server = run_server(EmbeddedPostgres(deep, options={"fsync": "off"}))
    sockets = server.paths.sockets
    assert not sockets.is_relative_to(deep)
    assert sockets.stat().st_mode & 0o077 == 0
    assert EmbeddedPostgres(deep).url() == server.url()
    assert asyncio.run(_fetch(server.url(), "select 1")) == 1
    server.stop()
    assert not sockets.exists()


def test_a_recycled_pid_in_the_lock_file_does_not_prevent_a_start(
    short_directory: Path, run_server: Callable[[EmbeddedPostgres], EmbeddedPostgres]
) -> None:
    server = EmbeddedPostgres(short_directory / "pg", options={"fsync": "off"})
    server.prepare()
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        lock = server.paths.data / "postmaster.pid"
        lock.write_text(f"{bystander.pid}\n{server.paths.data}\n1000000000\n5432\n\n\n 1 1\nready\n")
        assert find_leftovers(server.paths.data) == []
        run_server(server)
        assert asyncio.run(_fetch(server.url(), "select 1")) == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_postmaster_named_by_pid_and_start_time_is_found_without_its_working_directory(tmp_path: Path) -> None:
    process = _sleeper()
    try:
        (tmp_path / "postmaster.pid").write_text(f"{process.pid}\n{tmp_path}\n{int(time.time())}\n")
        assert [found.pid for found in find_leftovers(tmp_path)] == [process.pid]
        stop_leftovers(tmp_path)
        assert process.wait(240) == -signal.SIGQUIT
        assert not (tmp_path / "postmaster.pid").exists()
    finally:
        process.kill()
        process.wait()


def test_backends_of_a_killed_postmaster_do_not_prevent_a_start(
    short_directory: Path, run_server: Callable[[EmbeddedPostgres], EmbeddedPostgres]
) -> None:
    server = run_server(EmbeddedPostgres(short_directory / "pg"))

    async def kill_during_a_query() -> list[int]:
        busy = await asyncpg.connect(server.url())
        await busy.execute("create table kept (id int); insert into kept values (7)")
        # A backend that computes does not look whether its postmaster lives.
        computing = asyncio.ensure_future(busy.fetchval("select count(*) from generate_series(1, 1000000000000)"))
        await asyncio.sleep(0.2)
        server.process.kill()
        server.process.wait()
        left = [process.pid for process in find_leftovers(server.paths.data)]
        server.prepare()
        server.start()
        await server.wait_ready()
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await computing
        return left

    left = asyncio.run(kill_during_a_query())
    assert left, "the backend was expected to outlive its postmaster"
    assert all(start_ticks(pid) is None for pid in left)
    assert asyncio.run(_fetch(server.url(), "select id from kept")) == 7


def test_the_server_dies_with_the_process_that_started_it(short_directory: Path) -> None:
    program = textwrap.dedent(
        """
        import asyncio, sys, time
        from pathlib import Path
        from platform_api.supervisor.postgres import EmbeddedPostgres
        server = EmbeddedPostgres(Path(sys.argv[1]), options={"fsync": "off"})
        server.prepare(); server.start(); asyncio.run(server.wait_ready())
        print("ready", flush=True)
        time.sleep(60)
        """
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program, str(short_directory / "pg")], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    with starter.stdout:
        assert starter.stdout.readline() == "ready\n"
    data = short_directory.resolve() / "pg" / "data"
    assert find_leftovers(data)
    starter.kill()
    starter.wait()
    deadline = time.monotonic() + 240
    while find_leftovers(data) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert find_leftovers(data) == []


def test_data_of_another_major_version_is_refused_with_the_way_out(short_directory: Path) -> None:
    server = EmbeddedPostgres(short_directory / "pg")
    server.paths.data.mkdir(parents=True)
    (server.paths.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(PostgresError, match="created by PostgreSQL 15, the embedded one is 18; dump it"):
        server.prepare()


@as_root
def test_root_gets_a_namespace_and_keeps_ownership(
    short_directory: Path, run_server: Callable[[EmbeddedPostgres], EmbeddedPostgres]
) -> None:
    if choose_identity(short_directory).way != "namespace":
        pytest.skip("no user namespaces here")
    server = run_server(EmbeddedPostgres(short_directory / "pg", options={"fsync": "off"}))
    assert server.paths.data.stat().st_uid == 0


@as_root
def test_without_user_namespaces_an_account_works_below_a_directory_it_may_not_enter(
    short_directory: Path, run_server: Callable[[EmbeddedPostgres], EmbeddedPostgres]
) -> None:
    short_directory.chmod(0o700)
    root = short_directory / "pg"
    identity = account_identity(root)
    server = run_server(EmbeddedPostgres(root, options={"fsync": "off"}, identity=identity))
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    uid = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1]
    assert int(uid) == identity.uid != 0
    assert pwd.getpwuid(identity.uid).pw_name in {"automio", "postgres", "nobody"}
    assert short_directory.stat().st_mode & 0o777 == 0o700
    assert asyncio.run(_fetch(server.url(), "select 1")) == 1
    server.stop()

    # The machine may allow namespaces the next time: the directory changes hands.
    namespace = namespace_identity()
    assert namespace is not None
    again = run_server(EmbeddedPostgres(root, options={"fsync": "off"}, identity=namespace))
    assert asyncio.run(_fetch(again.url(), "select 1")) == 1
    assert again.paths.data.stat().st_uid == 0


@as_root
def test_the_account_finds_programs_below_a_directory_it_may_not_enter(tmp_path: Path) -> None:
    """PostgreSQL looks for its programs by access(2), which by default ignores capabilities."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = closed / "program"
    program.touch(mode=0o755)
    looking = "import os, sys; print(os.getuid(), os.access(sys.argv[1], os.X_OK))"
    identity = account_identity(closed / "pg")
    done = subprocess.run(
        [sys.executable, "-I", "-c", looking, program],
        preexec_fn=become(identity, death_signal=signal.SIGKILL),
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{identity.uid} True\n", done.stderr


def _sleeper() -> "subprocess.Popen[bytes]":
    """A process that dies of SIGQUIT, also when these tests run as a shell's background job, which ignores it."""
    return subprocess.Popen(
        ["sleep", "60"], cwd="/", preexec_fn=lambda: signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    )


def test_a_disk_that_is_too_small_for_a_first_start_is_one_sentence(
    short_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(short_directory)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=20 * 1024 * 1024))
    with pytest.raises(PostgresError) as raised:
        EmbeddedPostgres(short_directory / "pg").prepare()
    assert "has 20 MB free; a first start needs 150 MB" in str(raised.value) and "\n" not in str(raised.value)
    assert not (short_directory / "pg" / "data").exists()


@as_root
def test_a_disk_that_fills_up_is_one_sentence(short_directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", short_directory], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**40))
    try:
        with pytest.raises(PostgresError) as raised:
            EmbeddedPostgres(short_directory / "pg").prepare()
        assert "there is no space left on the disk of" in str(raised.value) and "\n" not in str(raised.value)
    finally:
        subprocess.run(["umount", short_directory], check=True)
