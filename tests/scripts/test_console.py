"""The script that builds the web console."""

import sys
from pathlib import Path

import pytest

import console


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A console of one file whose program `vite` copies it."""
    directory = tmp_path / "console"
    (directory / "src").mkdir(parents=True)
    (directory / "package.json").write_text("{}")
    (directory / "src" / "main.tsx").write_text("one")
    monkeypatch.setattr(console, "CONSOLE", directory)
    monkeypatch.setattr(console, "BUILT", tmp_path / "built")
    monkeypatch.setattr(console, "_SOURCES", ("package.json", "src"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return directory


class FakeNode:
    """Stands for Node: what is tested is when it is asked to build."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def npm(self, *arguments: str) -> None:
        (console.CONSOLE / "node_modules").mkdir(exist_ok=True)

    def run(self, program: str, *arguments: str, is_quiet: bool = False) -> None:
        self.ran.append(program)
        console.BUILT.mkdir(exist_ok=True)
        (console.BUILT / "index.html").write_text((console.CONSOLE / "src" / "main.tsx").read_text())


def test_it_builds_once_for_each_content(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = FakeNode()
    monkeypatch.setattr(console, "find_node", lambda: node)
    console.build()
    console.build()
    assert node.ran == ["vite"]
    (sources / "src" / "main.test.ts").write_text("tests change nothing")
    console.build()
    assert node.ran == ["vite"]
    (sources / "src" / "main.tsx").write_text("two")
    console.build()
    assert node.ran == ["vite", "vite"]
    (sources / "src" / "main.tsx").write_text("one")
    console.build()
    assert node.ran == ["vite", "vite"], "kept from before"
    assert (console.BUILT / "index.html").read_text() == "one"


def test_without_node_and_without_packages_it_says_so_and_succeeds(
    sources: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    # Stands for a pip that can install nothing.
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setattr(console, "find_spec", lambda name: None)
    console.build()
    said = capsys.readouterr().err
    assert "the web console is not built" in said and "Node 22.12 or newer is not installed" in said
    assert not console.BUILT.exists()


def test_a_failure_of_the_build_itself_is_a_failure(sources: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = console.Node(Path("/bin/false"), ["/bin/false"])
    monkeypatch.setattr(console, "find_node", lambda: failing)
    with pytest.raises(SystemExit, match="failed with status 1"):
        console.build()
