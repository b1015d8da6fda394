"""Finds the files of this host that a jail needs: the interpreter, its libraries, shared libraries, time zones."""

import os
import sys
import sysconfig
from pathlib import Path

from sandbox_runner.isolation.policy import PythonInstallation, SystemFiles

_TIME_ZONES = "/usr/share/zoneinfo"
_LIBRARY_ROOTS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
_LINKER_FILES = ("/etc/ld.so.cache", "/etc/ld-musl-x86_64.path", "/etc/localtime")


def python_installation() -> PythonInstallation:
    """Returns the installation of the running interpreter; inside a virtual environment, the one it is based on."""
    # `_base_executable` is what venv itself uses to find the interpreter behind an environment.
    executable = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    base = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}
    libraries = {
        os.path.realpath(sysconfig.get_path(name, vars={**base, "installed_base": sys.base_prefix}))
        for name in ("stdlib", "platstdlib")
    }
    standard = {path for path in libraries if Path(path).is_dir() and not _is_within_environment(path)}
    hidden = [
        str(Path(path, name))
        for path in sorted(standard)
        for name in ("site-packages", "dist-packages")
        if Path(path, name).is_dir()
    ]
    return PythonInstallation(
        executable=executable,
        directories=tuple(sorted(standard)),
        files=tuple(_shared_interpreter_libraries()),
        hidden=tuple(hidden),
    )


def system_files() -> SystemFiles:
    """Returns the directories with shared libraries and time zones."""
    triplet = sysconfig.get_config_var("MULTIARCH") or "no-such-directory"
    directories: set[str] = set()
    links: list[tuple[str, str]] = []
    for root in _LIBRARY_ROOTS:
        path = Path(root)
        if path.is_symlink():
            links.append((root, str(path.readlink())))
        elif (path / triplet).is_dir():
            directories.add(str(path / triplet))
        elif path.is_dir():
            directories.add(root)
    if Path(_TIME_ZONES).is_dir():
        directories.add(_TIME_ZONES)
    files = [os.path.realpath(path) for path in _LINKER_FILES if Path(path).is_file() and not Path(path).is_symlink()]
    return SystemFiles(directories=tuple(sorted(directories)), files=tuple(files), links=tuple(links))


def reachable_by_others(path: str) -> bool:
    """Tells whether any user can reach `path`, because others may enter all directories above it."""
    return all(parent.stat().st_mode & 0o001 for parent in Path(path).resolve().parents)


def _is_within_environment(path: str) -> bool:
    return sys.prefix != sys.base_prefix and Path(path).is_relative_to(sys.prefix)


def _shared_interpreter_libraries() -> list[str]:
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        return []
    directory = Path(sys.base_prefix, "lib")
    return sorted({str(path) for path in directory.glob("libpython3*.so*") if path.is_file()})
