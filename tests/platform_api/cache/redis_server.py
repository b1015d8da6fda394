"""A Redis server of the tests' own."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def redis_server() -> Iterator[str]:
    """Starts a server on a Unix socket; gives its URL. Skips the test where none is installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    # Sockets have a path limit of 107 bytes, so not below pytest's long temporary directories.
    directory = Path(tempfile.mkdtemp(prefix="amr-"))
    path = directory / "s"
    arguments = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(directory)]
    process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
    try:
        _wait_for(path)
        yield f"unix://{path}"
    finally:
        process.terminate()
        process.wait(240)
        shutil.rmtree(directory, ignore_errors=True)


def _wait_for(path: Path) -> None:
    for _ in range(3000):
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError("redis-server did not start within 30 s")
