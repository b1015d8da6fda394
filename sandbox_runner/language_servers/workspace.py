"""Lays out what a language server reads: the app's source, and the client's modules with the app's own names.

The jail sees the directory read-only. What decides which programs a language server starts (its settings, the
interpreter) is written here and nowhere else: an app's source may have such files, too, and is not believed.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from sandbox_runner.bundles import checked_path
from sandbox_runner.errors import BundleRefused
from sandbox_runner.isolation.policy import INSIDE

SOURCE = "source"
STUBS = "stubs"
_READABLE = (".py", ".pyi")
_CLIENT = "automio"
_LEFT_OUT = frozenset({"cli", "_development", "_sandbox", "__pycache__"})
_SETTINGS = f"""# Written by the platform.
project-includes = ["{SOURCE}/**/*.py"]
search-path = ["{INSIDE.bundle}/{SOURCE}", "{INSIDE.bundle}/{STUBS}"]
site-package-path = ["{INSIDE.site}"]
skip-interpreter-query = true
use-ignore-files = false
python-version = "3.11"
python-platform = "linux"
"""


class Workspace:
    """Fills `directory`, which a jail shows as its bundle."""

    def __init__(self, directory: Path, *, site: Path) -> None:
        self._directory = directory
        (directory / "pyrefly.toml").write_text(_SETTINGS, encoding="utf-8")
        (directory / SOURCE).mkdir()
        self._link_client(site / _CLIENT)

    def apply(self, files: Mapping[str, str | None]) -> None:
        """Writes files below `source/` and `stubs/`, removes those that are None; raises BundleRefused."""
        for path, text in files.items():
            target = self._directory / _allowed(path)
            if text is None:
                target.unlink(missing_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            # Never into the file itself: the client's modules are links to those of all jails.
            fresh = target.with_name(f".{target.name}.new")
            fresh.write_text(text, encoding="utf-8", newline="")
            fresh.replace(target)

    def _link_client(self, package: Path) -> None:
        for parent, directories, names in os.walk(package):
            directories[:] = [name for name in directories if name not in _LEFT_OUT]
            target = self._directory / STUBS / _CLIENT / Path(parent).relative_to(package)
            target.mkdir(parents=True)
            for name in names:
                if name.endswith(_READABLE) or name == "py.typed":
                    (target / name).hardlink_to(Path(parent, name))


def _allowed(path: str) -> str:
    top, _, rest = checked_path(path).partition("/")
    if top not in (SOURCE, STUBS) or not rest.endswith(_READABLE):
        raise BundleRefused(f"{path!r} is no file that a language server may read")
    return path
