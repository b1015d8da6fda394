"""Directories for what is written a lot and never kept: in memory where there is room.

A database or an installation is hundreds of new files, and making those on a disk's file system takes eight times
as long; an installation also waits until everything the machine has written is on the disk.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

_MEMORY = Path("/dev/shm")
_PREFIX = "amt-"
# What one run of the tests keeps there at most, several times over.
_ROOM = 4 * 2**30


@cache
def quick_directory() -> str:
    """Returns a directory of this process, which is removed when it ends. Its path is short, as sockets need it."""
    directory = tempfile.mkdtemp(prefix=_PREFIX, dir=_MEMORY if _is_usable() else None)
    # Held as long as this process lives, so that nobody takes the directory for a leftover.
    fcntl.flock(os.open(directory, os.O_RDONLY), fcntl.LOCK_SH)
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # and not a child that was forked
            shutil.rmtree(directory, ignore_errors=True)

    atexit.register(remove)
    return directory


def _is_usable() -> bool:
    if not _MEMORY.is_dir() or not os.access(_MEMORY, os.W_OK) or os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:
        return False
    _remove_leftovers()
    return min(shutil.disk_usage(_MEMORY).free, _available_memory()) >= _ROOM


def _available_memory() -> int:
    """Returns how many bytes programs could still get."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _remove_leftovers() -> None:
    """Removes what runs that were killed have left."""
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
