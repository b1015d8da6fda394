"""Plugin modules that no folder has are fetched, kept and checked."""

import hashlib
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from automio import ModuleHashMismatch, PluginNotFound
from automio._plugin_modules import find_module_of
from automio._settings import Settings, settings_from
from plugins._api import current_api
from tests.automio.loopback import Answer, Loopback, Seen

INTERFACE = "LIMIT = 5\ndef total(connection_ids): return LIMIT\ndef name(connection_ids): return 'nobody'\n"
PLUGIN = "from plugins.interfaces.fetched import *\ndef name(connection_ids): return 'shop'\n"


def _module(code: str, interface: str | None = None, organization: str = "acme") -> dict[str, Any]:
    return {
        "organization": organization,
        "sha256": hashlib.sha256(code.encode()).hexdigest(),
        "interface": interface,
        "code": code,
    }


def _answer(module: dict[str, Any]) -> Any:
    def answer(request: Seen) -> Any:
        return {**module, "code": None} if request.query.get("known") == module["sha256"] else module

    return answer


@pytest.fixture
def settings(server: Loopback) -> Settings:
    return Settings(base_url=server.url, token="amt_x")


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch, server: Loopback, tmp_path: Path) -> Iterator[None]:
    """Settings and cache of its own for the import hook; what it imported is forgotten."""
    monkeypatch.setattr(current_api, "client", None)
    monkeypatch.setenv("API_BASE_URL", server.url)
    monkeypatch.setenv("APP_TOKEN", "amt_x")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield
    for name in [name for name in sys.modules if name.startswith(("plugins.interfaces.fetched", "plugins.fetched_"))]:
        del sys.modules[name]
        parent, _, child = name.rpartition(".")
        sys.modules[parent].__dict__.pop(child, None)


def test_interfaces_and_plugins_are_imported_from_the_platform(server: Loopback, forgotten: None) -> None:
    server.on("GET /api/plugins/modules/interfaces.fetched/", _answer(_module(INTERFACE)))
    server.on("GET /api/plugins/modules/fetched_my-shop/", _answer(_module(PLUGIN, "fetched")))
    plugin = importlib.import_module("plugins.fetched_my-shop")
    assert (plugin.name([]), plugin.total([]), plugin.LIMIT) == ("shop", 5, 5)
    names: dict[str, Any] = {}
    exec("from plugins.interfaces.fetched import *", names)
    assert names["total"]([]) == 5


def test_a_plugin_in_a_folder_falls_back_to_an_interface_of_the_platform(
    server: Loopback, forgotten: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/fetched_my-shop.py").write_text("def name(connection_ids): return 'here'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    server.on("GET /api/plugins/modules/interfaces.fetched/", _answer(_module(INTERFACE)))
    plugin = importlib.import_module("plugins.fetched_my-shop")
    assert (plugin.name([]), plugin.total([])) == ("here", 5)


def test_a_plugin_in_a_folder_works_without_the_platform(
    server: Loopback, forgotten: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/fetched_my-shop.py").write_text("def name(connection_ids): return 'here'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    server.close()
    assert importlib.import_module("plugins.fetched_my-shop").name([]) == "here"


def test_a_module_that_the_platform_does_not_have_is_not_found(server: Loopback, forgotten: None) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"plugins\.interfaces\.fetched"):
        importlib.import_module("plugins.interfaces.fetched")


def test_without_settings_nothing_is_asked(
    server: Loopback, forgotten: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("APP_TOKEN")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("plugins.interfaces.fetched")
    assert not server.requests


def test_in_the_sandbox_nothing_is_asked(server: Loopback, forgotten: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "automio_sandbox", sys)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("plugins.interfaces.fetched")
    assert not server.requests


def test_known_code_is_not_sent_again(server: Loopback, settings: Settings, tmp_path: Path) -> None:
    server.on("GET /api/plugins/modules/interfaces.fetched/", _answer(_module(INTERFACE)))
    first = find_module_of("interfaces.fetched", settings, cache=tmp_path)
    again = find_module_of("interfaces.fetched", settings, cache=tmp_path)
    assert first is not None and first == again
    assert ["known" in request.query for request in server.requests] == [False, True]


def test_without_the_platform_the_cache_serves_with_a_notice(
    server: Loopback, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.on("GET /api/plugins/modules/interfaces.fetched/", _answer(_module(INTERFACE)))
    before = find_module_of("interfaces.fetched", settings, cache=tmp_path)
    server.on("GET /api/plugins/modules/interfaces.fetched/", Answer(503, json={"detail": "down"}))
    assert find_module_of("interfaces.fetched", settings, cache=tmp_path) == before
    assert "from the cache" in capsys.readouterr().err
    with pytest.raises(PluginNotFound, match="not in the cache"):
        find_module_of("interfaces.fetched", settings, cache=tmp_path / "other")


def test_code_that_does_not_fit_its_hash_is_not_run(server: Loopback, settings: Settings, tmp_path: Path) -> None:
    server.on("GET /api/plugins/modules/interfaces.fetched/", {**_module(INTERFACE), "code": "import evil"})
    with pytest.raises(ModuleHashMismatch):
        find_module_of("interfaces.fetched", settings, cache=tmp_path)
    assert not list(tmp_path.rglob("*.py"))
    server.on("GET /api/plugins/modules/interfaces.fetched/", {**_module(INTERFACE), "sha256": "../../../x"})
    with pytest.raises(ModuleHashMismatch):
        find_module_of("interfaces.fetched", settings, cache=tmp_path)


def test_a_changed_cache_is_fetched_anew_and_not_run_offline(
    server: Loopback, settings: Settings, tmp_path: Path
) -> None:
    server.on("GET /api/plugins/modules/interfaces.fetched/", _answer(_module(INTERFACE)))
    find_module_of("interfaces.fetched", settings, cache=tmp_path)
    (file,) = tmp_path.rglob("*.py")
    file.write_text("import evil")
    server.on("GET /api/plugins/modules/interfaces.fetched/", Answer(503, json={"detail": "down"}))
    with pytest.raises(PluginNotFound):
        find_module_of("interfaces.fetched", settings, cache=tmp_path)
    server.on("GET /api/plugins/modules/interfaces.fetched/", _answer(_module(INTERFACE)))
    found = find_module_of("interfaces.fetched", settings, cache=tmp_path)
    assert found is not None and found.code.decode() == INTERFACE == file.read_text()


def test_platforms_and_organizations_do_not_share_code(server: Loopback, settings: Settings, tmp_path: Path) -> None:
    other = settings_from({}, base_url=server.url, token="amt_other")
    for token, organization in ((settings, "acme"), (other, "rival")):
        module = _module(f"OF = {organization!r}\n", organization=organization)
        server.on("GET /api/plugins/modules/interfaces.fetched/", _answer(module))
        find_module_of("interfaces.fetched", token, cache=tmp_path)
    server.on("GET /api/plugins/modules/interfaces.fetched/", Answer(503, json={"detail": "down"}))
    for token, organization in ((settings, "acme"), (other, "rival")):
        found = find_module_of("interfaces.fetched", token, cache=tmp_path)
        assert found is not None and found.code.decode() == f"OF = {organization!r}\n"
    assert {json.loads(file.read_text())["organization"] for file in tmp_path.rglob("tokens/*.json")} == {
        "acme",
        "rival",
    }
