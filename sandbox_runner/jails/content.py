"""Prepares the modules that a jail can import: `automio`, `plugins` and the client's dependencies.

They are copied into one directory because the runner's own environment contains the platform, too, and because a jail
cannot write byte code: it is compiled here once, so that jails import the client quickly. The directory is named by a
digest of its content, and all jails share it read-only.
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

_DISTRIBUTION = "automio-platform"
_OWN_PACKAGES = ("automio", "plugins")
_HARNESS_PACKAGE = "automio_sandbox"
_ALIAS_PACKAGE = "robotnikai"
_ALIAS_MODULE = "robotnikai_alias.py"
_NEVER_COPIED = ("__pycache__", "*.pyc", "tests", ".env")


def client_closure(root: str = _DISTRIBUTION) -> dict[str, Distribution]:
    """Returns the distributions that the client depends on, by canonical name, without itself and without extras.

    Raises SandboxError when one of them is not installed.
    """
    distributions: dict[str, Distribution] = {}
    waiting = list(_requirements(root, frozenset()))
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        requirement = waiting.pop()
        name, extras = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        distributions[name] = _installed(name)
        waiting += _requirements(name, extras)
    distributions.pop(canonicalize_name(root), None)
    return distributions


def prepare_site(state: Path) -> Path:
    """Returns the site directory for jails; builds it if it does not exist."""
    closure = client_closure()
    own = [_package_directory(name) for name in _OWN_PACKAGES]
    digest = _digest([f"{name} {item.version}" for name, item in sorted(closure.items())], own)

    def build(target: Path) -> None:
        for item in closure.values():
            _copy_distribution(item, target)
        for package in own:
            shutil.copytree(package, target / package.name, ignore=shutil.ignore_patterns(*_NEVER_COPIED))
        alias = target / _ALIAS_PACKAGE / "__init__.py"
        alias.parent.mkdir()
        shutil.copy(_harness_source() / _ALIAS_MODULE, alias)
        _compile(target)

    return build_once(state / f"site-{digest}", build)


def prepare_harness(state: Path) -> Path:
    """Returns the directory with the harness, under its own name: it must not depend on the site's `automio`."""

    def build(target: Path) -> None:
        ignored = shutil.ignore_patterns(*_NEVER_COPIED, _ALIAS_MODULE)
        shutil.copytree(_harness_source(), target / _HARNESS_PACKAGE, ignore=ignored)
        _compile(target)

    return build_once(state / f"harness-{_digest([], [_harness_source()])}", build)


def private_directory(path: Path) -> Path:
    """Creates a directory that others can enter but not list; refuses one that another user could have prepared."""
    path.mkdir(parents=True, exist_ok=True, mode=0o711)
    status = path.lstat()
    if path.is_symlink() or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise SandboxError(f"{path} must be a directory of this user that nobody else can write to")
    return path


def _requirements(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    for text in _installed(name).requires or ():
        requirement = Requirement(text)
        environments = [{"extra": extra} for extra in extras] or [{"extra": ""}]
        if requirement.marker is None or any(requirement.marker.evaluate(values) for values in environments):
            yield requirement


def _installed(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError as error:
        raise SandboxError(f"{name}, which scripts in the sandbox need, is not installed") from error


def _copy_distribution(item: Distribution, target: Path) -> None:
    for entry in item.files or ():
        # Scripts are outside the site directory (../../bin/...); byte code is compiled again.
        if ".." in entry.parts or entry.suffix == ".pyc" or "__pycache__" in entry.parts:
            continue
        source = Path(str(item.locate_file(entry)))
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


def build_once(finished: Path, build: Callable[[Path], None]) -> Path:
    """Builds a directory under a temporary name and renames it, so that an incomplete one is never used."""
    private_directory(finished.parent)
    if finished.is_dir():
        # Marks the content as used, so that it is not deleted as old.
        os.utime(finished)
        return finished
    with tempfile.TemporaryDirectory(prefix=".building-", dir=finished.parent) as staging:
        target = Path(staging, "content")
        target.mkdir()
        build(target)
        _readable_by_all(target)
        try:
            target.rename(finished)
        except OSError:
            # Another runner was faster, and its directory has the same content.
            if not finished.is_dir():
                raise
    return finished


def _compile(target: Path) -> None:
    compileall.compile_dir(
        str(target), quiet=2, stripdir=str(target), invalidation_mode=PycInvalidationMode.UNCHECKED_HASH
    )


def _readable_by_all(root: Path) -> None:
    root.chmod(0o755)
    for path in root.rglob("*"):
        # A program stays one.
        is_entered = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if is_entered else 0o644)
