"""What is wrong with a plugin is told with file and line, from its syntax tree."""

import pytest

from platform_api.plugins.checks import check_interface, check_plugin, implemented


def _problems(code: str, *, interface: str = "", capabilities: tuple[str, ...] = ("fetch",)) -> list[str]:
    found = check_plugin(
        namespace="orders", integration_id="my-shop", capabilities=capabilities, interface_code=interface, code=code
    )
    return [str(problem) for problem in found]


@pytest.mark.parametrize(
    "code",
    [
        "def fetch(connection_ids): ...",
        "def fetch(*, connection_ids, limit=1): ...",
        "def fetch(**payload): ...",
        "async def fetch(connection_ids): ...",
        "if True:\n    def fetch(connection_ids): ...",
        "try:\n    import a\nexcept ImportError:\n    fetch = None",
        "from somewhere import load as fetch",
        "@decorated\ndef fetch(a): ...",
        "def fetch(a): ...\ndef fetch(connection_ids): ...",
        "pattern = '\\d'\ndef fetch(connection_ids): ...",
    ],
)
def test_a_capability_that_can_be_called_is_accepted(code: str) -> None:
    assert _problems(code) == []


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (
            "",
            "plugins/orders_my-shop.py:1: the capability 'fetch' is defined neither here nor in plugins/",
        ),
        ("class A:\n    def fetch(self, connection_ids): ...", "defined neither here nor"),
        ("\n\ndef fetch(): ...", "plugins/orders_my-shop.py:3: fetch() must take `connection_ids`"),
        ("def fetch(connection_ids): ...\n\ndef fetch(): ...", ":3: fetch() must take `connection_ids`"),
        ("def fetch(connection_ids=(), /): ...", ":1: fetch() must take `connection_ids`"),
        ("def fetch(a, /, connection_ids): ...", "takes 'a' by position only"),
        ("def fetch(connection_ids):\n  return (", "plugins/orders_my-shop.py:2: syntax error: '(' was never closed"),
        ("\nreturn 1", "plugins/orders_my-shop.py:2: syntax error: 'return' outside function"),
        ("x = " + "(" * 5000 + ")" * 5000, "plugins/orders_my-shop.py:1: "),
    ],
)
def test_a_capability_that_cannot_is_told_with_file_and_line(code: str, problem: str) -> None:
    [found] = _problems(code)
    assert problem in found


@pytest.mark.parametrize(
    "expression", ["-" * 60_000 + "1", "a" + ".b" * 30_000, "a" + "()" * 30_000, "1+" * 30_000 + "1", "[" * 60_000]
)
def test_code_made_to_overflow_the_compiler_is_refused(expression: str) -> None:
    [found] = _problems(f"x = {expression}")
    assert "too deep" in found or "too many nested" in found


def test_what_the_plugin_leaves_out_is_the_interfaces() -> None:
    assert _problems("", interface="def fetch(connection_ids): ...") == []
    assert _problems("", interface="fetch = make()") == []
    assert implemented(["fetch", "cancel"], "def cancel(connection_ids): ...") == ["cancel"]


@pytest.mark.parametrize(
    ("contract", "implementation", "problem"),
    [
        (
            "connection_ids, since",
            "connection_ids",
            "fetch() must take 'since', as in plugins/interfaces/",
        ),
        ("connection_ids, since=None", "connection_ids, since", "must have a default for 'since'"),
        (
            "connection_ids",
            "connection_ids, since",
            "requires 'since', which plugins/interfaces/orders.py:2 does",
        ),
        ("connection_ids, **more", "connection_ids", "must take any further keyword"),
        ("connection_ids, **more", "connection_ids, since, **more", "requires 'since', which callers of"),
    ],
)
def test_the_interfaces_function_is_the_contract(contract: str, implementation: str, problem: str) -> None:
    [found] = _problems(f"def fetch({implementation}): ...", interface=f"\ndef fetch({contract}): ...")
    assert found.startswith("plugins/orders_my-shop.py:1: ")
    assert problem in found


@pytest.mark.parametrize(
    ("contract", "implementation"),
    [
        ("connection_ids, since", "since, connection_ids"),
        ("connection_ids, since", "connection_ids, since=None, more=1"),
        ("connection_ids, since", "**payload"),
        ("connection_ids, **more", "connection_ids, since=None, **rest"),
    ],
)
def test_every_way_to_call_the_contract_calls_the_plugin(contract: str, implementation: str) -> None:
    assert _problems(f"def fetch({implementation}): ...", interface=f"def fetch({contract}): ...") == []


def test_an_asynchronous_contract_is_kept() -> None:
    [found] = _problems("def fetch(connection_ids): ...", interface="async def fetch(connection_ids): ...")
    assert "must be `async def`" in found


def test_an_interface_is_checked_by_itself() -> None:
    [found] = check_interface("orders", ["fetch"], "\ndef fetch(): ...")
    assert str(found) == "plugins/interfaces/orders.py:2: fetch() must take `connection_ids`"
    [found] = check_interface("orders", ["fetch"], "def")
    assert str(found).startswith("plugins/interfaces/orders.py:1: syntax error")
    assert check_interface("orders", ["fetch"], "def helper(): ...") == []


SHARED = """
import os as system
from datetime import *  # brings names that are not known here


class Order: ...


def fetch(connection_ids): ...


with open(system.devnull) as NOTHING: ...
for NUMBER in range(3): ...


def remember():
    global MEMORY
    MEMORY = 1
"""


@pytest.mark.parametrize("name", ["Order", "fetch", "system", "NOTHING", "NUMBER", "MEMORY", "__doc__", "*"])
def test_names_that_the_interface_defines_can_be_imported(name: str) -> None:
    interface = SHARED.replace("from datetime import *", "")
    assert _problems(f"from plugins.interfaces.orders import {name}\n", interface=interface) == []


def test_names_that_the_interface_does_not_define_are_refused_with_file_and_line() -> None:
    code = "def helper():\n    from plugins.interfaces.orders import Order, Ordr\n"
    interface = SHARED.replace("from datetime import *", "")
    assert _problems(code, interface=interface) == [
        "plugins/orders_my-shop.py:2: imports 'Ordr', which plugins/interfaces/orders.py does not define"
    ]
    assert _problems(code, interface=SHARED) == []
    assert _problems("from plugins.interfaces.others import Ordr\n", interface=interface) == []
    assert _problems("from x import y\n", interface="def fetch(connection_ids): ...\n") == []
