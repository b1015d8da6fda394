"""`automio up` as a process: what it prints, what it survives, what it leaves behind."""

import asyncio
import json
import os
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from platform_api.supervisor.postgres import EmbeddedPostgres
from platform_api.supervisor.set_up_link import find_set_up_link
from platform_api.supervisor.testing import Installation, wait_gone
from tests.memory import quick_directory

WITHOUT_RUNNER = ("--no-runner",)


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    # PostgreSQL's socket lies in here: pytest's own directories are too deep.
    with tempfile.TemporaryDirectory(prefix="amu-", dir=quick_directory()) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def prepared(directory: Path) -> Path:
    """A data directory that has been started once."""
    data_dir = directory / "prepared"
    with Installation(data_dir, arguments=WITHOUT_RUNNER):
        pass
    return data_dir


@pytest.fixture(scope="module")
def running(directory: Path) -> Iterator[Installation]:
    """An installation that runs all the time; a test may kill its children, but leaves it serving."""
    with Installation(directory / "running", arguments=WITHOUT_RUNNER) as installation:
        yield installation


@pytest.fixture
def up(prepared: Path) -> Iterator[Installation]:
    """A running installation of the test's own, which it may stop or kill."""
    with Installation(prepared, arguments=WITHOUT_RUNNER) as installation:
        pids = installation.descendants()
        yield installation
    assert wait_gone(pids) == []


def _automio(*arguments: str, environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-P", "-m", "automio.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, **(environment or {})},
    )


def _answers(installation: Installation) -> bool:
    """Whether a request that needs the database is answered."""
    try:
        with installation.client() as client:
            return client.get("/api/organizations/").status_code == 200
    except httpx.HTTPError:
        return False


def _wait(condition: Callable[[], bool], *, within: float = 600) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_first_start_writes_the_administrator_for_us_alone(running: Installation) -> None:
    admin = running.admin
    assert set(admin) == {"base_url", "organization_id", "email", "password", "token"}
    assert admin["organization_id"] == 1
    assert admin["base_url"] == running.url
    for name in ("admin.json", "secrets.json"):
        assert stat.S_IMODE((running.data_dir / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((running.data_dir / "postgres").stat().st_mode) == 0o700
    with running.client() as client:
        assert [organization["id"] for organization in client.get("/api/organizations/").json()] == [1]
        assert client.get("/api/organizations/", headers={"Authorization": "Bearer wrong"}).status_code == 401


def _start_at_a_terminal(data_dir: Path) -> "tuple[subprocess.Popen[bytes], int]":
    """`automio up` as a person starts it; also the other end of its terminal."""
    ours, theirs = pty.openpty()
    arguments = ("up", "--port", "0", "--data-dir", str(data_dir), "--no-runner")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "automio.cli", *arguments], stdout=theirs, stderr=subprocess.DEVNULL
    )
    os.close(theirs)
    return process, ours


def _read_until(terminal: int, text: bytes) -> str:
    shown = b""
    while text not in shown or not shown.endswith(b"\n"):
        shown += os.read(terminal, 4096)
    return shown.decode()


def _stop(process: "subprocess.Popen[bytes]", terminal: int) -> None:
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(240) == 0
    finally:
        os.close(terminal)


def test_a_person_gets_a_link_that_creates_the_first_user_and_none_later(directory: Path) -> None:
    data_dir = directory / "person"
    process, terminal = _start_at_a_terminal(data_dir)
    try:
        first = _link_in(_read_until(terminal, b"/set-up?code="))
    finally:
        _stop(process, terminal)
    assert not (data_dir / "admin.json").exists(), "nobody asked for a password"

    # As long as there is no user, each start prints a link; both work.
    process, terminal = _start_at_a_terminal(data_dir)
    try:
        link = _link_in(_read_until(terminal, b"/set-up?code="))
        assert link["code"] != first["code"]
        account = {"name": "A", "email": "a@example.com", "password": "long enough 1", "organization": "First"}
        with httpx.Client(base_url=link["url"], timeout=240) as client:
            page = client.get("/set-up", params={"code": link["code"]}, headers={"Accept": "text/html"})
            assert page.headers["content-type"].startswith("text/html"), page.text
            done = client.post("/api/set-up/", json={**account, "code": first["code"]})
            assert done.status_code == 201, done.text
        assert asyncio.run(find_set_up_link(link["url"], link["code"])) is None, "a later start prints none"
        command_lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in _below(process.pid)]
        assert not any(link["code"] in line for line in command_lines)
    finally:
        _stop(process, terminal)


def _link_in(shown: str) -> dict[str, str]:
    match = re.search(r"(?P<url>http://[^/\s]+)/set-up\?code=(?P<code>\S+)", shown)
    assert match is not None, shown
    return match.groupdict()


def _below(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in _below(int(child)))]


def test_an_owner_or_a_link_is_asked_for_not_both_and_an_owner_is_an_email(directory: Path) -> None:
    both = _automio("up", "--data-dir", str(directory / "unused"), "--owner", "a@example.com", "--set-up-link")
    assert (both.returncode, "--owner or --set-up-link, not both" in both.stderr) == (2, True)
    wrong = _automio("up", "--data-dir", str(directory / "unused"), "--owner", "somebody")
    assert (wrong.returncode, "must be an e-mail address, not 'somebody'" in wrong.stderr) == (2, True)


def test_a_second_start_keeps_the_administrator_and_his_token(up: Installation) -> None:
    token = up.admin["token"]
    assert up.stop() == 0
    up.start()
    assert up.admin["token"] == token
    assert _answers(up)


def test_a_second_start_on_the_same_data_says_so_and_fails(running: Installation) -> None:
    done = _automio("up", "--port", "0", "--data-dir", str(running.data_dir), "--no-runner")
    assert done.returncode == 1
    assert (
        f"automio already runs on the data directory {running.data_dir.resolve()} (process {running.process.pid})"
        in done.stderr
    )
    assert "Traceback" not in done.stderr
    assert _answers(running)


def test_a_port_in_use_is_named_with_the_way_out(directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _automio("up", "--port", str(port), "--data-dir", str(directory / "unused"), "--no-runner")
    assert done.returncode == 1
    assert f"port {port} on 127.0.0.1 is in use by another program; choose another with --port" in done.stderr


def test_a_host_that_is_not_ours_is_named(directory: Path) -> None:
    done = _automio("up", "--host", "192.0.2.1", "--port", "0", "--data-dir", str(directory / "unused"))
    assert done.returncode == 1
    assert "192.0.2.1 is not an address of this machine" in done.stderr


def test_a_database_that_cannot_be_reached_ends_the_start_with_the_reason(directory: Path) -> None:
    unreachable = {"DATABASE_URL": "postgresql:///nothing?host=/nonexistent"}
    data_dir = directory / "external"
    done = _automio("up", "--port", "0", "--data-dir", str(data_dir), "--no-runner", environment=unreachable)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if "Error" in line or "ended with" in line]
    assert errors == ["Error: the database at /nonexistent cannot be reached: no such file or directory"]
    assert "Traceback" not in done.stderr
    assert not (data_dir / "postgres").exists()


def test_a_person_at_a_terminal_is_told_where_to_sign_in_and_no_more(prepared: Path) -> None:
    process, terminal = pty.fork()
    if process == 0:
        arguments = ["up", "--port", "0", "--data-dir", str(prepared), "--no-runner"]
        os.execv(sys.executable, [sys.executable, "-P", "-m", "automio.cli", *arguments])
    shown, deadline = b"", time.monotonic() + 240
    try:
        while b"sign in at" not in shown or not shown.endswith(b"\n"):
            assert time.monotonic() < deadline, shown
            if select.select([terminal], [], [], 0.2)[0]:
                shown += os.read(terminal, 4096)
    finally:
        os.kill(process, signal.SIGINT)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        os.close(terminal)
    starting, ready, sign_in = shown.decode().splitlines()
    assert starting.startswith("starting …") and ready.startswith("automio ready http://127.0.0.1:")
    email = json.loads((prepared / "admin.json").read_text())["email"]
    assert sign_in.startswith(f"sign in at {ready.split()[-1]} as {email}, whose first password is in")


def test_a_database_that_refuses_us_ends_the_start_with_the_reason(
    directory: Path, postgres: EmbeddedPostgres
) -> None:
    wrong = {"DATABASE_URL": postgres.url(user="postgres", password="wrong")}
    done = _automio("up", "--port", "0", "--data-dir", str(directory / "refused"), "--no-runner", environment=wrong)
    assert done.returncode == 1
    assert 'the database cannot be prepared: password authentication failed for user "postgres"' in done.stderr
    assert "Traceback" not in done.stderr


def test_an_external_database_replaces_the_embedded_one(directory: Path, database_url: str) -> None:
    data_dir = directory / "external-works"
    environment = {"DATABASE_URL": database_url}
    with Installation(data_dir, arguments=WITHOUT_RUNNER, environment=environment) as installation:
        assert set(installation.children()) == {"control-plane"}
        assert _answers(installation)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_ends_everything_with_status_0(up: Installation, number: signal.Signals) -> None:
    pids = up.descendants()
    assert len(pids) > 2
    assert up.stop(number) == 0
    assert wait_gone(pids, within=60) == []


def test_an_open_event_stream_does_not_hold_up_a_stop(up: Installation) -> None:
    host, port = up.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as idle:
        idle.sendall(b"POST /api/organizations/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
        assert up.stop() == 0
        assert "child.killed" not in up.log


def test_a_killed_control_plane_is_restarted_and_connections_wait_for_it(running: Installation) -> None:
    first = running.children()["control-plane"]
    os.kill(first, signal.SIGKILL)
    # Sent while nobody reads: the kernel keeps it until the next control plane does.
    with running.client() as client:
        assert client.get("/api/organizations/", timeout=240).status_code == 200
    assert running.wait_child("control-plane", other_than=first) != first
    assert "was ended by SIGKILL" in running.log


def test_a_killed_postgres_is_restarted_and_nothing_acknowledged_is_lost(running: Installation) -> None:
    with running.client() as client:
        made = client.post("/api/organizations/", json={"name": "Kept", "slug": f"kept-{time.monotonic_ns()}"})
        assert made.status_code == 201, made.text
    postgres, control_plane = running.children()["postgres"], running.children()["control-plane"]
    os.kill(postgres, signal.SIGKILL)
    assert running.wait_child("postgres", other_than=postgres)
    assert _wait(lambda: _answers(running))
    with running.client() as client:
        slugs = {organization["slug"] for organization in client.get("/api/organizations/").json()}
    assert made.json()["slug"] in slugs
    assert running.children()["control-plane"] == control_plane, "the control plane reconnects, it is not restarted"


def test_after_the_supervisor_is_killed_nothing_is_left_and_the_next_start_takes_over(up: Installation) -> None:
    pids = up.descendants()
    port = int(up.url.rpartition(":")[2])
    up.kill()
    again = Installation(up.data_dir, port=port, arguments=WITHOUT_RUNNER)
    with again:
        assert again.url == up.url
        assert wait_gone(pids) == []
        assert _answers(again)


def test_it_works_from_any_directory_with_a_relative_data_directory(directory: Path, prepared: Path) -> None:
    relative = Path(os.path.relpath(prepared, directory))
    process = subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "automio.cli", "up"),
            *("--port", "0", "--data-dir", str(relative), "--no-runner"),
        ],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            assert process.stdout.readline().startswith("automio ready http://127.0.0.1:")
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(240) == 0


def test_damaged_secrets_are_not_replaced(directory: Path) -> None:
    data_dir = directory / "damaged"
    data_dir.mkdir()
    (data_dir / "secrets.json").write_text("{")
    done = _automio("up", "--port", "0", "--data-dir", str(data_dir), "--no-runner")
    assert done.returncode == 1
    assert "secrets.json is damaged" in done.stderr
    assert (data_dir / "secrets.json").read_text() == "{"


def test_secrets_are_stable_and_not_on_any_command_line(running: Installation) -> None:
    secrets = json.loads((running.data_dir / "secrets.json").read_text())
    secrets |= {"password": running.admin["password"], "token": running.admin["token"]}
    secrets["login"] = (running.data_dir / "postgres" / "login-password").read_text().strip()
    for pid in running.descendants():
        command = Path(f"/proc/{pid}/cmdline").read_text()
        assert not [name for name, value in secrets.items() if value in command]
