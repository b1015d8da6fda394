"""Stores what folder and platform last had in common, and what a push that was interrupted may have changed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from automio._decode import as_integer, as_object
from automio._development.folder import STATE_FILE, FolderError, check_path
from automio._development.remote import Remote, is_plugin_path

_UNKNOWN = ""
"""Stands for the hash of a content that is not known; no text has it."""


@dataclass(frozen=True)
class Pending:
    """Describes a change that a push has begun to store: the new hash (None removes) and the version before."""

    hash: str | None
    version: int


@dataclass
class State:
    """Holds the last common state of folder and platform: hashes of files by path, and the source tree's version.

    `pending` has the changes of a push of which it is not known whether the platform stored them.
    """

    base_url: str = ""
    app_id: int = 0
    version: int = 0
    files: dict[str, str] = field(default_factory=dict)
    pending: dict[str, Pending] = field(default_factory=dict)

    @classmethod
    def load(cls, root: Path) -> "State | None":
        """Returns the stored state of a folder; None when nothing was pulled into it yet."""
        file = root / STATE_FILE
        try:
            content = as_object(json.loads(file.read_text()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise FolderError(
                f"{file} is damaged ({error}).", hint="Remove it and pull into an empty folder."
            ) from error
        state = cls(
            base_url=str(content.get("base_url", "")),
            app_id=as_integer(content.get("app_id")) or 0,
            version=as_integer(content.get("version")) or 0,
            files={path: str(value) for path, value in as_object(content.get("files")).items()},
            pending={path: _pending(value) for path, value in as_object(content.get("pending")).items()},
        )
        for path in (*state.files, *state.pending):
            check_path(path)
        return state

    def save(self, root: Path) -> None:
        """Stores the state in the folder."""
        file = root / STATE_FILE
        # The same mode as for `automio up`, which may use it as its data directory.
        file.parent.mkdir(exist_ok=True, mode=0o700)
        staging = file.with_suffix(".new")
        staging.write_text(json.dumps({"format": 1, **asdict(self)}, indent=1, sort_keys=True) + "\n")
        staging.replace(file)


def settled(state: State, remote: Remote) -> State:
    """Returns a state in which what an interrupted push has left open is decided by what the platform has now.

    Where the platform stored something since then, and not what was pushed, the last common content is not known: it
    equals nothing, so that a difference is a conflict.
    """
    files, pending, there = dict(state.files), {}, remote.hashes()
    for path, change in state.pending.items():
        if is_plugin_path(path) and not remote.has_plugins:
            pending[path] = change
        elif version_of(path, remote) == change.version:
            continue
        elif there.get(path) != change.hash:
            files[path] = _UNKNOWN
        elif change.hash is None:
            files.pop(path, None)
        else:
            files[path] = change.hash
    return replace(state, files=files, pending=pending)


def kept(files: dict[str, str], here: Mapping[str, str], remote: Remote) -> dict[str, str]:
    """Returns hashes without those of paths that are gone on both sides: who restores one adds a file."""
    return {
        path: value
        for path, value in files.items()
        if path in here or path in remote.files or (is_plugin_path(path) and not remote.has_plugins)
    }


def version_of(path: str, remote: Remote) -> int:
    """Returns the version that a change of a path increases: the plugin's own, or that of the app's source."""
    return remote.versions.get(path, 0) if is_plugin_path(path) else remote.version


def _pending(value: Any) -> Pending:
    content = as_object(value)
    stored = content.get("hash")
    return Pending(stored if isinstance(stored, str) else None, as_integer(content.get("version")) or 0)


@dataclass(frozen=True)
class Comparison:
    """Holds paths by who changed them since the last common state: the platform (`theirs`), the folder (`mine`)."""

    theirs: list[str]
    mine: list[str]
    both: list[str]
    same: list[str]


def compare(base: Mapping[str, str], local: Mapping[str, str], remote: Mapping[str, str]) -> Comparison:
    """Compares the hashes of the last common state, the folder and the platform; a missing path means no file."""
    comparison = Comparison([], [], [], [])
    for path in sorted({*base, *local, *remote}):
        before, here, there = base.get(path), local.get(path), remote.get(path)
        if here == there:
            comparison.same.append(path)
        elif here == before:
            comparison.theirs.append(path)
        elif there == before:
            comparison.mine.append(path)
        else:
            comparison.both.append(path)
    return comparison
