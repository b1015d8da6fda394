"""Parts of the supervisor by themselves."""

import asyncio
import itertools
import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import asyncpg
import pytest

from platform_api.accounts.tokens import digest_of
from platform_api.core.database import Database
from platform_api.supervisor.data_directory import AlreadyRunningError, DataDirectory, write_private
from platform_api.supervisor.first_start import RunnerTokenError, ensure_runner_token, prepare
from platform_api.supervisor.listener import base_url, listen, reachable_address
from platform_api.supervisor.processes.children import Child, ChildError, describe_end, spawn
from platform_api.supervisor.supervisor import runner_environment
from tests.waiting import eventually

RUNNER_TOKEN = "amt_runner_" + "t" * 43


def test_a_runner_learns_nothing_of_our_secrets() -> None:
    ours = {
        "PATH": "/bin",
        "SANDBOX_ISOLATION": "landlock",
        "RUNNER_CONCURRENCY": "2",
        "DATABASE_URL": "postgresql://user:password@host/db",
        "SECRET_KEYS": "key",
        "REDIS_URL": "redis://:password@host",
        "HASURA_GRAPHQL_ADMIN_SECRET": "secret",
        "APP_TOKEN": "amt_token",
        "AWS_SECRET_ACCESS_KEY": "key",
        "ALLOW_PRIVATE_UPSTREAMS": "true",
    }
    assert runner_environment(ours) == {"PATH": "/bin", "SANDBOX_ISOLATION": "landlock", "RUNNER_CONCURRENCY": "2"}


def _child(tmp_path: Path, command: list[str], *, ready: float = 0.0) -> Child:
    async def start() -> "subprocess.Popen[bytes]":
        return spawn(command, environment={}, working_directory=tmp_path)

    async def wait_ready() -> None:
        await asyncio.sleep(ready)

    return Child("sample", start, wait_ready, stop_seconds=0.3)


def test_a_child_that_dies_before_it_is_ready_fails_the_start_with_its_status(tmp_path: Path) -> None:
    child = _child(tmp_path, ["/bin/sh", "-c", "exit 3"], ready=30)
    with pytest.raises(ChildError, match="sample ended with status 3 before it was ready"):
        asyncio.run(child.first_start())


def test_a_child_that_keeps_dying_is_restarted_ever_more_slowly(tmp_path: Path) -> None:
    child = _child(tmp_path, ["/bin/sh", "-c", "date +%s.%N >> starts"])

    written = tmp_path / "starts"
    written.touch()

    def starts() -> list[float]:
        return [float(line) for line in written.read_text().split("\n")[:-1]]

    async def watch() -> None:
        await child.first_start()
        running = asyncio.create_task(child.keep_running())
        await eventually(lambda: len(starts()) >= 4)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await child.stop()

    asyncio.run(watch())
    # A child's line comes before its end, and the next child's after the delay: never less than it lies between.
    delays = [0.1, 0.2, 0.4]
    pauses = [later - earlier for earlier, later in itertools.pairwise(starts())]
    assert all(pause >= delay for pause, delay in zip(pauses, delays, strict=False)), pauses


def test_a_child_that_ignores_the_request_to_stop_is_killed_with_its_session(tmp_path: Path) -> None:
    child = _child(tmp_path, ["/bin/sh", "-c", "trap '' TERM; sleep 60 & echo $! > pid; touch ready; wait; wait"])

    async def stop() -> None:
        await child.first_start()
        while not (tmp_path / "ready").exists():  # noqa: ASYNC110 - a shell has no event of ours
            await asyncio.sleep(0.01)
        await child.stop()

    asyncio.run(stop())
    assert child.process is not None
    assert describe_end(child.process) == "was ended by SIGKILL"
    grandchild = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 240
    while _runs(grandchild) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(grandchild)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_grandchild_that_left_its_parent_is_reaped_and_ended_with_us(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import os, subprocess, sys, time
        from platform_api.supervisor.processes.orphans import adopt_orphans, end_descendants, reap_orphans
        adopt_orphans()
        # A shell that leaves two daemons behind: one goes on, one ends.
        subprocess.run(["/bin/sh", "-c", "setsid sleep 60 & echo $! > pid; setsid sleep 0.1 &"], check=True)
        def states():
            children = open(f"/proc/self/task/{os.getpid()}/children").read().split()
            return [open(f"/proc/{child}/stat").read().rpartition(")")[2].split()[0] for child in children]
        while "Z" not in (before := states()):
            time.sleep(0.05)
        reap_orphans(set())
        print(sorted(before), states())
        end_descendants()
        print(states())
        """
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.stdout.splitlines() == ["['S', 'Z'] ['S']", "[]"], done.stderr
    assert not _runs(int((tmp_path / "pid").read_text()))


def test_a_data_directory_has_one_holder(tmp_path: Path) -> None:
    with DataDirectory(tmp_path / "data"), pytest.raises(AlreadyRunningError, match="choose another --data-dir"):
        DataDirectory(tmp_path / "data").__enter__()
    with DataDirectory(tmp_path / "data"):
        pass


def test_private_files_are_replaced_whole_and_stay_private(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    write_private(file, "one")
    write_private(file, "two")
    assert file.read_text() == "two\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize(("host", "reached"), [("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "127.0.0.1")])
def test_the_address_shown_is_one_that_can_be_reached(host: str, reached: str) -> None:
    with listen(host, 0) as listening:
        address = reachable_address(listening)
    assert address[0] == reached
    assert base_url(*address) == f"http://{reached}:{address[1]}"
    assert base_url("::1", 80) == "http://[::1]:80"


def _prepare(url: str, admin_file: Path, *, address: str = "http://one", runner_token: str = RUNNER_TOKEN) -> None:
    asyncio.run(
        prepare(url, base_url=address, admin_file=admin_file, runner_token=runner_token, owner="o@automio.local")
    )


def test_a_first_start_happens_once_and_the_address_follows(platform_database_url: str, tmp_path: Path) -> None:
    admin_file = tmp_path / "admin.json"
    _prepare(platform_database_url, admin_file)
    first = json.loads(admin_file.read_text())
    _prepare(platform_database_url, admin_file, address="http://two")
    assert json.loads(admin_file.read_text()) == {**first, "base_url": "http://two"}
    assert admin_file.stat().st_mode & 0o777 == 0o600


def test_a_first_start_without_an_owner_creates_nobody_and_offers_its_code(
    platform_database_url: str, tmp_path: Path
) -> None:
    admin_file = tmp_path / "admin.json"
    asyncio.run(
        prepare(
            platform_database_url,
            base_url="http://one",
            admin_file=admin_file,
            runner_token=RUNNER_TOKEN,
            owner=None,
            set_up_code="one-time",
        )
    )
    assert not admin_file.exists()

    async def stored() -> tuple[int, bytes]:
        connection = await asyncpg.connect(platform_database_url)
        try:
            users = await connection.fetchval("select count(*) from platform.users")
            return users, await connection.fetchval("select digest from platform.set_up_codes")
        finally:
            await connection.close()

    assert asyncio.run(stored()) == (0, digest_of("one-time"))
    # Asked for later, an owner is created, and the code ends.
    _prepare(platform_database_url, admin_file)
    assert json.loads(admin_file.read_text())["email"] == "o@automio.local"
    asyncio.run(
        prepare(
            platform_database_url,
            base_url="http://one",
            admin_file=admin_file,
            runner_token=RUNNER_TOKEN,
            owner=None,
            set_up_code="another",
        )
    )
    assert asyncio.run(stored()) == (1, None)


def test_an_administrator_whose_password_could_not_be_written_is_not_created(
    platform_database_url: str, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        _prepare(platform_database_url, tmp_path / "missing" / "admin.json")
    _prepare(platform_database_url, tmp_path / "admin.json")
    assert json.loads((tmp_path / "admin.json").read_text())["organization_id"] >= 1


def test_a_runner_token_must_be_well_formed_and_not_revoked(platform_database_url: str) -> None:
    async def ensure(secret: str) -> None:
        database = Database(platform_database_url, pool_size=1)
        try:
            async with database.transaction() as session:
                await ensure_runner_token(session, secret)
        finally:
            await database.close()

    async def revoke() -> None:
        connection = await asyncpg.connect(platform_database_url)
        await connection.execute("update platform.tokens set revoked_at = now() where kind = 'runner'")
        await connection.close()

    for malformed in ("", "amt_runner_short", "amt_" + "t" * 43):
        with pytest.raises(RunnerTokenError, match="43 letters"):
            asyncio.run(ensure(malformed))
    asyncio.run(ensure(RUNNER_TOKEN))
    asyncio.run(ensure(RUNNER_TOKEN))
    asyncio.run(revoke())
    with pytest.raises(RunnerTokenError, match="was revoked"):
        asyncio.run(ensure(RUNNER_TOKEN))
