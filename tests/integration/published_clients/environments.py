"""Virtual environments with the published clients, made once and kept in `.cache/` of the checkout."""

import fcntl
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_CACHE = Path(__file__).parents[3] / ".cache" / "published-clients"


class IndexUnreachable(Exception):
    """The package index cannot be reached, so the client cannot be installed."""


@dataclass(frozen=True)
class PublishedClient:
    """A release on the package index. `requests` and `redis` are what it needs beyond what it declares (§15.18)."""

    package: str
    version: str
    undeclared: tuple[str, ...] = ("requests", "redis")

    @property
    def directory(self) -> Path:
        return _CACHE / f"{self.package}-{self.version}-{sysconfig.get_python_version()}"

    @property
    def python(self) -> Path:
        return self.directory / "bin" / "python"

    def __str__(self) -> str:
        return f"{self.package}-{self.version}"


CLIENTS = (PublishedClient("automio", "0.1.6"), PublishedClient("robotnikai", "0.2.11"))
RECENT = PublishedClient("automio", "0.5.7")
"""The newest one; its calls and their paths differ from those of the others."""
# The other one is the same client under its former name.
EACH_CLIENT = [pytest.param(CLIENTS[0], id=str(CLIENTS[0]))]
EACH_CLIENT += [pytest.param(client, id=str(client), marks=pytest.mark.full) for client in CLIENTS[1:]]


def install(client: PublishedClient) -> Path:
    """The interpreter of the client's environment; raises IndexUnreachable when that cannot be made."""
    complete = client.directory / ".complete"
    with _lock(client):
        if not complete.exists():
            # Without pip: not every Python can put it into an environment.
            subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", client.directory], check=True)
            _install_packages(client)
            complete.touch()
    return client.python


def _install_packages(client: PublishedClient) -> None:
    requirements = [f"{client.package}=={client.version}", *client.undeclared]
    pip = [sys.executable, "-m", "pip", "--python", client.python, "--disable-pip-version-check"]
    install = ["install", "--quiet", "--retries", "1", *requirements]
    done = subprocess.run([*pip, *install], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise IndexUnreachable(f"pip install {' '.join(requirements)}: {done.stderr.strip().splitlines()[-1:]}")


@contextmanager
def _lock(client: PublishedClient) -> Iterator[None]:
    """Workers of one test run must not build the same environment at once."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / f"{client}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
