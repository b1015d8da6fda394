"""What the command line says by itself: its help, names that it does not have, errors without a traceback."""

import json
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from automio.cli import _OWN_COMMANDS, main
from automio.cli._groups import SECTIONS
from tests.automio.loopback import Answer, Loopback
from tests.ports import free_port


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="automio")


def test_the_help_has_every_command_once_under_who_uses_it() -> None:
    listed = [name for lines in SECTIONS.values() for name in lines]
    assert len(listed) == len(set(listed))
    assert {*_OWN_COMMANDS, *(point.name for point in entry_points(group="automio.commands"))} == set(listed)
    shown = run("--help").output
    assert [line.rstrip(":") for line in shown.splitlines() if line.rstrip(":") in SECTIONS] == list(SECTIONS)
    for lines in SECTIONS.values():
        for name, line in lines.items():
            assert line.endswith(".") and any(
                row.split(None, 1) == [name, line] for row in shown.splitlines() if row.strip()
            ), name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["whomai"], "there is no command 'whomai'. Did you mean `automio whoami`?"),
        (["app", "lst"], "Did you mean `automio app list`?"),
        (["plugin", "nwe"], "Did you mean `automio plugin new`?"),
        (["zzzzzz"], "`automio --help` lists them."),
    ],
)
def test_an_unknown_command_gets_the_closest_one(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.output


COMMANDS = [
    ["app", "list"],
    ["table", "list"],
    ["action", "list"],
    ["action", "run", "x"],
    ["runs", "list"],
    ["push"],
    ["pull"],
    ["status"],
    ["schema"],
    ["csv", "export", "items", "items.csv"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_platform_that_is_away_is_one_sentence(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    for name, value in {"API_BASE_URL": url, "APP_TOKEN": "amt_x", "APP_ID": "3"}.items():
        monkeypatch.setenv(name, value)
    done = run(*arguments)
    assert (done.exit_code, done.exception.__class__) == (1, SystemExit)
    assert done.output.startswith("Error: The platform cannot be reached")
    assert "Start the platform (`automio up`), or correct API_BASE_URL" in done.output
    assert done.output.count("\n") == 1


def test_a_refusal_is_told_without_the_request_behind_it(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"API_BASE_URL": server.url, "APP_TOKEN": "amt_x", "APP_ID": "3"}.items():
        monkeypatch.setenv(name, value)
    body = {"detail": "this needs a token with the scope build; this one has: data, run", "code": "missing_scope"}
    server.on("POST /api/apps/3/new_table/", Answer(403, json=body))
    done = run("table", "new", "items")
    assert done.exit_code == 1
    assert done.output.startswith("Error: this needs a token with the scope build; this one has: data, run.")
    assert "automio init --app … --scope build" in done.output and "/api/" not in done.output
    monkeypatch.setenv("AUTOMIO_DEBUG", "1")
    assert "Traceback" in run("table", "new", "items").stderr


def test_the_platform_of_this_folder_serves_commands_without_settings(server: Loopback) -> None:
    Path(".automio").mkdir()
    Path(".automio/admin.json").write_text(json.dumps({"base_url": server.url, "token": "amt_owner"}))
    app = {"id": 1, "slug": "shop", "name": "Shop", "organization": "first", "is_active": True, "is_own": True}
    following = f"{server.url}/api/apps/?cursor=a%3D&limit=100"
    pages = {"": {"results": [app], "next": following}, "a=": {"results": [{**app, "slug": "x"}], "next": None}}
    server.on("GET /api/apps/", lambda request: pages[request.query.get("cursor", "")])
    Path("below").mkdir()
    listed = run("app", "list", "--json")
    assert [item["slug"] for item in json.loads(listed.output)] == ["shop", "x"]
    assert server.seen("GET /api/apps/")[0].headers["authorization"].endswith("amt_owner")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("sku", "--column must have the form NAME:TYPE"),
        ("order:reference", "a reference names its table"),
        ("sku:text:more", "other types nothing"),
    ],
)
def test_a_column_that_cannot_be_read_says_what_would_be_right(column: str, message: str) -> None:
    done = run("table", "new", "items", "--column", column, "--app", "3")
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())
