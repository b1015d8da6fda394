"""Two people synchronize their folders with one app: nothing that somebody stored is lost without a word."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automio._development import sync
from automio._development.folder import write_file
from automio._development.sync import SyncError, Workspace
from automio._exceptions import Conflict

PATHS, TEXTS = ("a.py", "b.py"), ("x = 1\n", "x = 2\n")
Files = dict[str, str]


class Interrupted(Exception):
    """Stands for Ctrl+C after the platform has stored a push, before its answer has arrived."""


@dataclass
class Platform:
    """Stores the source of one app, as the HTTP API does: a change needs the latest version."""

    files: Files = field(default_factory=lambda: dict.fromkeys(PATHS, TEXTS[0]))
    version: int = 1
    is_cut: bool = False

    def app(self, app: object) -> Any:
        return SimpleNamespace(id=1)

    def source(self, app: object) -> Any:
        return SimpleNamespace(version=self.version, files=dict(self.files))

    def interfaces(self) -> list[Any]:
        return []

    def change_source(self, app: object, changes: Mapping[str, str | None], base_version: int, message: str) -> int:
        if base_version != self.version:
            raise Conflict("a newer version was saved", status=409)
        for path, text in changes.items():
            self.files.pop(path, None)
            if text is not None:
                self.files[path] = text
        self.version += 1
        if self.is_cut:
            raise Interrupted
        return self.version


class Person:
    """Synchronizes a folder, and knows of each path what folder and platform last had in common."""

    def __init__(self, root: Path, platform: Platform) -> None:
        self.root, self.platform = root, platform
        self.known: dict[str, str | None] = {}

    def write(self, path: str, text: str | None) -> None:
        if text is None:
            (self.root / path).unlink(missing_ok=True)
        else:
            (self.root / path).write_text(text)

    def pull(self, keep_both: bool = False) -> None:
        before = self._folder()
        try:
            pulled = self._workspace().pull(keep_both=keep_both)
        except SyncError:
            assert self._folder() == before
            return
        self._check(before, self._folder())
        # These conflicts were told; what is done with the files afterwards is done knowingly.
        for path, beside in pulled.beside.items():
            self.known[path] = (self.root / beside).read_text()
            assert self.known[path] == self.platform.files[path]
        self.known.update(dict.fromkeys(pulled.gone))

    def push(self, is_cut: bool = False) -> None:
        before = dict(self.platform.files)
        self.platform.is_cut = is_cut
        try:
            self._workspace().push("m")
        except SyncError:
            assert self.platform.files == before
            return
        except Interrupted:
            pass
        self._check(before, self.platform.files)

    def _check(self, before: Files, after: Files) -> None:
        """Compares one side before and after: what went away there is what both sides had in common."""
        for path, text in before.items():
            assert after.get(path) == text or self.known.get(path) == text, f"{path} is lost"
        folder = self._folder()
        for path in PATHS:
            if folder.get(path) == self.platform.files.get(path):
                self.known[path] = folder.get(path)

    def _folder(self) -> Files:
        return {path: (self.root / path).read_text() for path in PATHS if (self.root / path).exists()}

    def _workspace(self) -> Workspace:
        platform: Any = self.platform
        return Workspace(self.root, platform, 1, "http://127.0.0.1:1")


WHO = st.integers(0, 1)
STEP = st.one_of(
    st.tuples(WHO, st.just("write"), st.sampled_from(PATHS), st.sampled_from((*TEXTS, None))),
    st.tuples(WHO, st.sampled_from(("pull", "push")), st.booleans()),
)
DELETE, PUSH, PULL = ("write", "a.py", None), ("push", False), ("pull", False)
BOTH_DELETE = [(0, *DELETE), (1, *DELETE), (1, *PUSH), (0, "write", "b.py", TEXTS[1])]
RESTORE = (1, "write", "a.py", TEXTS[0])


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=25))
@example([*BOTH_DELETE, (0, *PULL), (0, *PUSH), RESTORE, (1, *PULL), (1, *PUSH), (0, *PUSH)])
@example([(0, *DELETE), (0, "push", True), (1, *PULL), RESTORE, (1, *PUSH), (0, *PUSH)])
@example([(0, "write", "a.py", TEXTS[1]), (0, "push", True), (1, *PULL), RESTORE, (1, *PUSH), (0, *PUSH)])
def test_nothing_is_lost_without_a_conflict(steps: list[Any]) -> None:
    platform, top = Platform(), Path(tempfile.mkdtemp())
    try:
        people = [Person(top / "0", platform), Person(top / "1", platform)]
        for person in people:
            person.root.mkdir()
            person.pull()
        for who, name, *arguments in steps:
            getattr(people[who], name)(*arguments)
    finally:
        shutil.rmtree(top)


def _pair(tmp_path: Path) -> tuple[Platform, Person, Person]:
    platform = Platform()
    mine, theirs = Person(tmp_path / "mine", platform), Person(tmp_path / "theirs", platform)
    for person in (mine, theirs):
        person.root.mkdir()
        person.pull()
    return platform, mine, theirs


def test_a_restored_file_that_was_gone_on_both_sides_stays(tmp_path: Path) -> None:
    platform, mine, theirs = _pair(tmp_path)
    mine.write("a.py", None)
    theirs.write("a.py", None)
    theirs.push()
    mine.write("b.py", TEXTS[1])
    mine.push()
    theirs.pull()
    theirs.write("a.py", TEXTS[0])
    theirs.push()
    with pytest.raises(SyncError, match=r"a\.py: changed on the platform"):
        mine._workspace().push("m")
    assert platform.files["a.py"] == TEXTS[0]


def test_a_push_that_was_interrupted_before_anything_was_stored_is_pushed_again(tmp_path: Path) -> None:
    platform, mine, _ = _pair(tmp_path)
    mine.write("a.py", TEXTS[1])

    def cut(*_: object) -> int:
        raise Interrupted

    platform.change_source, store = cut, platform.change_source  # type: ignore[method-assign, assignment]
    with pytest.raises(Interrupted):
        mine._workspace().push("m")
    platform.change_source = store  # type: ignore[method-assign]
    assert mine._workspace().push("m").changed == ["a.py"]
    assert platform.files["a.py"] == TEXTS[1]


def test_a_push_that_was_stored_and_interrupted_is_not_pushed_again(tmp_path: Path) -> None:
    platform, mine, theirs = _pair(tmp_path)
    mine.write("a.py", TEXTS[1])
    mine.push(is_cut=True)
    platform.is_cut = False
    assert mine._workspace().push("m").changed == []
    theirs.pull()
    theirs.write("a.py", TEXTS[0])
    theirs.push()
    assert mine._workspace().pull().written == ["a.py"]


def test_a_pull_that_was_interrupted_remembers_what_it_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, mine, theirs = _pair(tmp_path)
    for path in PATHS:
        theirs.write(path, TEXTS[1])
    theirs.push()

    def cut(root: Path, path: str, text: str) -> None:
        if path == "b.py":
            raise Interrupted
        write_file(root, path, text)

    monkeypatch.setattr(sync, "write_file", cut)
    with pytest.raises(Interrupted):
        mine._workspace().pull()
    monkeypatch.undo()
    theirs.write("a.py", TEXTS[0])
    theirs.push()
    comparison, _, _ = mine._workspace().status()
    assert comparison.theirs == ["a.py", "b.py"]
