"""Checks, hashes and compares source trees. Pure: no database, no HTTP."""

import difflib
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from platform_api.core.errors import TooLarge, Unprocessable

MAX_FILES = 500
MAX_FILE_BYTES = 1024 * 1024
MAX_TREE_BYTES = 5 * 1024 * 1024
MAX_PATH_LENGTH = 200

_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")

Files = Mapping[str, str]
"""Maps path to text."""


@dataclass(frozen=True, slots=True)
class TreeChange:
    """Lists the paths that differ between two trees."""

    added: list[str]
    removed: list[str]
    modified: list[str]

    def describe(self) -> str:
        """Returns a phrase for an error message."""
        parts = [
            f"{verb} {', '.join(paths[:10])}{' and more' if len(paths) > 10 else ''}"
            for verb, paths in (("added", self.added), ("removed", self.removed), ("modified", self.modified))
            if paths
        ]
        return "; ".join(parts) or "nothing"


def check_tree(files: Files) -> None:
    """Raises Unprocessable or TooLarge, naming the file, unless `files` is a valid source tree."""
    if len(files) > MAX_FILES:
        raise TooLarge(f"files: {len(files)} files; a source tree may have at most {MAX_FILES}", field="files")
    total = 0
    for path, text in files.items():
        _check_path(path)
        total += _check_text(path, text)
    if total > MAX_TREE_BYTES:
        raise TooLarge(f"files: {total} bytes in all; a source tree may have at most {MAX_TREE_BYTES}", field="files")
    _refuse_file_as_directory(files)


def file_digest(text: str) -> str:
    """Returns the SHA-256 of a file's content, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def tree_digest(manifest: Mapping[str, str]) -> str:
    """Returns the SHA-256 of a tree, in hex, from its paths and the digests of its files."""
    canonical = json.dumps(sorted(manifest.items()), separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> TreeChange:
    """Compares two manifests, or two trees."""
    return TreeChange(
        added=sorted(after.keys() - before.keys()),
        removed=sorted(before.keys() - after.keys()),
        modified=sorted(path for path in after.keys() & before.keys() if after[path] != before[path]),
    )


def unified_diff(before: Files, after: Files) -> str:
    """Returns the difference between two trees in the format of `diff -u`."""
    change = compare(before, after)
    pieces: list[str] = []
    for path in sorted([*change.added, *change.removed, *change.modified]):
        lines = difflib.unified_diff(
            before.get(path, "").splitlines(),
            after.get(path, "").splitlines(),
            fromfile=f"a/{path}" if path in before else "/dev/null",
            tofile=f"b/{path}" if path in after else "/dev/null",
            lineterm="",
        )
        pieces.extend(lines)
    return "".join(f"{line}\n" for line in pieces)


def _check_path(path: str) -> None:
    if not path or len(path) > MAX_PATH_LENGTH:
        raise Unprocessable(
            f"files: the path {path[:50]!r} must have 1 to {MAX_PATH_LENGTH} characters", field="files"
        )
    if not all(_SEGMENT.fullmatch(segment) for segment in path.split("/")):
        raise Unprocessable(
            f"files: the path {path!r} must be relative; its parts start with a letter, digit or underscore and"
            " contain only those, `.` and `-`",
            field="files",
        )


def _check_text(path: str, text: str) -> int:
    if "\x00" in text:
        raise Unprocessable(f"files: {path} contains a NUL character; source files must be text", field="files")
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise Unprocessable(f"files: {path} must be valid Unicode text", field="files") from error
    if size > MAX_FILE_BYTES:
        raise TooLarge(f"files: {path} has {size} bytes; a file may have at most {MAX_FILE_BYTES}", field="files")
    return size


def _refuse_file_as_directory(files: Files) -> None:
    for path in files:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            if (parent := "/".join(parts[:depth])) in files:
                raise Unprocessable(f"files: {parent} is a file and cannot contain {path}", field="files")
