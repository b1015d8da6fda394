"""Copies the interpreter to where every user can reach it.

A runner that is root gives each jail a user of its own. Below a home that others cannot enter, as root's is, that
user could not read the standard library; without a mount namespace the copy is what the jail sees instead.
"""

import hashlib
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from sandbox_runner.errors import SandboxError
from sandbox_runner.isolation.host import reachable_by_others
from sandbox_runner.isolation.policy import PythonInstallation
from sandbox_runner.jails.content import build_once

_NEVER_COPIED = ("site-packages", "dist-packages", "test", "tests", "idlelib", "turtledemo", "config-*")


def is_reachable(python: PythonInstallation) -> bool:
    """Tells whether every user can reach the interpreter and its library."""
    return all(reachable_by_others(path) for path in (*python.directories, python.executable))


def reachable_copy(python: PythonInstallation, state: Path, *, prefix: str = sys.base_prefix) -> PythonInstallation:
    """Returns a copy of an installation below `state`, made once; its place below `prefix` stays the same.

    The host's own packages and the library's tests are left out. Raises SandboxError for an installation that is not
    below `prefix` as a whole.
    """
    parts = [Path(path) for path in (*python.directories, *python.files, python.executable)]
    if not all(path.is_relative_to(prefix) for path in parts):
        raise SandboxError(f"the interpreter is not below {prefix} as a whole, so it cannot be copied")
    below = [path.relative_to(prefix) for path in parts]
    directories, files = below[: len(python.directories)], below[len(python.directories) :]
    stamp = Path(python.executable).stat()
    version = f"{sys.version} {prefix} {stamp.st_mtime_ns} {stamp.st_size}"
    digest = hashlib.sha256(version.encode()).hexdigest()[:20]

    def build(target: Path) -> None:
        for directory in directories:
            shutil.copytree(
                Path(prefix, directory), target / directory, ignore=shutil.ignore_patterns(*_NEVER_COPIED)
            )
        for file in files:
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(Path(prefix, file), target / file)
        (target / files[-1]).chmod(0o755)

    copy = build_once(state / f"python-{digest}", build)
    return replace(
        python,
        executable=str(copy / files[-1]),
        directories=tuple(str(copy / directory) for directory in directories),
        files=tuple(str(copy / file) for file in files[:-1]),
        hidden=(),
    )
