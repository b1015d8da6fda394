"""An app built from the command line, on a real platform: tables, pushed actions, runs in the sandbox."""

import json
import os
import pty
import select
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from automio.cli import main
from platform_api.supervisor.testing import Installation
from tests.memory import quick_directory

ROOT = Path(__file__).parents[2]
SETTINGS = ("API_BASE_URL", "APP_TOKEN", "APP_ID", "CACHE_SERVICE_URL", "CACHE_SERVICE_TOKEN", "TASK_ID", "ACTION_ID")
CODE = """from automio.wrapper import API
import time

api = API()


def restock(event):
    amount = event["user_input"].get("amount", 1)
    api.task.set_progress(50, "half way", "running")
    print("  restocking", amount)
    if amount < 0:
        raise ValueError("a negative amount")
    return {"restocked": amount}


def wait(event):
    print("waiting")
    time.sleep(120)
"""


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with (
        tempfile.TemporaryDirectory(prefix="amb-", dir=quick_directory()) as directory,
        Installation(Path(directory)) as installation,
    ):
        yield installation


@pytest.fixture
def app(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The slug of a new app whose folder is the working directory, as after `app new` and `init`."""
    for name in SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    Path(".automio").mkdir()
    Path(".automio/admin.json").write_text(json.dumps(installation.admin))
    slug = f"stock-{os.urandom(4).hex()}"
    assert f"--app {slug}" in command("app", "new", "Stock", "--slug", slug).output
    command("init", "--app", slug, "--scope", "build", "--scope", "data", "--scope", "run")
    return slug


def command(*arguments: str, status: int = 0) -> Result:
    done = CliRunner().invoke(main, list(arguments))
    assert done.exit_code == status, (done.output, done.exception)
    return done


def push(code: str = CODE) -> None:
    Path("actions").mkdir(exist_ok=True)
    Path("actions/restock.py").write_text(code)
    command("push")


def test_an_app_and_its_tables_are_created_and_listed(app: str) -> None:
    again = command("app", "new", "Stock", status=1).output
    assert "already" in again and "give a `slug`" in again
    assert app in [item["slug"] for item in json.loads(command("app", "list", "--json").output)]
    assert app in command("app", "list").output
    columns = ["sku:text!", "price:numeric", "state:choice:new,paid"]
    command("table", "new", "items", *(part for text in columns for part in ("--column", text)), "--unique", "sku")
    command("table", "new", "lines", "--column", "item:reference:items")
    tables = json.loads(command("table", "list", "--json").output)
    assert [table["name"] for table in tables] == ["items", "lines"]
    assert [unique["columns"] for unique in tables[0]["unique"]] == [["sku"]]
    assert tables[1]["foreign_keys"][0]["table"] == "items"
    assert "sku:text!, price:numeric, state:choice" in command("table", "list").output
    assert "already has a table 'items'" in command("table", "new", "items", status=1).output
    command("table", "delete", "lines", "--yes")
    assert "lines" not in command("table", "list").output


def test_a_pushed_file_becomes_an_action_that_runs_in_the_sandbox(app: str) -> None:
    push()
    refused = command("action", "new", "Restock", "--entry", "actions/restock.py:restok", status=1).output
    assert "has no function restok; its functions are: restock, wait" in refused
    command("action", "new", "Restock", "--entry", "actions/restock.py:restock")
    assert "restock" in command("action", "list").output

    done = command("action", "run", "restock", "--input", '{"amount": 3}')
    assert done.stdout == '  restocking 3\nresult: {"restocked": 3}\n'
    assert "50 % half way" in done.stderr
    Path("input.json").write_text('{"amount": -1}')
    failed = command("action", "run", "restock", "--input", "@input.json", status=1)
    assert "ValueError: a negative amount" in failed.stderr.splitlines()[-1]
    read = json.loads(command("action", "run", "restock", "--json").stdout)
    assert (read["status"], read["result"]) == ("completed", {"restocked": 1})

    assert "actions are: restock" in command("action", "run", "restok", status=1).output
    assert "must be a JSON object" in command("action", "run", "restock", "--input", "5", status=1).output

    listed = json.loads(command("runs", "list", "--json", "--state", "failed", "--state", "stopped").stdout)
    assert [run["status"] for run in listed] == ["failed"]
    some = command("runs", "list", "--limit", "2")
    assert "the 2 newest; there are more: --limit N or --all" in some.stderr
    assert command("runs", "list", "--all").stderr == ""
    assert "restocking 1" in command("runs", "logs", str(read["id"])).stdout
    assert command("action", "delete", "restock", "--yes").output == "deleted action restock\n"


MANIFEST = """
# What this app runs.
[actions.restock]
entry = "actions/restock.py:restock"
description = "Fills the shelves"
action_type = "app_action"
limits = { wall_seconds = 60 }

[[actions.restock.schedules]]
name = "Every morning"
cron = "0 6 * * *"
timezone = "Europe/Warsaw"
input = { amount = 2 }
"""


def test_a_push_creates_the_actions_that_the_manifest_declares(app: str) -> None:
    Path("automio.toml").write_text(MANIFEST)
    Path("actions").mkdir()
    Path("actions/restock.py").write_text(CODE)
    pushed = command("push").output
    assert "version 1\ncreated action restock\ncreated schedule 'Every morning' of restock\n" in pushed
    assert command("push").output == "nothing to push\n"
    [action] = json.loads(command("action", "list", "--json").output)
    assert (action["name"], action["entry"]) == ("Restock", "actions/restock.py:restock")
    assert (action["action_type"], action["limits"]["wall_seconds"]) == ("app_action", 60)

    Path("automio.toml").write_text(MANIFEST.replace("shelves", "racks").replace("0 6", "0 7"))
    changed = command("push").output
    assert "changed action restock: description\n" in changed
    assert "changed schedule 'Every morning' of restock: schedule\n" in changed
    assert command("push").output == "nothing to push\n"

    command("action", "new", "Wait", "--entry", "actions/restock.py:wait")
    elsewhere = command("pull", "elsewhere", "--app", app).output
    assert "automio.toml does not declare: wait" in elsewhere
    assert Path("elsewhere/automio.toml").read_text() == Path("automio.toml").read_text()
    assert command("push", "elsewhere", "--app", app).output == "nothing to push\n"
    printed = command("action", "list", "--toml").output
    Path("elsewhere/automio.toml").write_text(printed)
    assert [line for line in command("push", "elsewhere", "--app", app).output.splitlines() if "action" in line] == []
    assert "does not declare" not in command("pull", "elsewhere", "--app", app).output
    assert command("action", "run", "restock").stdout.endswith('result: {"restocked": 1}\n')


def test_an_app_is_deleted_after_it_was_told_what_goes_with_it(app: str) -> None:
    push()
    command("table", "new", "items")
    command("action", "new", "Restock", "--entry", "actions/restock.py:restock")
    refused = CliRunner().invoke(main, ["app", "delete", app], input="n\n")
    assert refused.exit_code == 1 and "1 table, 1 action." in refused.output
    assert app in command("app", "list").output
    assert f"deleted app {app}" in command("app", "delete", app, "--yes").output
    assert app not in command("app", "list").output
    assert "the token is unknown" in command("table", "list", status=1).output


def test_a_run_that_is_not_followed_is_followed_and_cancelled_later(app: str) -> None:
    push()
    command("action", "new", "Wait", "--entry", "actions/restock.py:wait")
    started = json.loads(command("action", "run", "wait", "--no-follow", "--json").stdout)
    command("runs", "cancel", str(started["run_id"]))
    ended = command("runs", "logs", "--follow", str(started["run_id"]), status=1)
    assert f"run {started['run_id']} stopped" in ended.stderr


def test_interrupting_a_followed_run_cancels_it_and_says_so(app: str) -> None:
    push()
    command("action", "new", "Wait", "--entry", "actions/restock.py:wait")
    shown, status = at_terminal("action", "run", "wait", interrupt_after="waiting")
    assert status == 130
    assert "cancelled run" in shown and "--no-follow" in shown and "Traceback" not in shown
    deadline = time.monotonic() + 60
    while (run := json.loads(command("runs", "list", "--json").stdout)[0])["status"] == "running":
        assert time.monotonic() < deadline, run
        time.sleep(0.1)
    assert run["status"] == "stopped"


def at_terminal(*arguments: str, interrupt_after: str) -> tuple[str, int]:
    """Runs a command at a terminal and presses Ctrl+C when it has written a word; returns output and status."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process, terminal = pty.fork()
    if process == 0:
        os.execve(sys.executable, [sys.executable, "-m", "automio.cli", *arguments], environment)
    shown, is_interrupted, deadline = b"", False, time.monotonic() + 120
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        shown += part
        if not is_interrupted and interrupt_after.encode() in shown:
            os.write(terminal, b"\x03")
            is_interrupted = True
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return shown.decode(), os.waitstatus_to_exitcode(status)
