"""A developer's folder and a real platform: pull, push, run, stubs, plugins."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from automio.cli import main
from platform_api.supervisor.testing import Installation
from tests.memory import quick_directory

SETTINGS = ("API_BASE_URL", "APP_TOKEN", "APP_ID", "CACHE_SERVICE_URL", "CACHE_SERVICE_TOKEN", "TASK_ID", "ACTION_ID")
INTERFACE = "def fetch(connection_ids, limit=10):\n    return []\n"
PLUGIN = "def fetch(connection_ids, limit=10):\n    return [limit]\n"

Make = Callable[[], Path]


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    # PostgreSQL's socket lies below it: pytest's own directories are too deep.
    with (
        tempfile.TemporaryDirectory(prefix="amw-", dir=quick_directory()) as directory,
        Installation(Path(directory)) as installation,
    ):
        yield installation


@pytest.fixture
def platform(installation: Installation) -> Iterator[httpx.Client]:
    with installation.client() as client:
        yield client


@pytest.fixture
def app(platform: httpx.Client) -> dict[str, Any]:
    """An app with a source of one file and a table."""
    made = _sent(platform.post("/api/apps/", json={"name": "Stock", "slug": f"stock-{os.urandom(4).hex()}"}))
    columns = [
        {"name": "sku", "type": "text", "required": True},
        {"name": "class", "type": "choice", "choices": ["it's", 'a "b"']},
        {"name": "amount", "type": "integer", "default": 0},
    ]
    _sent(platform.post(f"/api/apps/{made['id']}/new_table/", json={"name": "order_lines", "columns": columns}))
    _save(platform, made, 0, {"main.py": "result = 1\n", "lib/sums.py": "def add(a, b):\n    return a + b\n"})
    return made


@pytest.fixture
def make_folder(
    installation: Installation, app: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Make:
    """Makes a folder with settings for the app."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    made: list[Path] = []

    def make() -> Path:
        folder = tmp_path / f"folder{len(made)}"
        folder.mkdir()
        made.append(folder)
        token = str(installation.admin["token"])
        scopes = [part for scope in ("build", "data", "run") for part in ("--scope", scope)]
        given = ["--app", str(app["id"]), "--server", installation.url, "--token", token, *scopes]
        done = CliRunner().invoke(main, ["init", *given, "--directory", str(folder)])
        assert done.exit_code == 0, done.output
        return folder

    return make


def _sent(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


def _save(platform: httpx.Client, app: dict[str, Any], base: int, changes: dict[str, str | None]) -> None:
    body = {"base_version": base, "changes": changes}
    _sent(platform.patch(f"/api/apps/{app['id']}/source/", json=body))


def _source(platform: httpx.Client, app: dict[str, Any]) -> dict[str, str]:
    files: dict[str, str] = _sent(platform.get(f"/api/apps/{app['id']}/source/"))["files"]
    return files


def _run(*arguments: object, ok: bool = True) -> Result:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert (done.exit_code == 0) == ok, done.output
    assert "Traceback" not in done.output
    return done


def _script(folder: Path, *arguments: str, ok: bool = True) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [sys.executable, "-m", "automio.cli", "run", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done


def test_pull_and_push_take_changes_both_ways(platform: httpx.Client, app: dict[str, Any], make_folder: Make) -> None:
    folder = make_folder()
    _run("pull", folder)
    assert (folder / "lib/sums.py").read_text() == "def add(a, b):\n    return a + b\n"
    assert _run("pull", folder).output.startswith("nothing new")
    (folder / "main.py").write_text("result = 2\n")
    (folder / "new.py").write_text("x = 1\n")
    (folder / "lib/sums.py").unlink()
    shown = _run("status", folder, "--diff").output
    assert "changed here: main.py" in shown and "+result = 2" in shown
    pushed = _run("push", folder, "-m", "Second").output
    assert "pushed: main.py" in pushed and "removed: lib/sums.py" in pushed and "version 2" in pushed
    assert _source(platform, app) == {"main.py": "result = 2\n", "new.py": "x = 1\n"}
    versions = _sent(platform.get(f"/api/apps/{app['id']}/source/versions/"))
    assert versions[0]["message"] == "Second"
    assert "nothing to push" in _run("push", folder).output
    _save(platform, app, 2, {"main.py": "result = 3\n", "new.py": None})
    _run("pull", folder)
    assert (folder / "main.py").read_text() == "result = 3\n" and not (folder / "new.py").exists()


def test_push_refuses_what_is_newer_and_shows_it(
    platform: httpx.Client, app: dict[str, Any], make_folder: Make
) -> None:
    folder = make_folder()
    _run("pull", folder)
    _save(platform, app, 1, {"main.py": "result = 'theirs'\n", "theirs.py": "y = 1\n"})
    (folder / "main.py").write_text("result = 'mine'\n")
    refused = _run("push", "--diff", folder, ok=False).output
    assert "+result = 'theirs'" in refused and "automio pull" in refused
    assert _source(platform, app)["main.py"] == "result = 'theirs'\n"
    refused = _run("pull", folder, ok=False).output
    assert "Nothing was written" in refused and not (folder / "theirs.py").exists()
    assert (folder / "main.py").read_text() == "result = 'mine'\n"
    _run("pull", folder, "--keep-both")
    assert (folder / "main.py.theirs").read_text() == "result = 'theirs'\n"
    assert (folder / "main.py").read_text() == "result = 'mine'\n" and (folder / "theirs.py").exists()
    _run("push", folder)
    assert _source(platform, app)["main.py"] == "result = 'mine'\n"
    assert "main.py.theirs" not in _source(platform, app)


def test_force_lets_ones_own_changes_win_and_leaves_the_others(
    platform: httpx.Client, app: dict[str, Any], make_folder: Make
) -> None:
    folder = make_folder()
    _run("pull", folder)
    _save(platform, app, 1, {"main.py": "result = 'theirs'\n", "theirs.py": "y = 1\n"})
    (folder / "main.py").write_text("result = 'mine'\n")
    _run("push", folder, "--force")
    assert _source(platform, app)["main.py"] == "result = 'mine'\n"
    assert _source(platform, app)["theirs.py"] == "y = 1\n"
    _run("pull", folder)
    assert (folder / "theirs.py").exists()


def test_what_is_no_file_of_the_app_is_never_pushed(
    platform: httpx.Client, app: dict[str, Any], make_folder: Make, tmp_path: Path
) -> None:
    folder = make_folder()
    _run("pull", folder)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "settings.txt").symlink_to(folder / ".env")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/main.pyc").write_bytes(b"\0")
    (folder / ".venv").mkdir()
    (folder / ".venv/x.py").write_text("x")
    (folder / "picture.png").write_bytes(b"\x89PNG\xff")
    (folder / "odd name.py").write_text("x")
    (folder / "data").mkdir()
    (folder / "data/rows.csv").write_text("a")
    (folder / "prod.env").write_text("TOKEN=x")
    (folder / "notes.txt").write_text("kept")
    (folder / ".automioignore").write_text("# not the app's\ndata/\n")
    pushed = _run("push", folder).output
    assert set(_source(platform, app)) == {"main.py", "lib/sums.py", "notes.txt"}
    for named in ("link.txt", "linked", "settings.txt", "picture.png", "odd name.py"):
        assert f"{named} is left out" in pushed


def test_interfaces_and_plugins_are_pulled_and_pushed(
    platform: httpx.Client, app: dict[str, Any], make_folder: Make
) -> None:
    _sent(platform.post("/api/integrations/", json={"id": "a-shop", "name": "A", "base_url": "http://127.0.0.1:9"}))
    folder = make_folder()
    _run("pull", folder)
    (folder / "plugins/interfaces").mkdir(parents=True)
    (folder / "plugins/interfaces/goods.py").write_text(INTERFACE)
    (folder / "plugins/goods_a-shop.py").write_text(PLUGIN)
    assert "pushed: plugins/goods_a-shop.py" in _run("push", folder).output
    interface = _sent(platform.get("/api/plugins/plugin-interfaces/goods/"))
    assert (interface["code"], interface["capabilities"]) == (INTERFACE, ["fetch"])
    assert not [path for path in _source(platform, app) if path.startswith("plugins/")]

    other = make_folder()
    _run("pull", other)
    assert (other / "plugins/goods_a-shop.py").read_text() == PLUGIN

    # An interface with the plugins that follow it, in one go.
    (folder / "plugins/interfaces/goods.py").write_text(INTERFACE.replace("limit", "most"))
    refused = _run("push", folder, ok=False).output
    assert "a-shop" in refused
    (folder / "plugins/goods_a-shop.py").write_text(PLUGIN.replace("limit", "most"))
    _run("push", folder)
    [plugin] = _sent(platform.get("/api/plugins/plugin-interfaces/goods/plugins/"))["results"]
    assert plugin["is_enabled"] and plugin["code"] == PLUGIN.replace("limit", "most")

    (other / "plugins/goods_a-shop.py").write_text("# mine\n" + PLUGIN)
    refused = _run("push", "--diff", other, ok=False).output
    assert "newer" in refused and "most" in refused
    (folder / "plugins/goods_a-shop.py").unlink()
    (folder / "plugins/interfaces/goods.py").unlink()
    assert "stays on the platform" in _run("push", folder).output
    _run("push", folder, "--delete-plugins")
    assert platform.get("/api/plugins/plugin-interfaces/goods/").status_code == 404


def test_a_folder_belongs_to_one_app(platform: httpx.Client, app: dict[str, Any], make_folder: Make) -> None:
    folder = make_folder()
    _run("pull", folder)
    other = _sent(platform.post("/api/apps/", json={"name": "Other", "slug": f"other-{os.urandom(4).hex()}"}))
    token = _sent(platform.post("/api/tokens/", json={"name": "t", "app": other["id"], "scopes": ["build"]}))["token"]
    text = (folder / ".env").read_text()
    (folder / ".env").write_text(text + f"\nAPP_ID={other['id']}\nAPP_TOKEN={token}\n")
    assert "another folder" in _run("pull", folder, ok=False).output


def test_stubs_are_what_type_checkers_understand(
    platform: httpx.Client, app: dict[str, Any], make_folder: Make
) -> None:
    definition = {"openapi": "3.0.0", "info": {"title": "Pets", "version": "1"}}
    definition |= {
        "servers": [{"url": "https://pets.example"}],
        "paths": {"/pets": {"get": {"responses": {"200": {"description": "All"}}}}},
    }
    body = {"id": "pets-api", "document": json.dumps(definition)}
    answer = platform.post("/api/integrations/import/", json=body)
    assert answer.is_success or answer.status_code == 409, answer.text
    folder = make_folder()
    _run("pull", folder)
    checked = folder / "checked.py"
    checked.write_text(
        "from automio_app import Event, IntegrationId, OrderLinesInsert, OrderLinesRow, PetsApiOperation, TableName\n"
        "new: OrderLinesInsert = {'sku': 'S', 'class': \"it's\"}\n"
        "def amount(row: OrderLinesRow) -> int | None: return row['amount']\n"
        "def given(event: Event) -> object: return event['user_input']\n"
        "shop: IntegrationId = 'github'\n"
        "name: TableName = 'order_lines'\n"
        "operation: PetsApiOperation = 'GET /pets'\n"
    )
    assert _mypy(folder, checked, folder / "__builtins__.pyi") == []
    checked.write_text(
        "from automio_app import OrderLinesInsert, TableName\n"
        "new: OrderLinesInsert = {'class': 'other'}\n"
        "name: TableName = 'orders'\n"
    )
    assert [line.split(":")[1] for line in _mypy(folder, checked)] == ["2", "2", "3"]


def _mypy(folder: Path, *files: Path) -> list[str]:
    done = subprocess.run(
        [*(sys.executable, "-m", "mypy", "--strict", "--config-file="), *map(str, files)],
        cwd=folder,
        env={"MYPYPATH": str(folder / "typings"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    return [line for line in done.stdout.splitlines() if ": error:" in line]


def test_an_action_runs_here_as_in_the_sandbox(
    platform: httpx.Client, app: dict[str, Any], make_folder: Make
) -> None:
    code = (
        "from automio.wrapper import API\n"
        "from lib.sums import add\n"
        "api = API()\n"
        "def total(event):\n"
        "    api.task.set_progress(50, 'half', 'running')\n"
        "    print('adding for', api.settings.action_id)\n"
        "    given = event['user_input']\n"
        "    return {'sum': add(given['a'], given['b']), 'rows': event['selected_rows']}\n"
    )
    body = {"app": app["id"], "name": "Total", "entry": "total.py:total", "code": code, "action_type": "app_action"}
    action = _sent(platform.post("/api/actions/", json=body))
    folder = make_folder()
    _run("pull", folder)
    (folder / "event.json").write_text(json.dumps({"selected_rows": ["r"], "user_input": {"a": 2}}))
    done = _script(folder, "total.py:total", "--event", "event.json", "--input", "b=3")
    assert done.stdout == f'adding for {action["id"]}\nresult: {{"sum": 5, "rows": ["r"]}}\n'
    assert "50 % half (running)" in done.stderr


def test_a_failing_run_shows_the_users_lines_and_ends_with_1(make_folder: Make) -> None:
    folder = make_folder()
    (folder / "broken.py").write_text("def work():\n    raise ValueError('no stock')\n\nwork()\n")
    done = _script(folder, "broken.py", ok=False)
    assert done.returncode == 1
    assert 'File "broken.py", line 2, in work' in done.stderr and "ValueError: no stock" in done.stderr
    assert "_sandbox" not in done.stderr and str(folder) not in done.stderr
    assert "no file" in _script(folder, "absent.py", ok=False).stderr
    assert "not JSON" in _script(folder, "broken.py", "--event", "broken.py", ok=False).stderr


def test_watch_runs_again_when_a_file_changes(make_folder: Make) -> None:
    folder = make_folder()
    # It changes its own folder, as an editor would.
    (folder / "number.txt").write_text("1")
    (folder / "count.py").write_text(
        "from pathlib import Path\n"
        "file = Path('number.txt')\n"
        "result = int(file.read_text())\n"
        "if result == 1: file.write_text('22')\n"
    )
    done = _script(folder, "count.py", "--watch", "--runs", "2")
    assert done.stdout.endswith("result: 22\n") and "a file has changed" in done.stderr


def test_plugins_that_no_folder_has_come_from_the_platform(
    platform: httpx.Client, make_folder: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    body = {
        "namespace": "words",
        "capabilities": ["hello"],
        "code": "def hello(connection_ids):\n    return 'Hello'\n",
    }
    _sent(platform.post("/api/plugins/plugin-interfaces/", json=body))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = make_folder()
    (folder / "greet.py").write_text("from plugins.interfaces.words import *\nresult = hello([])\n")
    assert _script(folder, "greet.py").stdout == 'result: "Hello"\n'
    assert list((tmp_path / "cache").rglob("*.py"))
