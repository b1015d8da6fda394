"""`automio pull` and `push` with a platform that sends what it should not, and folders that are odd."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from automio.cli import main
from tests.automio.loopback import Answer, Loopback, Seen

APP = {"id": 3, "name": "Orders", "slug": "orders", "organization": "acme", "activated": True}


@pytest.fixture
def files(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Provides the files that the platform sends as the app's source."""
    sent = {"main.py": "x = 1\n"}
    for name, value in {"API_BASE_URL": server.url, "APP_TOKEN": "amt_x", "APP_ID": "3"}.items():
        monkeypatch.setenv(name, value)
    server.on("GET /api/apps/3/", APP)
    server.on("GET /api/apps/3/source/", lambda request: {"number": 1, "files": sent})
    server.on("GET /api/apps/3/tables/", {"tables": []})
    server.on("GET /api/actions/", [])
    server.on("GET /api/integrations/", {"count": 0, "next": None, "results": []})
    server.on("GET /api/plugins/plugin-interfaces/", Answer(403, json={"detail": "this token may not build"}))
    return sent


def run(*arguments: str, ok: bool = True) -> Result:
    done = CliRunner().invoke(main, list(arguments))
    assert (done.exit_code == 0) == ok, (done.output, done.exception)
    assert "Traceback" not in done.output
    return done


@pytest.mark.parametrize(
    "path", ["../out.py", "a/../../out.py", "/tmp/out.py", "a//b.py", "a\\b.py", "a\nb.py", "x" * 300, "", "-rf.py"]
)
def test_a_path_that_leaves_the_folder_is_refused_and_nothing_is_written(files: dict[str, str], path: str) -> None:
    Path("app").mkdir()
    files[path] = "evil"
    assert "not a path in the folder" in run("pull", "app", ok=False).output
    assert {file.name for file in Path().rglob("*")} == {"app"}


@pytest.mark.parametrize("path", [".env", ".git/hooks/post-checkout", "lib/.env", "plugins/evil.sh", "venv/x.py"])
def test_hidden_files_of_the_platform_are_not_written(files: dict[str, str], path: str) -> None:
    files[path] = "evil"
    assert "stays on the platform" in run("pull", "app").output
    assert not (Path("app") / path).exists() and (Path("app") / "main.py").exists()


def test_nothing_is_written_through_a_link_that_leads_out(files: dict[str, str]) -> None:
    Path("out").mkdir()
    Path("app").mkdir()
    Path("app/lib").symlink_to(Path("out").resolve())
    files["lib/x.py"] = "evil"
    assert "leads out" in run("pull", "app", ok=False).output
    assert not list(Path("out").iterdir())


def test_a_link_in_the_place_of_a_file_is_not_followed(files: dict[str, str]) -> None:
    Path("app").mkdir()
    Path("victim.py").write_text("mine")
    Path("app/main.py").symlink_to(Path("victim.py").resolve())
    assert "leads out" in run("pull", "app", ok=False).output
    assert Path("victim.py").read_text() == "mine"


def test_a_path_of_a_damaged_state_cannot_remove_a_file_elsewhere(files: dict[str, str]) -> None:
    Path("victim.py").write_text("mine")
    run("pull", "app")
    state = Path("app/.automio/sync.json")
    state.write_text(json.dumps({**json.loads(state.read_text()), "files": {"../victim.py": "0"}}))
    run("pull", "app", ok=False)
    assert Path("victim.py").exists()
    state.write_text("{")
    assert "damaged" in run("pull", "app", ok=False).output


def test_a_local_file_that_was_never_pulled_is_not_overwritten(files: dict[str, str]) -> None:
    Path("app").mkdir()
    Path("app/main.py").write_text("mine\n")
    refused = run("pull", "app", ok=False).output
    assert "  main.py: changed on both sides\n" in refused and "-mine" not in refused
    refused = run("pull", "app", "--diff", ok=False).output
    assert "-mine" in refused and "+x = 1" in refused
    assert Path("app/main.py").read_text() == "mine\n"


def test_a_file_of_the_app_that_became_binary_is_named(files: dict[str, str]) -> None:
    run("pull", "app")
    Path("app/main.py").write_bytes(b"\xff\xfe")
    assert "main.py is not UTF-8 text" in run("push", "app", ok=False).output


def test_a_version_saved_during_the_push_is_not_overwritten(files: dict[str, str], server: Loopback) -> None:
    run("pull", "app")
    Path("app/main.py").write_text("x = 2\n")
    seen: list[Any] = []

    def change(request: Seen) -> Any:
        seen.append(request.json)
        return Answer(409, json={"detail": "version 2 was saved since version 1"})

    server.on("PATCH /api/apps/3/source/", change)
    assert "newer version was saved" in run("push", "app", "-m", "Why", ok=False).output
    assert seen == [{"base_version": 1, "changes": {"main.py": "x = 2\n"}, "message": "Why"}]
    assert "changed here: main.py" in run("status", "app").output


def test_a_token_that_may_not_build_pulls_the_source_alone_and_keeps_the_plugins(
    files: dict[str, str], server: Loopback
) -> None:
    denied = Answer(403, json={"detail": "this token may not build"})
    interface = {"namespace": "goods", "code": "y = 1\n", "version": 1, "capabilities": []}
    server.on("GET /api/plugins/plugin-interfaces/", {"count": 1, "next": None, "results": [interface]})
    server.on("GET /api/plugins/plugin-interfaces/goods/plugins/", {"count": 0, "next": None, "results": []})
    run("pull", "app")
    plugin = Path("app/plugins/interfaces/goods.py")
    assert plugin.read_text() == "y = 1\n"
    server.on("GET /api/plugins/plugin-interfaces/", denied)
    assert "scope `build`" in run("pull", "app").output
    assert plugin.read_text() == "y = 1\n"
    assert "equal" in run("status", "app").output


def test_ignore_rules_are_followed_or_refused(files: dict[str, str], server: Loopback) -> None:
    run("pull", "app")
    seen: list[Any] = []
    server.on("PATCH /api/apps/3/source/", lambda request: seen.append(request.json) or {"number": 2})
    for name in ("a.log", "data/x.txt", "lib/data/y.txt", "lib/keep.py", "build/z.py"):
        Path("app", name).parent.mkdir(parents=True, exist_ok=True)
        Path("app", name).write_text("t")
    Path("app/.automioignore").write_text("*.log\n# a comment\n\ndata/\n/build/*\n")
    run("push", "app")
    assert seen[0]["changes"] == {"lib/keep.py": "t"}
    Path("app/.automioignore").write_text("!keep.py\n")
    assert "exceptions are not supported" in run("push", "app", ok=False).output


def test_missing_folders_and_settings_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "no folder" in run("push", "absent", ok=False).output
    assert "API_BASE_URL" in run("pull", "app", ok=False).output


def test_a_file_that_is_not_python_is_refused_with_its_place_and_nothing_is_pushed(
    files: dict[str, str], server: Loopback
) -> None:
    run("pull", "app")
    Path("app/main.py").write_text("x = 1\ndef f(:\n    pass\n")
    Path("app/good.py").write_text("y = 1\n")
    refused = run("push", "app", ok=False).output
    assert "main.py:2:7: syntax error: invalid syntax" in refused and "def f(:" in refused
    assert not server.seen("PATCH /api/apps/3/source/")


def test_plugins_that_only_others_changed_do_not_keep_an_app_from_being_pushed(
    files: dict[str, str], server: Loopback
) -> None:
    interface = {"namespace": "goods", "code": "y = 1\n", "version": 1, "capabilities": []}
    server.on("GET /api/plugins/plugin-interfaces/", lambda request: {"next": None, "results": [interface]})
    server.on("GET /api/plugins/plugin-interfaces/goods/plugins/", {"next": None, "results": []})
    server.on("PATCH /api/apps/3/source/", {"number": 2})
    run("pull", "app")
    interface["code"] = "y = 2\n"
    Path("app/main.py").write_text("x = 2\n")
    pushed = run("push", "app").output
    assert "pushed: main.py\nversion 2\n" in pushed
    assert "note: plugins/interfaces/goods.py is newer on the platform" in pushed
    assert [sorted(request.json["changes"]) for request in server.seen("PATCH /api/apps/3/source/")] == [["main.py"]]
    files["main.py"] = "x = 2\n"
    Path("app/plugins/interfaces/goods.py").write_text("y = 3\n")
    refused = run("push", "app", ok=False).output
    assert "  plugins/interfaces/goods.py: changed on both sides\n" in refused


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("[actions.x", "automio.toml is not TOML"),
        ("[action.x]\nentry = 'main.py'", "there is no key action; did you mean actions?"),
        ("[actions.x]\nentri = 'main.py'", "there is no key actions.x.entri; did you mean entry?"),
        ("[actions.x]\nname = 'X'", "actions.x needs an entry"),
        ("[actions.'1 x']\nentry = 'main.py'", "a slug has letters"),
        ("[actions]\nx = 'main.py'", "actions.x must be a table"),
        ("[actions.x]\nentry = 5", "actions.x.entry must be text"),
        ("[actions.x]\nentry = 'gone.py'", "actions.x.entry: there is no file gone.py"),
        ("[actions.x]\nentry = 'main.py:run'", "main.py has no function run; it has no functions"),
        ("[actions.x]\nentry = 'main.py'\nschedules = [{name = 'a'}]", "either cron or every_minutes"),
    ],
)
def test_a_manifest_that_cannot_be_used_is_refused_and_nothing_is_pushed(
    files: dict[str, str], server: Loopback, manifest: str, message: str
) -> None:
    run("pull", "app")
    Path("app/automio.toml").write_text(manifest)
    assert message in run("push", "app", ok=False).output
    assert not server.seen("PATCH /api/apps/3/source/")


@pytest.mark.parametrize("manifest", [b'a = "\xff"', b'[actions.a]\nentry = "main.py"\nlimits = {seconds = inf}\n'])
def test_a_manifest_that_cannot_be_sent_is_refused_before_anything_is_stored(
    files: dict[str, str], server: Loopback, manifest: bytes
) -> None:
    run("pull", "app")
    Path("app/main.py").write_text("x = 2\n")
    Path("app/automio.toml").write_bytes(manifest)
    assert "Error: automio.toml" in run("push", "app", ok=False).output
    assert not server.seen("PATCH /api/apps/3/source/")


@pytest.mark.parametrize("manifest", [b'a = "\xff"', b"<<<<<<< mine\n"])
def test_a_damaged_manifest_is_a_note_after_a_pull(files: dict[str, str], manifest: bytes) -> None:
    Path("app").mkdir()
    Path("app/automio.toml").write_bytes(manifest)
    lines = run("pull", "app").output.splitlines()
    assert "written: main.py" in lines and lines[-1].startswith("note: automio.toml is not ")


def test_a_change_of_what_the_platform_deleted_is_kept_and_said_so(files: dict[str, str]) -> None:
    run("pull", "app")
    Path("app/main.py").write_text("mine\n")
    del files["main.py"]
    shown = run("pull", "app", "--keep-both").output
    assert "deleted on the platform, your change is kept: main.py" in shown and ".theirs" not in shown
    assert Path("app/main.py").read_text() == "mine\n" and not Path("app/main.py.theirs").exists()
    assert "changed here: main.py" in run("status", "app").output


def test_an_earlier_version_beside_a_file_is_not_overwritten(files: dict[str, str]) -> None:
    run("pull", "app")
    beside = []
    for text in ("x = 2\n", "x = 3\n", "x = 3\n"):
        Path("app/main.py").write_text(f"mine of {text}")
        files["main.py"] = text
        Path("app/.automio/sync.json").unlink()
        shown = run("pull", "app", "--keep-both").output
        beside.append(shown.partition("version is in ")[2].partition(":")[0])
    assert beside == ["main.py.theirs", "main.py.2.theirs", "main.py.2.theirs"]
    assert [Path("app", name).read_text() for name in beside[:2]] == ["x = 2\n", "x = 3\n"]
    assert "theirs" not in run("status", "app").output


def test_a_push_that_fails_at_an_action_says_what_it_did(files: dict[str, str], server: Loopback) -> None:
    run("pull", "app")
    Path("app/main.py").write_text("x = 2\n")
    Path("app/big.bin").write_bytes(b"\xff")
    actions = "".join(f'[actions.{slug}]\nentry = "main.py"\n' for slug in ("first", "second", "third"))
    Path("app/automio.toml").write_text(actions)
    server.on("PATCH /api/apps/3/source/", {"number": 2})

    def create(request: Seen) -> Any:
        is_refused = request.json["slug"] == "second"
        return Answer(422, json={"detail": "the app has too many actions"}) if is_refused else {"id": 1}

    server.on("POST /api/actions/", create)
    lines = run("push", "app", ok=False).output.splitlines()
    assert "pushed: main.py" in lines and "version 2" in lines
    assert "note: big.bin is left out: not UTF-8 text" in lines
    assert lines[-3:] == [
        "created action first",
        "automio.toml is applied up to here; push again for the rest",
        "Error: the app has too many actions",
    ]
