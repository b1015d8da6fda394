"""Runs a real `automio up` as a process of its own, for tests, documentation and benchmarks."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

_READY_WITHIN = 600.0
_STOPPED_WITHIN = 600.0
_READY = "automio ready "
# What names each child on its command line.
_CHILDREN = {
    "postgres": "/bin/postgres",
    "control-plane": "platform_api.supervisor.control_plane",
    "runner": "runner",
}
# For the many clients of a plain loopback address: loading the usual certificates takes longer than a call.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# Settings of the calling process that would make the installation another one.
_NOT_INHERITED = ("DATABASE_URL", "REDIS_URL", "SECRET_KEYS", "RUNNER_TOKEN", "PUBLIC_URL", "FILES_DIR")


class InstallationError(AssertionError):
    """Reports that `automio up` did not do what was waited for; the message ends with its log."""


class Installation:
    """Runs `automio up` on `data_dir`. As a context manager it is started, and stopped at the end.

    Standard error goes to `up.log` in the data directory.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int = 0,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        working_directory: Path | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.url = ""
        self._port = port
        self._arguments = arguments
        self._environment = environment or {}
        self._working_directory = working_directory
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()

    @property
    def process(self) -> "subprocess.Popen[str]":
        if self._process is None:
            raise InstallationError("the installation was not started")
        return self._process

    @property
    def log(self) -> str:
        return (self.data_dir / "up.log").read_text(errors="replace")

    @property
    def admin(self) -> dict[str, Any]:
        """Returns the content of `admin.json`."""
        loaded: dict[str, Any] = json.loads((self.data_dir / "admin.json").read_text())
        return loaded

    def client(self, *, token: str | None = None) -> httpx.Client:
        """Returns an HTTP client for the installation, as its owner unless `token` is given."""
        bearer = token or str(self.admin["token"])
        headers = {"Authorization": f"Bearer {bearer}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=240, verify=NO_CERTIFICATES)

    def start(self) -> None:
        """Starts the installation and waits for `automio ready`."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        with (self.data_dir / "up.log").open("a") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "automio.cli", "up"),
                    *("--port", str(self._port), "--data-dir", str(self.data_dir), *self._arguments),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**environment, **self._environment},
                cwd=self._working_directory,
            )
        self.url = self._wait_ready(self._process)

    def _wait_ready(self, process: "subprocess.Popen[str]") -> str:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        deadline = time.monotonic() + _READY_WITHIN
        while time.monotonic() < deadline:
            if (line := process.stdout.readline()).startswith(_READY):
                return line.removeprefix(_READY).strip()
            if process.poll() is not None:
                raise InstallationError(f"automio up ended with status {process.returncode}:\n{self.log}")
            time.sleep(0.02)
        process.kill()
        raise InstallationError(f"automio up was not ready within {_READY_WITHIN} s:\n{self.log}")

    def children(self) -> dict[str, int]:
        """Returns the pids of the supervisor's own children by name."""
        pids: dict[str, int] = {}
        for pid in _children(self.process.pid):
            command = _command_line(pid)
            for name, part in _CHILDREN.items():
                if part in command:
                    pids.setdefault(name, pid)
                    break
        return pids

    def descendants(self) -> list[int]:
        """Returns every process below the supervisor, and the supervisor itself."""
        pending, pids = [self.process.pid], []
        while pending:
            pids.append(pid := pending.pop())
            pending += _children(pid)
        return pids

    def wait_child(self, name: str, *, other_than: int | None = None, within: float = 60.0) -> int:
        """Returns the pid of a child once it runs (and is not `other_than`)."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            pid = self.children().get(name)
            if pid is not None and pid != other_than:
                return pid
            time.sleep(0.02)
        raise InstallationError(f"no {name} within {within} s:\n{self.log}")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stops the installation in order and returns its exit status."""
        self.process.send_signal(number)
        try:
            return self._ended(_STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self._ended(60)
            raise InstallationError(f"automio up did not stop within {_STOPPED_WITHIN} s:\n{self.log}") from None

    def kill(self) -> None:
        """Kills the supervisor alone with `kill -9`."""
        self.process.kill()
        self._ended(60)

    def _ended(self, within: float) -> int:
        status = self.process.wait(within)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


def wait_gone(pids: Sequence[int], *, within: float = 60.0) -> list[int]:
    """Waits until none of the processes is left; returns those that still run."""
    deadline = time.monotonic() + within
    while (left := [pid for pid in pids if _is_running(pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
