"""Manages the data directory of `automio up`: one supervisor at a time, and the secrets of the installation."""

import fcntl
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Self


class DataDirectoryError(RuntimeError):
    """Reports that the data directory cannot be used."""


class AlreadyRunningError(DataDirectoryError):
    """Reports that another supervisor holds the data directory."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Holds an installation's own secrets. Values in the environment win over these."""

    secret_keys: str
    """Encrypts stored credentials; losing it loses them."""
    runner_token: str
    """The credential of the runner that the supervisor starts."""

    @classmethod
    def generate(cls) -> Self:
        return cls(secret_keys=secrets.token_hex(32), runner_token="amt_runner_" + secrets.token_urlsafe(32))


class DataDirectory:
    """Represents a directory of ours (mode 0700), locked as long as this object is open.

    The lock is the kernel's (`flock`): it is released the moment its holder is dead, whatever killed it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: IO[str] | None = None

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (self.path / "supervisor.lock").open("a+")
        except OSError as error:
            raise DataDirectoryError(
                f"cannot use the data directory {self.path}: {error.strerror}; choose another with --data-dir"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            holder = self._lock.read().strip() or "unknown"
            self._lock.close()
            raise AlreadyRunningError(
                f"automio already runs on the data directory {self.path} (process {holder}); "
                "stop it, or choose another --data-dir"
            ) from None
        self._lock.seek(0)
        self._lock.truncate()
        self._lock.write(f"{os.getpid()}\n")
        self._lock.flush()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._lock is not None:
            self._lock.close()

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def files(self) -> Path:
        return self.path / "files"

    @property
    def admin_file(self) -> Path:
        return self.path / "admin.json"

    def secrets(self) -> Secrets:
        """Returns the installation's secrets, generated on the first call.

        Raises DataDirectoryError when the file is damaged: new secrets would make stored credentials unreadable.
        """
        file = self.path / "secrets.json"
        if not file.exists():
            write_private(file, json.dumps(asdict(Secrets.generate()), indent=2))
        try:
            return Secrets(**json.loads(file.read_text()))
        except (ValueError, TypeError) as error:
            raise DataDirectoryError(f"{file} is damaged ({error}); restore it from a backup") from error


def write_private(file: Path, text: str) -> None:
    """Writes a file only we may read, whole or not at all."""
    staging = file.with_name(file.name + ".new")
    staging.unlink(missing_ok=True)
    descriptor = os.open(staging, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    staging.replace(file)
