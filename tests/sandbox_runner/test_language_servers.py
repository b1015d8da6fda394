"""What a language server's stream and workspace may contain."""

from pathlib import Path

import pytest

from sandbox_runner.errors import BundleRefused
from sandbox_runner.language_servers.framing import FramingBroken, MessageReader, framed
from sandbox_runner.language_servers.workspace import Workspace


def test_messages_are_taken_out_of_pieces() -> None:
    reader = MessageReader(max_bytes=1000)
    stream = framed('{"a": "ä"}') + framed("{}")
    taken: list[str] = []
    for position in range(len(stream)):
        taken += reader.feed(stream[position : position + 1])
    assert taken == ['{"a": "ä"}', "{}"]
    assert reader.feed(stream) == ['{"a": "ä"}', "{}"]


@pytest.mark.parametrize(
    "data",
    [
        b"Content-Length: 1001\r\n\r\n",
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 99999999999999\r\n\r\n",
        b"Length: 1\r\n\r\n",
        b"x" * 5000,
        b"Content-Length: 1\r\n\r\n\xff",
    ],
)
def test_what_is_no_message_ends_the_stream(data: bytes) -> None:
    with pytest.raises(FramingBroken):
        MessageReader(max_bytes=1000).feed(data)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    site = tmp_path / "site"
    (site / "automio" / "cli").mkdir(parents=True)
    for name in ("__init__.py", "_names.py", "py.typed", "cli/main.py", "data.json"):
        (site / "automio" / name).write_text("original")
    return site


def test_a_workspace_leaves_the_modules_of_all_jails_alone(tmp_path: Path, site: Path) -> None:
    directory = tmp_path / "bundle"
    directory.mkdir()
    workspace = Workspace(directory, site=site)
    workspace.apply({"stubs/automio/_names.py": "own", "source/a.py": "x = 1\n", "source/inner/b.pyi": ""})
    assert (directory / "stubs/automio/_names.py").read_text() == "own"
    assert (site / "automio/_names.py").read_text() == "original"
    assert not (directory / "stubs/automio/cli").exists() and not (directory / "stubs/automio/data.json").exists()
    workspace.apply({"source/a.py": None, "source/absent.py": None})
    assert sorted(path.name for path in (directory / "source").iterdir()) == ["inner"]
    assert "skip-interpreter-query = true" in (directory / "pyrefly.toml").read_text()


@pytest.mark.parametrize(
    "path",
    [
        "pyrefly.toml",
        "source/pyrefly.toml",
        "source/pyproject.toml",
        "source/../pyrefly.toml",
        "../x.py",
        "/etc/x.py",
        "x.py",
        "source/",
        "source/x.sh",
    ],
)
def test_other_files_are_refused(tmp_path: Path, site: Path, path: str) -> None:
    directory = tmp_path / "bundle"
    directory.mkdir()
    with pytest.raises(BundleRefused):
        Workspace(directory, site=site).apply({path: "x"})
