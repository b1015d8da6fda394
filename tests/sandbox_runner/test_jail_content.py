"""What can be imported in a jail: the bare client's closure, and nothing that somebody else prepared."""

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox_runner.bundles import BundleStore
from sandbox_runner.errors import BundleRefused, SandboxError
from sandbox_runner.jails.content import client_closure, prepare_site, private_directory


def test_the_closure_is_the_base_requirements_without_extras() -> None:
    closure = client_closure()
    assert {"httpx", "httpcore", "gql", "graphql-core", "websockets", "python-dotenv"} <= set(closure)
    assert not {"fastapi", "sqlalchemy", "pydantic", "asyncpg", "redis", "automio-platform"} & set(closure)


def test_the_site_directory_is_built_once_and_imports_alone(state_directory: Path) -> None:
    site = prepare_site(state_directory)
    assert prepare_site(state_directory) == site
    script = "import sys; sys.path.insert(0, sys.argv[1])\nimport httpx, gql, automio, robotnikai, plugins\n"
    script += "import robotnikai.wrapper, automio.wrapper\n"
    script += "assert robotnikai.wrapper is automio.wrapper and robotnikai.wrapper.API is automio.wrapper.API\n"
    script += "assert automio.wrapper.__spec__.name == 'automio.wrapper'\n"
    script += "print(automio.__file__.startswith(sys.argv[1]))"
    ended = subprocess.run([sys.executable, "-I", "-S", "-c", script, site], capture_output=True, text=True)
    assert ended.stdout == "True\n", ended.stderr


def test_the_site_directory_holds_compiled_code_and_no_secrets(state_directory: Path) -> None:
    site = prepare_site(state_directory)
    assert list((site / "httpx" / "__pycache__").glob("*.pyc"))
    assert not list(site.rglob(".env"))
    assert not [path for path in site.rglob("*") if path.stat().st_mode & 0o022]


def test_a_state_directory_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(SandboxError, match="nobody else can write"):
        private_directory(shared)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(SandboxError, match="nobody else can write"):
        private_directory(tmp_path / "link")


def test_bundles_are_linked_into_jails_and_the_oldest_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox_runner.bundles._MAX_BUNDLES", 2)
    store = BundleStore(tmp_path / "bundles")
    for digest in ("a1", "b2"):
        store.keep(digest, {"main.py": f"# {digest}\n", "lib/x.py": "Ł\r\n"})
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    store.place("a1", tmp_path / "one", linked=True)
    store.place("a1", tmp_path / "two", linked=False)
    assert (tmp_path / "one/lib/x.py").read_bytes() == "Ł\r\n".encode()
    assert (tmp_path / "one/main.py").stat().st_nlink == 2
    assert (tmp_path / "two/main.py").stat().st_nlink == 1
    store.keep("c3", {"main.py": ""})
    assert store.has("a1") and store.has("c3") and not store.has("b2")


@pytest.mark.parametrize("digest", ["../x", "", "a/b", "é"])
def test_a_digest_is_no_path(tmp_path: Path, digest: str) -> None:
    with pytest.raises(BundleRefused, match="not a bundle's digest"):
        BundleStore(tmp_path / "bundles").keep(digest, {"main.py": ""})
