"""Plugin modules are found, know `api` and fall back to their interface."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from plugins import use_api
from plugins._api import current_api

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a file below a directory that is on the path; what was imported from there is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(current_api, "client", None)

    def write(path: str, code: str) -> Path:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(code)
        return file

    yield write
    for name, module in list(sys.modules.items()):
        if str(tmp_path) in (getattr(module, "__file__", None) or ""):
            del sys.modules[name]
            parent, _, child = name.rpartition(".")
            if parent in sys.modules:
                sys.modules[parent].__dict__.pop(child, None)


def _import(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.mark.parametrize("folder", [".plugins", "plugins"])
def test_interfaces_and_plugins_are_modules(write: Write, folder: str) -> None:
    write(f"{folder}/interfaces/orders.py", "LIMIT = 5\ndef total(lines): return sum(lines)\n")
    write(f"{folder}/orders_my-shop.py", "from plugins.interfaces.orders import *\nresult = total([1, LIMIT])\n")
    assert _import("plugins.orders_my-shop").result == 6
    assert _import("plugins.interfaces.orders").LIMIT == 5


def test_what_the_platform_placed_wins_over_a_folder_of_the_source_tree(write: Write) -> None:
    write("plugins/orders_shop.py", "origin = 'tree'\n")
    write(".plugins/orders_shop.py", "origin = 'platform'\n")
    assert _import("plugins.orders_shop").origin == "platform"


def test_api_is_there_at_the_top_level_and_in_the_interface(write: Write) -> None:
    write(".plugins/interfaces/orders.py", "def shared(): return api.name\n")
    write(".plugins/orders_shop.py", "name = api.name\n")
    first, second = ModuleType("first"), ModuleType("second")
    first.name, second.name = "first", "second"  # type: ignore[attr-defined]
    use_api(first)
    plugin = _import("plugins.orders_shop")
    assert (plugin.name, plugin.shared()) == ("first", "first")
    use_api(second)
    assert plugin.shared() == "second"


def test_without_an_invocation_api_comes_from_the_environment(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ModuleType("automio.wrapper")
    made.API = lambda: Path("made")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "automio.wrapper", made)
    write(".plugins/orders_shop.py", "def name(): return api.name\n")
    assert _import("plugins.orders_shop").name() == "made"


def test_a_function_that_is_left_out_is_the_interfaces(write: Write) -> None:
    write(
        ".plugins/interfaces/orders.py",
        "import json\nfrom os import getpid\nLIMIT = 1\n"
        "def fetch(connection_ids): return 'default'\n"
        "def cancel(connection_ids): return 'default'\n"
        "def _own(): ...\n",
    )
    write(".plugins/orders_shop.py", "def fetch(connection_ids): return 'own'\n")
    plugin = _import("plugins.orders_shop")
    assert (plugin.fetch([]), plugin.cancel([])) == ("own", "default")
    assert not hasattr(plugin, "LIMIT")
    assert not hasattr(plugin, "_own")


def test_a_reloaded_plugin_does_not_keep_what_it_was_given(write: Write) -> None:
    write(".plugins/interfaces/orders.py", "def fetch(connection_ids): return 'old'\n")
    write(".plugins/orders_shop.py", "")
    plugin = _import("plugins.orders_shop")
    assert plugin.fetch([]) == "old"
    write(".plugins/interfaces/orders.py", "def fetch(connection_ids): return 'the new one'\n")
    importlib.reload(sys.modules["plugins.interfaces.orders"])
    assert importlib.reload(plugin).fetch([]) == "the new one"


def test_the_longest_namespace_is_the_plugins(write: Write) -> None:
    write(".plugins/interfaces/orders.py", "def whose(connection_ids): return 'orders'\n")
    write(".plugins/interfaces/orders_eu.py", "def whose(connection_ids): return 'orders_eu'\n")
    write(".plugins/orders_eu_shop.py", "")
    write(".plugins/orders_us_shop.py", "")
    assert _import("plugins.orders_eu_shop").whose([]) == "orders_eu"
    assert _import("plugins.orders_us_shop").whose([]) == "orders"


def test_what_is_not_there_is_missing_by_its_name(write: Write) -> None:
    write(".plugins/interfaces/orders.py", "")
    with pytest.raises(ModuleNotFoundError, match=r"plugins\.orders_other") as caught:
        _import("plugins.orders_other")
    assert caught.value.name == "plugins.orders_other"
    with pytest.raises(ModuleNotFoundError, match=r"plugins\.interfaces\.absent"):
        _import("plugins.interfaces.absent")
