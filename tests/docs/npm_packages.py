"""npm packages that pages install: fetched once into `.cache/` of the checkout, and linked into a reader's folder."""

import fcntl
import hashlib
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

_CACHE = Path(__file__).parents[2] / ".cache" / "docs-npm"
_OLDEST_NODE = 20


def has_node() -> bool:
    """Tells whether this machine has a Node that runs the pages' examples."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return False
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    return version[1:].partition(".")[0].isdecimal() and int(version[1:].partition(".")[0]) >= _OLDEST_NODE


def link(command: str, directory: Path) -> None:
    """Does what `npm install PACKAGE …` says, in `directory`; skips the test when the registry cannot be reached."""
    npm, install, *packages = shlex.split(command)
    assert (npm, install) == ("npm", "install"), command
    linked = directory / "node_modules"
    # A second installation on a page adds to the first.
    before = (directory / ".packages").read_text().split() if linked.exists() else []
    all_packages = [*before, *packages]
    linked.unlink(missing_ok=True)
    linked.symlink_to(_installed(all_packages))
    (directory / ".packages").write_text(" ".join(all_packages))


def _installed(packages: list[str]) -> Path:
    folder = _CACHE / hashlib.sha256(" ".join(packages).encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".complete").exists():
            (folder / "package.json").write_text('{"private": true, "type": "module"}')
            command = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", *packages]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                pytest.skip(f"npm cannot install {' '.join(packages)}: {done.stderr.strip()[-300:]}")
            (folder / ".complete").touch()
    return folder / "node_modules"
