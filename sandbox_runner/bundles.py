"""Source trees of runs: kept on disk by digest, linked into the jail that is about to run one."""

import os
import shutil
from pathlib import Path, PurePosixPath

from sandbox_runner.errors import BundleRefused

_MOST_KEPT = 128
_LONGEST_PATH = 400


class BundleStore:
    """Bundles below `directory`, the least recently used dropped first."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._known: dict[str, list[str]] = {}

    def has(self, digest: str) -> bool:
        """Whether the bundle needs no fetching."""
        return digest in self._known

    def keep(self, digest: str, files: dict[str, str]) -> None:
        """Writes a fetched bundle. Raises BundleRefused for a path that would leave the directory it is put in."""
        paths = [_checked(path) for path in files]
        target = self._path(digest)
        shutil.rmtree(target, ignore_errors=True)
        for path, text in files.items():
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
            file.chmod(0o644)
        self._known[digest] = paths
        while len(self._known) > _MOST_KEPT:
            self._drop(next(iter(self._known)))

    def place(self, digest: str, target: Path, *, linked: bool) -> None:
        """Puts the bundle's files into a jail's empty directory; `linked` where the jail cannot write to it."""
        # Most recently used last.
        paths = self._known[digest] = self._known.pop(digest)
        source = self._path(digest)
        for path in paths:
            file = target / path
            if "/" in path:
                file.parent.mkdir(parents=True, exist_ok=True)
            if linked:
                os.link(source / path, file)
            else:
                shutil.copyfile(source / path, file)

    def _drop(self, digest: str) -> None:
        del self._known[digest]
        shutil.rmtree(self._path(digest), ignore_errors=True)

    def _path(self, digest: str) -> Path:
        if not (digest.isascii() and digest.isalnum()):
            raise BundleRefused(f"{digest!r} is not a bundle's digest")
        return self._directory / digest


def _checked(path: str) -> str:
    parts = PurePosixPath(path).parts
    plain = path == "/".join(parts) and "\0" not in path and len(path.encode()) <= _LONGEST_PATH
    if not parts or not plain or ".." in parts or path.startswith("/"):
        raise BundleRefused(f"the bundle's file name {path!r} is not a plain relative path")
    return path
