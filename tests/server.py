"""The PostgreSQL server that the tests of one run share."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

import asyncpg

from platform_api.supervisor.postgres import EmbeddedPostgres

_MEMORY = Path("/dev/shm")
_PREFIX = "amt-"
# What the databases of a run take at most, several times over.
_ROOM = 4 * 2**30


class SharedServer:
    """A server without durability: a test's data never outlives it."""

    def __init__(self) -> None:
        self.postgres = EmbeddedPostgres(
            _make_directory(),
            options={
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "max_connections": "300",
                # Hashing a password thousands of times is for passwords that people choose.
                "scram_iterations": "1",
            },
        )
        # Held as long as the server is there, so that nobody takes its directory for a leftover.
        self._lock = os.open(self.postgres.paths.root, os.O_RDONLY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self.postgres.prepare()
        self.postgres.start()
        asyncio.run(self._make_ready())

    async def _make_ready(self) -> None:
        await self.postgres.wait_ready()
        connection = await asyncpg.connect(self.postgres.url())
        await connection.execute(f"alter role {self.postgres.superuser} password '{self.postgres.password}'")
        await connection.close()

    def stop(self) -> None:
        """Ends it and removes what it wrote."""
        self.postgres.stop()
        shutil.rmtree(self.postgres.paths.root, ignore_errors=True)
        os.close(self._lock)


def _make_directory() -> Path:
    """Makes the server's directory: in memory where there is room, for each database is hundreds of new files."""
    # Sockets have a path limit of 107 bytes, so not below pytest's long temporary directories.
    if not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK):
        return Path(tempfile.mkdtemp(prefix=_PREFIX))
    _remove_leftovers()
    is_roomy = min(shutil.disk_usage(_MEMORY).free, _available_memory()) >= _ROOM
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_MEMORY if is_roomy else None))


def _available_memory() -> int:
    """Returns how many bytes programs could still get."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _remove_leftovers() -> None:
    """Removes what servers of runs that were killed have left in memory."""
    for directory in _MEMORY.glob(f"{_PREFIX}*"):
        try:
            descriptor = os.open(directory, os.O_RDONLY)
        except OSError:
            continue  # another user's, or just gone
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
        except BlockingIOError:
            pass  # a run that goes on
        finally:
            os.close(descriptor)
