"""A developer's folder: which files belong to an app, and writing what the platform sends without leaving it."""

import fnmatch
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from automio._exceptions import AutomioError

IGNORE_FILE = ".automioignore"
STATE_FILE = ".automio/sync.json"
_MOST_BYTES = 1024 * 1024
_MOST_FILES = 5_000
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
# Besides everything whose name begins with a dot: `.env`, `.venv`, `.git`, `.automio`.
_NEVER = ("__pycache__", "node_modules", "venv", "typings", "*.pyc", "*.pyi", "*.theirs", "*.env", "*.key", "*.pem")


class FolderError(AutomioError):
    """A file cannot be read or written where it should be."""


@dataclass(frozen=True)
class Contents:
    """The files that belong to an app: path to text, and which are left out although nothing says so, with why."""

    files: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def digest(text: str) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


class Rules:
    """Which paths are no files of an app: hidden ones, caches, stubs, and what the ignore file of a folder names.

    The ignore file has a pattern a line (`*`, `?`, `[…]`), `#` begins a comment. A pattern with `/` is one of whole
    paths, another one of names; one that ends with `/` means directories.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._patterns = patterns

    @classmethod
    def of(cls, root: Path) -> "Rules":
        """Those of a folder; raises FolderError when its ignore file holds what cannot be followed."""
        file = root / IGNORE_FILE
        try:
            lines = file.read_text().splitlines() if file.is_file() else []
        except (OSError, UnicodeDecodeError) as error:
            raise FolderError(f"{file} cannot be read: {error}.") from error
        patterns = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if negated := [pattern for pattern in patterns if pattern.startswith("!")]:
            raise FolderError(f"{file}: {negated[0]} begins with `!`; exceptions are not known here.")
        return cls(patterns)

    def excludes(self, path: str, *, is_directory: bool = False) -> bool:
        """Whether a path, or a directory above it, is left out."""
        parts = path.split("/")
        ends = range(1, len(parts) + 1)
        return any(
            self._excludes_one("/".join(parts[:end]), is_directory=is_directory or end < len(parts)) for end in ends
        )

    def _excludes_one(self, path: str, *, is_directory: bool) -> bool:
        name = path.rpartition("/")[2]
        is_hidden = name.startswith(".") and name not in (".", "..")
        if is_hidden or any(fnmatch.fnmatchcase(name, pattern) for pattern in _NEVER):
            return True
        for pattern in self._patterns:
            if pattern.endswith("/") and not is_directory:
                continue
            bare = pattern.rstrip("/")
            if fnmatch.fnmatchcase(path if "/" in bare else name, bare.lstrip("/")):
                return True
        return False


def read_folder(root: Path, rules: Rules) -> Contents:
    """The folder's files, without those that the rules exclude. No link that leads out of the folder is followed."""
    contents = Contents()
    for path in _entries(root, root, root.resolve(), rules, contents.left_out):
        relative = path.relative_to(root).as_posix()
        text, reason = _text(path)
        if text is None:
            contents.left_out[relative] = reason
        else:
            contents.files[relative] = text
        if len(contents.files) > _MOST_FILES:
            raise FolderError(
                f"{root} holds more than {_MOST_FILES} files; name what is not the app's in {IGNORE_FILE}."
            )
    return contents


def write_file(root: Path, path: str, text: str) -> None:
    """Writes a file the platform named, whole or not at all; raises FolderError when it would lie elsewhere."""
    target = _target(root, path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _refuse_outside(root, target)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".automio-")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        Path(name).chmod(target.stat().st_mode & 0o777 if target.is_file() else 0o644)
        # Takes the place of a link, too: what it leads to is not written.
        Path(name).replace(target)
    except OSError as error:
        raise FolderError(f"{target} cannot be written: {error.strerror}.") from error


def remove_file(root: Path, path: str) -> None:
    """Removes a file, and the directories that this leaves empty."""
    target = _target(root, path)
    _refuse_outside(root, target)
    target.unlink(missing_ok=True)
    for parent in target.parents:
        if parent == root or any(parent.iterdir()):
            break
        parent.rmdir()


def check_path(path: str) -> None:
    """Raises FolderError unless a path that the platform names stays inside the folder and is no hidden file."""
    if len(path) > 250 or not all(_SEGMENT.fullmatch(part) for part in path.split("/")):
        raise FolderError(
            f"The platform names a file {path!r}, which is not written: it is not a path in the folder."
        )


def _target(root: Path, path: str) -> Path:
    check_path(path)
    return root / path


def _refuse_outside(root: Path, target: Path) -> None:
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise FolderError(f"{target} is not written: a link in its path leads out of {root}.")


def _entries(top: Path, folder: Path, resolved: Path, rules: Rules, left_out: dict[str, str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        relative = path.relative_to(top).as_posix()
        if rules.excludes(relative, is_directory=path.is_dir()):
            continue
        if path.is_symlink() and not path.resolve().is_relative_to(resolved):
            left_out[relative] = "a link that leads out of the folder"
        elif path.is_symlink() and (path.is_dir() or _is_hidden(path.resolve(), resolved)):
            left_out[relative] = "a link to a directory or to a hidden file"
        elif path.is_dir():
            yield from _entries(top, path, resolved, rules, left_out)
        elif not path.is_file():
            left_out[relative] = "not a file"
        elif not _SEGMENT.fullmatch(path.name):
            left_out[relative] = "its name holds other characters than letters, digits, `_`, `-` and `.`"
        else:
            yield path


def _is_hidden(path: Path, root: Path) -> bool:
    """Whether a link would give a `.env` another name."""
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _text(path: Path) -> tuple[str | None, str]:
    """The text of a file, or None and why it is left out."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None, f"larger than {_MOST_BYTES} bytes"
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return None, "not UTF-8 text"
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"
    return (None, "not text: it holds a NUL character") if "\x00" in text else (text, "")
