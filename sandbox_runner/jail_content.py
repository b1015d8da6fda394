"""What a jail can import: `automio`, `plugins` and what the bare client depends on, copied into one directory.

A copy, because the runner's own environment holds the platform too, and because a jail cannot write byte code: here
it is compiled once, so that a fresh jail imports the client quickly. The directory's name is a digest of its
content's versions; it is made once and then shared, read-only, by all jails.
"""

import compileall
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from py_compile import PycInvalidationMode

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandbox_runner.errors import SandboxError

_OWN_PACKAGES = ("automio", "plugins")
_HARNESS_PACKAGE = "automio_sandbox"
_ALIAS_PACKAGE = "robotnikai"
_ALIAS_MODULE = "robotnikai_alias.py"
_NEVER_COPIED = ("__pycache__", "*.pyc", "tests", ".env")


def client_closure(root: str = "automio") -> dict[str, Distribution]:
    """The distributions the bare client needs, by canonical name, without `automio` itself and without extras.

    Raises SandboxError when one of them is not installed.
    """
    found: dict[str, Distribution] = {}
    waiting = list(_requirements(root, frozenset()))
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        found[name] = _installed(name)
        waiting += _requirements(name, extras)
    found.pop(canonicalize_name(root), None)
    return found


def prepare_site(state: Path) -> Path:
    """The site directory for jails, built when it is not there yet."""
    closure = client_closure()
    own = [_package_directory(name) for name in _OWN_PACKAGES]
    digest = _digest([f"{name} {found.version}" for name, found in sorted(closure.items())], own)

    def build(target: Path) -> None:
        for found in closure.values():
            _copy_distribution(found, target)
        for package in own:
            shutil.copytree(package, target / package.name, ignore=shutil.ignore_patterns(*_NEVER_COPIED))
        alias = target / _ALIAS_PACKAGE / "__init__.py"
        alias.parent.mkdir()
        shutil.copy(_harness_source() / _ALIAS_MODULE, alias)

    return _once(state / f"site-{digest}", build)


def prepare_harness(state: Path) -> Path:
    """The directory that holds the harness, under a name of its own: it must not depend on the site's `automio`."""

    def build(target: Path) -> None:
        ignored = shutil.ignore_patterns(*_NEVER_COPIED, _ALIAS_MODULE)
        shutil.copytree(_harness_source(), target / _HARNESS_PACKAGE, ignore=ignored)

    return _once(state / f"harness-{_digest([], [_harness_source()])}", build)


def private_directory(path: Path) -> Path:
    """Makes `path`, passable but not listable for others; refuses one that somebody else could have prepared."""
    path.mkdir(parents=True, exist_ok=True, mode=0o711)
    status = path.lstat()
    if path.is_symlink() or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise SandboxError(f"{path} must be a directory of this user that nobody else can write to")
    return path


def _requirements(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    for text in _installed(name).requires or ():
        requirement = Requirement(text)
        wanted = [{"extra": extra} for extra in extras] or [{"extra": ""}]
        if requirement.marker is None or any(requirement.marker.evaluate(values) for values in wanted):
            yield requirement


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError as error:
        raise SandboxError(f"{name}, which scripts in the sandbox need, is not installed") from error


def _copy_distribution(found: Distribution, target: Path) -> None:
    for entry in found.files or ():
        # Scripts lie outside the site directory (../../bin/...); byte code is made anew.
        if ".." in entry.parts or entry.suffix == ".pyc" or "__pycache__" in entry.parts:
            continue
        source = Path(str(found.locate_file(entry)))
        if source.is_file():
            destination = target.joinpath(*entry.parts)
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, destination)


def _package_directory(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SandboxError(f"the package {name} is not installed")
    return Path(spec.submodule_search_locations[0])


def _harness_source() -> Path:
    return _package_directory("automio") / "_sandbox"


def _digest(versions: list[str], packages: list[Path]) -> str:
    digest = hashlib.sha256(f"{sys.version}{versions}".encode())
    for package in packages:
        for path in sorted(package.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(package.parent)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:20]


def _once(finished: Path, build: Callable[[Path], None]) -> Path:
    """Builds next to the final place and renames, so that a half-built directory is never taken for a whole one."""
    private_directory(finished.parent)
    if finished.is_dir():
        # Content that is in use is not cleared away as old.
        os.utime(finished)
        return finished
    with tempfile.TemporaryDirectory(prefix=".building-", dir=finished.parent) as staging:
        target = Path(staging, "content")
        target.mkdir()
        build(target)
        compileall.compile_dir(
            str(target), quiet=2, stripdir=str(target), invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
        )
        _readable_by_all(target)
        try:
            target.rename(finished)
        except OSError:
            # Another runner was quicker; its directory has the same content.
            if not finished.is_dir():
                raise
    return finished


def _readable_by_all(root: Path) -> None:
    root.chmod(0o755)
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
