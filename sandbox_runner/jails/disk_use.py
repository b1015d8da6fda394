"""Measures the files of a run: those in its directories, and those that have no name any more but are still open."""

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from sandbox_runner.jails.process_tree import descendants

_BLOCK_BYTES = 512
_MIN_BYTES = 4096
_MAPS_FIELDS = 6
Inode = tuple[int, int]
"""The device and the number of a file, which names it once, however often it is linked and opened."""


def disk_bytes(directories: Iterable[str], process_id: int, *, max_bytes: int | None = None) -> int:
    """Returns the bytes of all files below directories and of the deleted files that a process tree holds.

    Each file and directory counts as at least one block, so that empty ones, which take inodes, are bounded too. The
    scan ends early where more than `max_bytes` are found.
    """
    roots = tuple(directories)
    sizes: dict[Inode, int] = {}
    for member in (process_id, *descendants(process_id)):
        for inode, size in _mapped_without_name(member, roots):
            sizes[inode] = max(size, sizes.get(inode, 0))
    # Exact sizes replace those that were only read from the mappings.
    for member in (process_id, *descendants(process_id)):
        sizes.update(_held_without_name(member))
    total = sum(sizes.values())
    for found in _entries_below(roots):
        inode, size = _size(found)
        size = max(size, _MIN_BYTES)
        if inode in sizes or (found.st_nlink > 1 and not stat.S_ISDIR(found.st_mode)):
            total += size - sizes.get(inode, 0)
            sizes[inode] = size
        else:
            # Only a file with several names can be found again: a run may make a million of the others.
            total += size
        if max_bytes is not None and total > max_bytes:
            break
    return total


def _entries_below(directories: Iterable[str]) -> Iterator[os.stat_result]:
    waiting = list(directories)
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    yield entry.stat(follow_symlinks=False)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)


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


def _mapped_without_name(process_id: int, directories: tuple[str, ...]) -> Iterator[tuple[Inode, int]]:
    """Yields the deleted files below directories and in memory that a process maps, up to their last mapped byte.

    Only a capability allows `stat` through map_files, while a runner without root may read maps. The path tells files
    of a run from those of the system that were replaced while mapped, and from shared memory that has no file.
    """
    prefixes = ("/memfd:", *(f"{os.path.realpath(directory)}/" for directory in directories))
    path = Path(f"/proc/{process_id}/maps")
    with contextlib.suppress(OSError), path.open(errors="surrogateescape") as maps:
        for line in maps:
            fields = line.rstrip("\n").split(maxsplit=5)
            if len(fields) == _MAPS_FIELDS and fields[5].endswith(" (deleted)") and fields[5].startswith(prefixes):
                first, end = (int(address, 16) for address in fields[0].split("-"))
                major, minor = (int(number, 16) for number in fields[3].split(":"))
                yield (os.makedev(major, minor), int(fields[4])), int(fields[2], 16) + end - first


def _size(found: os.stat_result) -> tuple[Inode, int]:
    return (found.st_dev, found.st_ino), found.st_blocks * _BLOCK_BYTES
