"""Reads the files of an app from a developer's folder, and writes the platform's files there and nowhere else."""

import fnmatch
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from automio._exceptions import AutomioError

IGNORE_FILE = ".automioignore"
THEIRS = ".theirs"
STATE_FILE = ".automio/sync.json"
_MAX_FILE_BYTES = 1024 * 1024
_MAX_FILES = 5_000
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
# In addition to all names that begin with a dot: `.env`, `.venv`, `.git`, `.automio`.
_NEVER = ("__pycache__", "node_modules", "venv", "typings", "*.pyc", "*.pyi", "*.theirs", "*.env", "*.key", "*.pem")


class FolderError(AutomioError):
    """Reports that a file of the folder cannot be read or written."""


@dataclass(frozen=True)
class Contents:
    """Holds the files of an app: path to text; `left_out` holds files that cannot be used, with the reason."""

    files: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def digest(text: str) -> str:
    """Returns the SHA-256 of a file's text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


class Rules:
    """Excludes files that do not belong to an app: hidden files, caches, stubs, and those in the ignore file.

    The ignore file has one pattern per line (`*`, `?`, `[…]`); `#` begins a comment. A pattern with `/` matches whole
    paths, any other pattern matches names; one that ends with `/` matches directories only.
    """

    def __init__(self, patterns: Sequence[str] = ()) -> None:
        self._patterns = patterns

    @classmethod
    def of(cls, root: Path) -> "Rules":
        """Reads the rules of a folder; raises FolderError when its ignore file has unsupported patterns."""
        file = root / IGNORE_FILE
        try:
            lines = file.read_text().splitlines() if file.is_file() else []
        except (OSError, UnicodeDecodeError) as error:
            raise FolderError(f"{file} cannot be read: {error}.") from error
        patterns = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if negated := [pattern for pattern in patterns if pattern.startswith("!")]:
            raise FolderError(f"{file}: {negated[0]} begins with `!`, but exceptions are not supported.")
        return cls(patterns)

    def excludes(self, path: str, *, is_directory: bool = False) -> bool:
        """Tells whether a path or one of its parent directories is excluded."""
        parts = path.split("/")
        ends = range(1, len(parts) + 1)
        return any(
            self._excludes_path("/".join(parts[:end]), is_directory=is_directory or end < len(parts)) for end in ends
        )

    def _excludes_path(self, path: str, *, is_directory: bool) -> bool:
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
    """Reads the files of a folder that the rules do not exclude; never follows a link out of the folder."""
    contents = Contents()
    for path in _entries(root, root, root.resolve(), rules, contents.left_out):
        relative = path.relative_to(root).as_posix()
        text, reason = _text(path)
        if text is None:
            contents.left_out[relative] = reason
        else:
            contents.files[relative] = text
        if len(contents.files) > _MAX_FILES:
            raise FolderError(
                f"{root} has more than {_MAX_FILES} files; list files that are not the app's in {IGNORE_FILE}."
            )
    return contents


def write_file(root: Path, path: str, text: str) -> None:
    """Writes a file of the platform atomically; raises FolderError when its path leads out of the folder."""
    target = _target(root, path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _refuse_outside(root, target)
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".automio-")
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        Path(name).chmod(target.stat().st_mode & 0o777 if target.is_file() else 0o644)
        # Replaces a link instead of writing to its target.
        Path(name).replace(target)
    except OSError as error:
        raise FolderError(f"{target} cannot be written: {error.strerror}.") from error


def write_beside(root: Path, path: str, text: str) -> str:
    """Writes the platform's version of a file beside it and returns that path; another file there stays."""
    for number in count(1):
        name = f"{path}{THEIRS}" if number == 1 else f"{path}.{number}{THEIRS}"
        target = _target(root, name)
        if not target.is_symlink() and target.is_file() and _text(target)[0] == text:
            return name
        if not (target.exists() or target.is_symlink()):
            write_file(root, name, text)
            return name
    raise AssertionError("unreachable")


def remove_file(root: Path, path: str) -> None:
    """Removes a file and the directories that are empty afterwards."""
    target = _target(root, path)
    _refuse_outside(root, target)
    target.unlink(missing_ok=True)
    for parent in target.parents:
        if parent == root or any(parent.iterdir()):
            break
        parent.rmdir()


def check_path(path: str) -> None:
    """Raises FolderError for a path of the platform that leaves the folder or is a hidden file."""
    if len(path) > 250 or not all(_SEGMENT.fullmatch(part) for part in path.split("/")):
        raise FolderError(f"The platform has a file {path!r}, which is not written: it is not a path in the folder.")


def _target(root: Path, path: str) -> Path:
    check_path(path)
    return root / path


def _refuse_outside(root: Path, target: Path) -> None:
    if not target.parent.resolve().is_relative_to(root.resolve()):
        raise FolderError(f"{target} is not written: its path has a link that leads out of {root}.")


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
            left_out[relative] = "its name has characters other than letters, digits, `_`, `-` and `.`"
        else:
            yield path


def _is_hidden(path: Path, root: Path) -> bool:
    """Tells whether a link's target is a hidden file, such as `.env`."""
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _text(path: Path) -> tuple[str | None, str]:
    """Returns the text of a file, or None and the reason why it is left out."""
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            return None, f"larger than {_MAX_FILE_BYTES} bytes"
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        return None, "not UTF-8 text"
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"
    return (None, "not text: it contains a NUL character") if "\x00" in text else (text, "")
