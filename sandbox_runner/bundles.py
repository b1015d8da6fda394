"""Stores the source trees of runs on disk by digest, and links them into jails."""

import os
import shutil
from pathlib import Path, PurePosixPath

from sandbox_runner.errors import BundleRefused

_MAX_BUNDLES = 128
_MAX_PATH_BYTES = 400


class BundleStore:
    """Bundles in `directory`; the least recently used ones are deleted first."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._paths_by_digest: dict[str, list[str]] = {}

    def has(self, digest: str) -> bool:
        """Tells whether the bundle is stored, so that it need not be fetched."""
        return digest in self._paths_by_digest

    def keep(self, digest: str, files: dict[str, str]) -> None:
        """Stores a fetched bundle; raises BundleRefused for a path that leads out of the bundle's directory."""
        paths = [checked_path(path) for path in files]
        target = self._path(digest)
        shutil.rmtree(target, ignore_errors=True)
        for path, text in files.items():
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="")
            file.chmod(0o644)
        self._paths_by_digest[digest] = paths
        while len(self._paths_by_digest) > _MAX_BUNDLES:
            self._drop(next(iter(self._paths_by_digest)))

    def place(self, digest: str, target: Path, *, linked: bool) -> None:
        """Puts the bundle's files into a jail's empty directory; `linked` only if the jail cannot write to them."""
        # Moved to the end, as the most recently used one.
        paths = self._paths_by_digest[digest] = self._paths_by_digest.pop(digest)
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
        del self._paths_by_digest[digest]
        shutil.rmtree(self._path(digest), ignore_errors=True)

    def _path(self, digest: str) -> Path:
        if not (digest.isascii() and digest.isalnum()):
            raise BundleRefused(f"{digest!r} is not a bundle's digest")
        return self._directory / digest


def checked_path(path: str) -> str:
    """Returns a path inside a bundle; raises BundleRefused for one that leads out of it."""
    parts = PurePosixPath(path).parts
    plain = path == "/".join(parts) and "\0" not in path and len(path.encode()) <= _MAX_PATH_BYTES
    if not parts or not plain or ".." in parts or path.startswith("/"):
        raise BundleRefused(f"the bundle's file name {path!r} is not a relative path inside the bundle")
    return path
