"""Starts PostgreSQL, the control plane and a runner, keeps them running, and ends them together.

The supervisor holds the listening socket and the lock on the data directory and nothing else: it may be killed at any
moment. Its children die with it, and the next `automio up` on the same data takes over.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import structlog
from pydantic import SecretStr

from platform_api.supervisor.data_directory import DataDirectory
from platform_api.supervisor.database import ensure_database
from platform_api.supervisor.health import wait_serving
from platform_api.supervisor.listener import base_url, listen, reachable_address
from platform_api.supervisor.postgres import EmbeddedPostgres
from platform_api.supervisor.processes.children import Child, spawn
from platform_api.supervisor.processes.orphans import adopt_orphans, end_descendants, reap_orphans
from platform_api.supervisor.settings import SupervisorSettings

log = structlog.stdlib.get_logger()

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What a runner's process may know of our environment: no credentials, nothing that names the database.
_RUNNER_ENVIRONMENT = frozenset(
    {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME", "XDG_RUNTIME_DIR"}
)
_RUNNER_ENVIRONMENT_PREFIXES = ("SANDBOX_", "RUNNER_", "LOG_")


@dataclass(frozen=True, slots=True)
class Options:
    """Holds the options of `automio up`."""

    host: str
    port: int
    data_dir: Path
    with_runner: bool = True
    owner: str | None = None
    """E-mail of the owner whom a first start creates; None: nobody."""
    set_up_code: str | None = None
    """What allows to create the first user in a browser, as long as there is none."""


class Supervisor:
    """Runs the children of one installation on one machine."""

    def __init__(
        self,
        directory: DataDirectory,
        *,
        listening: socket,
        environment: Mapping[str, str],
        with_runner: bool,
        owner: str | None = None,
        set_up_code: str | None = None,
        companions: Sequence[Child] = (),
    ) -> None:
        self._owner = owner
        self._set_up_code = set_up_code
        self._directory = directory
        self._listening = listening
        self._environment = environment
        settings = SupervisorSettings.from_environment()
        generated = directory.secrets()
        self._secret_keys = settings.secret_keys or SecretStr(generated.secret_keys)
        self._runner_token = settings.runner_token or SecretStr(generated.runner_token)
        self._public_url = settings.public_url
        # Absolute: the control plane has another working directory than we.
        self._files_dir = str(Path(environment.get("FILES_DIR") or directory.files).absolute())
        self._database_url = settings.database_url or ""
        self._has_database = asyncio.Event()
        self._pipe: int | None = None
        self._postgres = None if self._database_url else EmbeddedPostgres(directory.postgres)
        self._watchers: list[asyncio.Task[None]] = []
        self.url = base_url(*reachable_address(listening))
        # In the order of their start; they are stopped in the opposite order.
        self.children: list[Child] = [*companions]
        if self._postgres is not None:
            self.children.append(self._database_child(self._postgres))
        else:
            self._has_database.set()
        self._control_plane = self._control_plane_child()
        self.children.append(self._control_plane)
        if with_runner:
            self.children.append(self._runner_child())

    def _database_child(self, server: EmbeddedPostgres) -> Child:
        async def start() -> subprocess.Popen[bytes]:
            for process in server.prepare():
                log.warning("postgres.leftover_stopped", pid=process.pid)
            server.start()
            return server.process

        async def wait_ready() -> None:
            await server.wait_ready()
            self._database_url = await ensure_database(server)
            self._has_database.set()

        # PostgreSQL's fast shutdown: sessions are cancelled, a checkpoint is written.
        return Child("postgres", start, wait_ready, stop_signal=signal.SIGINT, stop_seconds=30)

    def _control_plane_child(self) -> Child:
        descriptor = self._listening.fileno()
        host, port = reachable_address(self._listening)
        owner = () if self._owner is None else ("--owner", self._owner)

        async def start() -> subprocess.Popen[bytes]:
            if self._pipe is not None:
                os.close(self._pipe)
            reading, self._pipe = os.pipe()
            try:
                return start_process(reading)
            finally:
                os.close(reading)

        def start_process(database_fd: int) -> subprocess.Popen[bytes]:
            return spawn(
                [
                    *(sys.executable, "-P", "-m", "platform_api.supervisor.control_plane"),
                    *("--fd", str(descriptor), "--database-fd", str(database_fd)),
                    *("--admin-file", str(self._directory.admin_file), *owner),
                ],
                environment={
                    **self._environment,
                    "FILES_DIR": self._files_dir,
                    "SECRET_KEYS": self._secret_keys.get_secret_value(),
                    "PUBLIC_URL": self._public_url or self.url,
                    "RUNNER_TOKEN": self._runner_token.get_secret_value(),
                    # In the environment, which only we may read, unlike a command line.
                    "SET_UP_CODE": self._set_up_code or "",
                },
                working_directory=self._directory.path,
                inherited_fds=[descriptor, database_fd],
            )

        async def wait_ready() -> None:
            await self._has_database.wait()
            if self._pipe is not None:
                pipe, self._pipe = self._pipe, None
                # Whoever has ended meanwhile is noticed by who waits for that.
                with contextlib.suppress(BrokenPipeError), os.fdopen(pipe, "w") as stream:
                    stream.write(self._database_url)
            await wait_serving(host, port, "/health")

        return Child("control-plane", start, wait_ready, stop_seconds=15)

    def _runner_child(self) -> Child:
        async def start() -> subprocess.Popen[bytes]:
            return spawn(
                [sys.executable, "-P", "-m", "automio.cli", "runner", "--server", self.url],
                environment={
                    **runner_environment(self._environment),
                    "RUNNER_TOKEN": self._runner_token.get_secret_value(),
                },
                working_directory=self._directory.path,
            )

        async def wait_ready() -> None:
            """Returns at once: a runner serves nobody; runs wait in the queue until it claims them."""

        # Runs may go on for RUNNER_SHUTDOWN_SECONDS; then the runner ends them itself.
        return Child("runner", start, wait_ready, stop_seconds=40)

    async def start(self) -> None:
        """Starts every child in order and keeps them running. Raises what prevents one from starting."""
        # Loading its code takes longest, and needs no database.
        await self._control_plane.begin()
        for child in self.children:
            await child.first_start()
            self._watchers.append(asyncio.create_task(child.keep_running()))

    async def stop(self) -> None:
        """Ends every child in order, none before those that need it."""
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        for child in reversed(self.children):
            await child.stop()
        if self._postgres is not None:
            self._postgres.stop()

    def kill(self) -> None:
        """Kills every child at once; PostgreSQL recovers at the next start."""
        for child in self.children:
            child.kill()

    def reap(self) -> None:
        """Collects ended grandchildren that were handed to us."""
        reap_orphans({child.process.pid for child in self.children if child.process is not None})


def runner_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the part of our environment that a runner gets."""
    return {
        name: value
        for name, value in environment.items()
        if name in _RUNNER_ENVIRONMENT or name.startswith(_RUNNER_ENVIRONMENT_PREFIXES)
    }


async def run_installation(
    options: Options,
    *,
    environment: Mapping[str, str],
    while_serving: Callable[[str], Awaitable[None]],
    companions: Sequence[Child] = (),
) -> None:
    """Starts an installation and calls `while_serving` with its URL; stops when that returns, or at a stop signal.

    `companions` are further children, started first. Nothing is left running. Raises DataDirectoryError,
    ListenError, PostgresError or ChildError when it does not start, and whatever `while_serving` raises.
    """
    with DataDirectory(options.data_dir) as directory, listen(options.host, options.port) as listening:
        adopt_orphans()
        supervisor = Supervisor(
            directory,
            listening=listening,
            environment=environment,
            with_runner=options.with_runner,
            owner=options.owner,
            set_up_code=options.set_up_code,
            companions=companions,
        )
        stopping = _stop_on_signals(supervisor)

        async def serve() -> None:
            await supervisor.start()
            await while_serving(supervisor.url)

        try:
            await _until(stopping, serve())
        finally:
            await supervisor.stop()
            end_descendants()


def _stop_on_signals(supervisor: Supervisor) -> asyncio.Event:
    """Returns the event that a first stop signal sets; a second signal kills the children without waiting."""
    stopping = asyncio.Event()

    def stop(number: signal.Signals) -> None:
        if stopping.is_set():
            log.warning("supervisor.kill", signal=number.name)
            supervisor.kill()
            return
        log.info("supervisor.stop", signal=number.name)
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGCHLD, supervisor.reap)
    return stopping


async def _until(stopping: asyncio.Event, work: Awaitable[None]) -> None:
    task = asyncio.ensure_future(work)
    stopped = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise
