"""Measures the files of a run: those in its directories, and those that have no name any more but are still open."""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from sandbox_runner.jails.process_tree import descendants

_BLOCK_BYTES = 512
Inode = tuple[int, int]
"""The device and the number of a file, which names it once, however often it is linked and opened."""


def disk_bytes(directories: Iterable[str], process_id: int) -> int:
    """Returns the bytes of all files below directories and of the deleted files that a process tree holds."""
    sizes: dict[Inode, int] = {}
    for directory in directories:
        sizes.update(_files_below(directory))
    for member in (process_id, *descendants(process_id)):
        sizes.update(_held_without_name(member))
    return sum(sizes.values())


def _files_below(directory: str) -> Iterator[tuple[Inode, int]]:
    for parent, _, names in os.walk(directory):
        for name in names:
            with contextlib.suppress(OSError):
                yield _size(os.lstat(f"{parent}/{name}"))


def _held_without_name(process_id: int) -> Iterator[tuple[Inode, int]]:
    """Yields the deleted files of a process, among them temporary files without a name and those in memory."""
    process = Path(f"/proc/{process_id}")
    held = [process / "map_files"]
    with contextlib.suppress(OSError):
        # A thread may have a table of descriptors of its own.
        held += [thread / "fd" for thread in (process / "task").iterdir()]
    for directory in held:
        with contextlib.suppress(OSError):
            for link in directory.iterdir():
                with contextlib.suppress(OSError):
                    found = link.stat()
                    if stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
                        yield _size(found)


def _size(found: os.stat_result) -> tuple[Inode, int]:
    return (found.st_dev, found.st_ino), found.st_blocks * _BLOCK_BYTES
