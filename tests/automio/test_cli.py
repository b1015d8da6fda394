"""`automio init` and `automio whoami` against a loopback platform."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from dotenv import dotenv_values

from automio.cli import main
from tests.automio.loopback import Answer, Loopback, Seen

APP = {"id": 3, "name": "Orders", "slug": "orders", "organization": "acme", "activated": True}
ME = {
    "kind": "app_token",
    "user": {"id": 1, "email": "ann@acme.test"},
    "organization": {"id": 1, "slug": "acme", "name": "Acme", "role": "owner"},
    "role": "owner",
    "scopes": ["data", "run"],
    "app_id": 3,
}


def run(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=input)


@pytest.fixture
def platform(server: Loopback) -> Iterator[Loopback]:
    """Provides the endpoints that the commands use; a sign-in is known by its cookie."""
    stored: dict[str, Any] = {}

    def sign_in(request: Seen) -> Any:
        if request.json != {"email": "ann@acme.test", "password": "correct horse"}:
            return Answer(401, json={"detail": "wrong e-mail or password"})
        return Answer(json={"id": 1}, headers={"Set-Cookie": "automio_session=s1; HttpOnly; Path=/"})

    def token(request: Seen) -> Any:
        is_signed_in = (
            request.headers.get("cookie") == "automio_session=s1" and "authorization" not in request.headers
        )
        has_token = request.headers.get("authorization") == "App-Token amt_account"
        if not (is_signed_in and request.headers.get("origin") == server.url) and not has_token:
            return Answer(401, json={"detail": "the token is missing"})
        return Answer(201, json={"token": "amt_new", "id": 9})

    def store(request: Seen) -> Any:
        stored[request.json["key"]] = request.json["value"]
        return {"success": True}

    def read(request: Seen) -> Any:
        key = request.path.split("/")[3]
        return {"key": key, "value": stored[key], "exists": True, "ttl": 60} if key in stored else None

    server.on("POST /api/sessions/", sign_in)
    server.on("POST /api/tokens/", token)
    server.on("GET /api/apps/orders/", APP)
    server.on("GET /api/apps/3/", APP)
    server.on("GET /api/me/", ME)
    server.on("POST /cache/set/", store)
    for key in ("automio-init", "automio-whoami"):
        server.on(f"GET /cache/get/{key}/", read)
        server.on(f"DELETE /cache/delete/{key}/", {"success": True, "deleted": True})
    yield server


def sign_in_and_init(platform: Loopback, *arguments: str) -> Result:
    credentials = ("--email", "ann@acme.test", "--password", "correct horse")
    return run("init", "--app", "orders", "--server", platform.url, *credentials, *arguments)


def test_init_writes_settings_that_whoami_finds_working(platform: Loopback) -> None:
    done = sign_in_and_init(platform)
    assert done.exit_code == 0, done.output
    assert dotenv_values(".env") == {
        "API_BASE_URL": platform.url,
        "APP_TOKEN": "amt_new",
        "APP_ID": "3",
        "CACHE_SERVICE_URL": f"{platform.url}/cache",
        "CACHE_SERVICE_TOKEN": "amt_new",
    }
    (created,) = platform.seen("POST /api/tokens/")
    assert (created.json["app"], created.json["scopes"]) == (3, ["data", "run"])
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o600
    assert f"pip install -r {platform.url}/client/requirements.txt" in done.output

    shown = run("whoami")
    assert shown.exit_code == 0, shown.output
    assert "FAIL" not in shown.output
    assert "ann@acme.test, owner of acme; may: data, run" in shown.output
    assert "3: Orders (acme/orders)" in shown.output


def test_init_keeps_the_other_lines_and_makes_the_file_private(platform: Loopback) -> None:
    file = Path(".env")
    file.write_text("# mine\nOTHER='a b'\nexport APP_ID=old-app\n\nLAST=1")
    file.chmod(0o644)
    assert sign_in_and_init(platform, "--scope", "build").exit_code == 0
    text = file.read_text()
    assert text.startswith("# mine\nOTHER='a b'\nAPP_ID=3\n\nLAST=1\n")
    assert "old-app" not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert platform.seen("POST /api/tokens/")[0].json["scopes"] == ["build"]


def test_init_takes_a_token_and_asks_for_what_it_is_not_told(platform: Loopback) -> None:
    assert run("init", "--app", "acme/orders", "--token", "amt_account", input=f"{platform.url}\n").exit_code == 0
    again = run("init", "--app", "orders", input="ann@acme.test\ncorrect horse\n")
    assert again.exit_code == 0, again.output
    assert "correct horse" not in again.output


def test_init_uses_the_platform_that_runs_in_this_folder(platform: Loopback) -> None:
    Path(".automio").mkdir()
    known = {"base_url": platform.url, "token": "amt_account", "organization_id": 1}
    Path(".automio/admin.json").write_text(json.dumps(known))
    done = run("init", "--app", "orders")
    assert done.exit_code == 0, done.output
    assert dotenv_values(".env")["APP_TOKEN"] == "amt_new"


def test_init_warns_where_version_control_would_take_the_token(platform: Loopback) -> None:
    Path(".git").mkdir()
    assert "out of version control" in sign_in_and_init(platform).output
    Path(".gitignore").write_text("/.env\n")
    assert "version control" not in sign_in_and_init(platform).output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--app", "absent"], "no route GET /api/apps/absent/"),
        (["--app", "orders", "--password", "wrong"], "does not accept this e-mail and password"),
        (["--app", "orders", "--server", "http://127.0.0.1:1"], "cannot be reached"),
        (["--app", "orders", "--server", "platform"], "http:// or https://"),
    ],
)
def test_init_says_what_is_wrong_and_writes_nothing(platform: Loopback, arguments: list[str], says: str) -> None:
    given = ["--server", platform.url, "--email", "ann@acme.test", "--password", "correct horse", *arguments]
    done = run("init", *given)
    assert done.exit_code == 1
    assert says in done.output and "Traceback" not in done.output
    assert not Path(".env").exists()


def test_init_notices_a_cache_that_does_not_work(platform: Loopback) -> None:
    platform.on("GET /cache/get/automio-init/", Answer(404, json={"detail": "nothing here"}))
    done = sign_in_and_init(platform)
    assert done.exit_code == 1
    assert "cache does not answer" in done.output


@pytest.mark.parametrize(
    ("changes", "answers", "line", "fix"),
    [
        ({"API_BASE_URL": ""}, {}, "FAIL  API_BASE_URL", "Set API_BASE_URL"),
        ({"API_BASE_URL": "http://127.0.0.1:1"}, {}, "FAIL  API_BASE_URL", "automio up"),
        ({"APP_TOKEN": ""}, {}, "FAIL  APP_TOKEN", "automio init"),
        ({}, {"GET /api/me/": Answer(401, json={"detail": "revoked"})}, "FAIL  APP_TOKEN            revoked", "init"),
        ({}, {"GET /api/me/": Answer(200, body=b"<html>")}, "FAIL  API_BASE_URL", "address of an automio platform"),
        ({"APP_ID": ""}, {}, "FAIL  APP_ID               not set", "Set APP_ID"),
        ({"APP_ID": "77"}, {}, "FAIL  APP_ID", "Correct APP_ID"),
        (
            {},
            {"GET /api/me/": {**ME, "app_id": 4}},
            "FAIL  APP_ID               3, but the token is for app 4",
            "init",
        ),
        ({}, {"GET /api/apps/3/": {**APP, "activated": False}}, "is not active here", "Activate or install"),
        ({"CACHE_SERVICE_TOKEN": ""}, {}, "FAIL  CACHE_SERVICE_URL", "Set both"),
        ({}, {"POST /cache/set/": Answer(401, json={"detail": "no"})}, "FAIL  CACHE_SERVICE_URL", "APP_TOKEN"),
        ({"CACHE_SERVICE_URL": "", "REDIS_PORT": "1"}, {}, "FAIL  REDIS_HOST", "Start it or correct REDIS_HOST"),
    ],
)
@pytest.mark.slow
def test_whoami_names_what_does_not_work_and_the_fix(
    platform: Loopback, changes: dict[str, str], answers: dict[str, Any], line: str, fix: str
) -> None:
    assert sign_in_and_init(platform).exit_code == 0
    text = Path(".env").read_text()
    Path(".env").write_text(text + "".join(f"\n{name}={value}" for name, value in changes.items()))
    for route, answer in answers.items():
        platform.on(route, answer)
    done = run("whoami")
    assert done.exit_code == 1
    assert line in done.output and fix in done.output, done.output
    assert "amt_new" not in done.output and "Traceback" not in done.output


def test_commands_that_are_not_installed_say_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from automio import cli

    absent = EntryPoint("up", "absent_module.cli:up", "automio.commands")
    monkeypatch.setattr(cli, "_command_points", lambda: [absent])
    assert "in the platform's source tree: pip install '.[platform]'" in " ".join(run("--help").output.split())
    done = run("up", "--port", "1")
    assert done.exit_code == 1 and "pip install '.[platform]'" in done.output


def test_a_command_that_lacks_the_platform_while_it_runs_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from automio import cli

    @click.command()
    def up() -> None:
        import absent_module  # type: ignore[import-not-found]  # noqa: F401

    monkeypatch.setitem(main.commands, "up", up)  # type: ignore[attr-defined]
    assert isinstance(run("up").exception, ModuleNotFoundError)
    monkeypatch.setattr(cli, "_has_platform", lambda: False)
    done = run("up")
    assert done.exit_code == 1 and "pip install '.[platform]'" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Platform is not known, and there is no terminal to ask at: give --server"),
        (["--server", "http://127.0.0.1:1"], "E-mail is not known, and there is no terminal to ask at: give --email"),
        (["--server", "http://127.0.0.1:1", "--email", "a@b.test"], "give AUTOMIO_PASSWORD"),
    ],
)
def test_init_without_a_terminal_says_which_option_has_the_answer(arguments: list[str], message: str) -> None:
    done = run("init", "--app", "orders", *arguments)
    assert done.exit_code == 2
    assert message in " ".join(done.output.split()) and "Aborted" not in done.output


@pytest.mark.parametrize("scheme", ["Bearer", "App-Token"])
def test_a_token_with_its_scheme_is_told_to_stand_alone(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_BASE_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("APP_TOKEN", f"{scheme} amt_abc")
    assert f"APP_TOKEN must be the token alone, without '{scheme}' before it." in run("whoami").output


def test_an_app_is_created_by_signing_in_where_there_is_no_token(platform: Loopback) -> None:
    platform.on("POST /api/apps/", Answer(201, json={**APP, "id": 4, "slug": "shop"}))
    credentials = f"{platform.url}\nann@acme.test\ncorrect horse\n"
    created = run("app", "new", "Shop", input=credentials)
    assert created.exit_code == 0, created.output
    assert "created app shop (id 4)" in created.output and "correct horse" not in created.output
    assert platform.seen("POST /api/apps/")[0].headers["cookie"] == "automio_session=s1"
    bound = {"detail": "this token is bound to app 3; it cannot create another", "code": "forbidden"}
    platform.on("POST /api/apps/", Answer(403, json=bound))
    refused = run("app", "new", "Shop", "--server", platform.url, "--token", "amt_bound")
    assert "it cannot create another; sign in with --email" in refused.output
