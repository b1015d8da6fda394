"""`automio plugin new` and `automio plugin test`."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from automio.cli import main
from tests.automio.loopback import Loopback, Seen

INTERFACE = '''
from dataclasses import dataclass

DEFAULT = 10


@dataclass
class Order:
    number: str


def fetch(connection_ids, limit: int = DEFAULT) -> list[Order]:
    """The latest "orders"."""
    raise NotImplementedError


async def count(connection_ids, *, since=None):
    pass


def describe(connection_ids):
    """One line."""
    return f"{len(connection_ids)} accounts"


def _internal(connection_ids): ...
def shared(text): return text
'''
PLUGIN = """
from plugins.interfaces.orders import *


def fetch(connection_ids, limit=DEFAULT):
    for connection_id in connection_ids:
        data, response = api.integrations.call(
            "my-shop", endpoint="/orders", params={"limit": limit}, connection_id=connection_id
        )
        if not response.ok:
            raise ValueError(response.status_code)
        yield from (Order(item["id"]) for item in data["orders"])


async def count(connection_ids, since=None):
    answers = await api.integrations.parallel_call(
        "my-shop", "GET", "/orders/{id}", [{"url_params": {"id": connection_id}} for connection_id in connection_ids]
    )
    return sum(answer.api_response.ok for answer in answers)
"""
ORDERS = {"method": "GET", "endpoint": "/orders", "params": {"limit": 3}, "json": {"orders": [{"id": "a"}]}}


@pytest.fixture
def folder() -> Path:
    """Provides the working directory, with an interface and a plugin."""
    Path("plugins/interfaces").mkdir(parents=True)
    Path("plugins/interfaces/orders.py").write_text(INTERFACE)
    Path("plugins/orders_my-shop.py").write_text(PLUGIN)
    return Path()


def run(*arguments: str, ok: bool = True) -> Result:
    done = CliRunner().invoke(main, ["plugin", *arguments])
    assert (done.exit_code == 0) == ok, (done.output, done.exception)
    return done


def write(*cases: dict[str, Any]) -> None:
    Path("plugins/tests").mkdir(exist_ok=True)
    Path("plugins/tests/orders_my-shop.json").write_text(json.dumps({"cases": cases}))


def fetch(**changes: Any) -> dict[str, Any]:
    case = {"capability": "fetch", "connection_ids": [1], "payload": {"limit": 3}, "answers": [ORDERS]}
    return {"name": "orders", **case, **({"result": [{"number": "a"}]} if "error" not in changes else {}), **changes}


def test_a_new_plugin_has_the_interfaces_signatures_and_passes_its_tests(folder: Path) -> None:
    run("new", "orders", "other")
    code = Path("plugins/orders_other.py").read_text()
    assert 'def fetch(connection_ids, limit: int=DEFAULT) -> list[Order]:\n    """The latest "orders"."""' in code
    assert "async def count(connection_ids, *, since=None):" in code
    assert "# def describe(connection_ids):" in code and "shared" not in code and "_internal" not in code
    compile(code, "orders_other.py", "exec")
    assert run("test", "orders", "other").output.count("ok  ") == 2


@pytest.mark.parametrize(
    ("namespace", "integration", "says"),
    [
        ("orders", "my-shop", "exists already"),
        ("absent", "shop", "no plugins/interfaces/absent.py"),
        ("orders", "../x", "id"),
    ],
)
def test_what_cannot_be_begun_is_refused(folder: Path, namespace: str, integration: str, says: str) -> None:
    assert says in run("new", namespace, integration, ok=False).output
    assert Path("plugins/orders_my-shop.py").read_text() == PLUGIN


def test_capabilities_run_on_recorded_answers(folder: Path) -> None:
    answers = [{"endpoint": f"/orders/{number}", "json": {}, "status": 200 + 200 * number} for number in (0, 1)]
    write(
        fetch(),
        fetch(name="refused", answers=[{**ORDERS, "status": 500}], error="ValueError"),
        {"name": "many", "capability": "count", "connection_ids": [0, 1], "answers": answers, "result": 1},
        {"name": "the interface's", "capability": "describe", "connection_ids": [1, 2], "result": "2 accounts"},
    )
    done = run("test")
    assert done.output.count("ok  ") == 4 and "FAIL" not in done.output


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (fetch(result=[{"number": "b"}]), 'expected [{"number": "b"}]'),
        (fetch(answers=[]), 'not recorded: GET /orders of \'my-shop\' with params {"limit": "3"}'),
        (fetch(answers=[{**ORDERS, "params": {"limit": 4}}]), "not recorded: GET /orders"),
        (fetch(answers=[{**ORDERS, "connection_id": 2}]), "not recorded: GET /orders"),
        (fetch(error="KeyError"), "KeyError was expected"),
        (fetch(answers=[{**ORDERS, "json": {}}]), 'File "plugins/orders_my-shop.py"'),
        (fetch(capability="absent"), "has no function 'absent'"),
    ],
)
def test_what_is_not_as_recorded_fails_and_says_why(folder: Path, case: dict[str, Any], says: str) -> None:
    write(case)
    done = run("test", ok=False)
    assert "FAIL" in done.output and says in done.output, done.output


def test_a_plugin_that_swallows_the_refusal_fails_all_the_same(folder: Path) -> None:
    Path("plugins/orders_my-shop.py").write_text(
        "def fetch(connection_ids, limit=1):\n"
        "    try:\n        api.integrations.call('my-shop', endpoint='/other')\n"
        "    except Exception:\n        return []\n"
    )
    write(fetch(result=[], answers=[]))
    assert "not recorded: GET /other" in run("test", ok=False).output


def test_a_signature_that_is_not_the_interfaces_is_told_with_file_and_line(folder: Path) -> None:
    Path("plugins/orders_my-shop.py").write_text("\ndef fetch(connection_ids, most):\n    return []\n")
    output = run("test", ok=False).output
    assert "plugins/orders_my-shop.py:2: fetch() must take 'limit', as in plugins/interfaces/orders.py:12" in output
    assert "must have a default for 'most'" in output


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ('{"cases": [{}]}', "no `capability`"),
        ('{"cases": [{"capability": "fetch"}]}', "needs either"),
    ],
)
def test_tests_that_cannot_be_read_are_named(folder: Path, text: str, says: str) -> None:
    write()
    Path("plugins/tests/orders_my-shop.json").write_text(text)
    assert says in run("test", ok=False).output


def test_real_calls_are_recorded_without_secrets_and_pass_offline(
    folder: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    def call(request: Seen) -> Any:
        service = {"status_code": 200, "text": "{}", "url": "http://shop/orders", "ok": True}
        headers = {"Content-Type": "application/json", "Set-Cookie": "secret=1"}
        return {"api_data": {"orders": [{"id": "z"}]}, "api_response": {**service, "headers": headers}}

    server.on("POST /api/integrations/my-shop/call/", call)
    for name, value in {"API_BASE_URL": server.url, "APP_TOKEN": "amt_secret", "APP_ID": "3"}.items():
        monkeypatch.setenv(name, value)
    write({"capability": "fetch", "connection_ids": [5], "payload": {"limit": 2}, "result": None})
    assert "recorded 1 answer in" in run("test", "--record").output
    kept = Path("plugins/tests/orders_my-shop.json").read_text()
    assert "secret" not in kept
    [case] = json.loads(kept)["cases"]
    assert case["result"] == [{"number": "z"}]
    server.close()
    assert "ok  " in run("test").output
