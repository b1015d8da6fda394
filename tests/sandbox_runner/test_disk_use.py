"""What the measurement of a run's disk use sees, as root and as a user without capabilities."""

import contextlib
import ctypes
import mmap
import os
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox_runner.jails.disk_use import disk_bytes

_SIZE = 8 << 20
_NOBODY = 65534
_PR_SET_DUMPABLE = 4


@pytest.fixture
def work() -> Iterator[Path]:
    """Provides a directory that any user can enter and write to."""
    with tempfile.TemporaryDirectory(prefix="automio-disk-") as directory:
        Path(directory).chmod(0o777)
        yield Path(directory)


def as_nobody(measure: Callable[[], int]) -> int:
    """Returns what a process without capabilities measures of itself."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(_NOBODY, _NOBODY, _NOBODY)
                os.setresuid(_NOBODY, _NOBODY, _NOBODY)
                ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
            os.write(writing, str(measure()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return int(text)


def _mapped(descriptor: int) -> mmap.mmap:
    """Maps a file, fills it and closes the descriptor."""
    os.ftruncate(descriptor, _SIZE)
    pages = mmap.mmap(descriptor, _SIZE)
    pages.write(b"x" * _SIZE)
    os.close(descriptor)
    return pages


def _grown(work: Path, hold: Callable[[], list[mmap.mmap]]) -> int:
    before = disk_bytes((str(work),), os.getpid())
    kept = hold()
    grown = disk_bytes((str(work),), os.getpid()) - before
    del kept
    return grown


def _without_descriptor(work: Path) -> mmap.mmap:
    """Maps a deleted file; mmap of Python keeps a descriptor, so that is closed too."""
    path = work / "gone"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    path.unlink()
    pages = _mapped(descriptor)
    for link in list(Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(OSError):
            if str(link.readlink()).startswith(str(work)):
                os.close(int(link.name))
    return pages


def test_a_deleted_file_that_is_only_mapped_is_counted_without_capabilities(work: Path) -> None:
    grown = as_nobody(lambda: _grown(work, lambda: [_without_descriptor(work)]))
    assert _SIZE <= grown < 2 * _SIZE


def test_shared_memory_without_a_file_is_not_disk_use(work: Path) -> None:
    assert as_nobody(lambda: _grown(work, lambda: [mmap.mmap(-1, _SIZE)])) < _SIZE


def test_a_mapped_file_in_memory_counts_once(work: Path) -> None:
    def hold() -> list[mmap.mmap]:
        descriptor = os.memfd_create("x")
        again = os.dup(descriptor)
        os.ftruncate(again, _SIZE)
        return [_mapped(descriptor), mmap.mmap(again, _SIZE)]

    grown = as_nobody(lambda: _grown(work, hold))
    assert _SIZE <= grown < 2 * _SIZE


def test_empty_files_and_directories_count_and_need_no_memory_each(work: Path) -> None:
    for number in range(20_000):
        (work / f"{number}").touch()
    (work / "below").mkdir()
    tracemalloc.start()
    try:
        counted = disk_bytes((str(work),), os.getpid())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert counted >= 20_001 * 4096
    assert peak < 1 << 20


def test_a_file_with_many_names_counts_once(work: Path) -> None:
    (work / "one").write_bytes(bytes(_SIZE))
    for number in range(20):
        os.link(work / "one", work / f"link-{number}")
    assert _SIZE <= disk_bytes((str(work),), os.getpid()) < 2 * _SIZE
