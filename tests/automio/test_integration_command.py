"""`automio integration import` against a loopback platform."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from automio.cli import main
from tests.automio.loopback import Answer, Loopback, Seen

DOCUMENT = "openapi: 3.0.0\ninfo: {title: Shop, version: '1'}\npaths: {}\n"


def imported(request: Seen) -> Any:
    return {
        "definition": {"id": request.json.get("id", "shop"), "name": "Shop", "base_url": "https://shop.example"},
        "is_new": "id" not in request.json,
        "dry_run": request.json["dry_run"],
        "operation_count": 2,
        "notes": ["give `auth`"],
        "operations": [],
    }


def run(server: Loopback, *arguments: str, input: str | None = None) -> Result:
    options = ["--server", server.url, "--token", "amt_build"]
    return CliRunner().invoke(main, ["integration", "import", *arguments, *options], input=input)


@pytest.fixture
def platform(server: Loopback) -> Loopback:
    server.on("POST /api/integrations/import/", imported)
    return server


def test_a_file_is_sent_and_the_result_told(platform: Loopback, tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(DOCUMENT)
    done = run(platform, str(file), "--id", "mine", "--base-url", "https://shop.example")
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        "mine: changed, 2 operations",
        "calls go to https://shop.example",
        "note: give `auth`",
    ]
    sent = platform.requests[-1]
    assert sent.headers["authorization"] == "App-Token amt_build"
    assert sent.json == {"id": "mine", "base_url": "https://shop.example", "dry_run": False, "document": DOCUMENT}


def test_a_url_is_left_to_the_platform_and_a_dry_run_says_so(platform: Loopback) -> None:
    done = run(platform, "https://shop.example/openapi.json", "--dry-run")
    assert done.output.startswith("shop: would be created, 2 operations\n")
    assert platform.requests[-1].json == {"url": "https://shop.example/openapi.json", "dry_run": True}


def test_standard_input_is_read(platform: Loopback) -> None:
    assert run(platform, "-", input=DOCUMENT).exit_code == 0
    assert platform.requests[-1].json["document"] == DOCUMENT


def test_what_is_wrong_is_one_line(server: Loopback, tmp_path: Path) -> None:
    server.on("POST /api/integrations/import/", lambda request: Answer(422, json={"detail": "#/info: is missing"}))
    refused = run(server, "-", input=DOCUMENT)
    assert refused.exit_code == 1 and "#/info: is missing" in refused.output
    assert "cannot be read" in run(server, str(tmp_path / "nothing.yaml")).output
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    assert "not UTF-8" in run(server, str(binary)).output


def test_files_that_a_document_refers_to_are_sent_along(
    platform: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {
        "work/api/openapi.yaml": """paths:
  /a: {$ref: './paths/a%20b.yaml#/get'}
  /b: {"$ref": "../common/b.json"}
  /c: {$ref: ../../private/c.yaml}
  /d: {$ref: https://shop.example/d.yaml}
  /e: {$ref: gone.yaml}
  /f: {$ref: '#/paths/~1a'}
  /g: {$ref: secret.txt}
""",
        "work/api/paths/a b.yaml": "get: {$ref: ../openapi.yaml#/paths}",
        "work/common/b.json": '{"$ref": "../api/deep/c.yml"}',
        "work/api/deep/c.yml": "é: 1",
        "work/api/secret.txt": "secret",
        "private/c.yaml": "secret: 1",
    }
    for name, content in contents.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "work")
    done = run(platform, "api/openapi.yaml")
    assert done.exit_code == 0, done.output
    assert "../../private/c.yaml is not sent" in done.output
    sent = platform.requests[-1].json
    assert sent["document_path"] == "api/openapi.yaml"
    expected = {"api/paths/a b.yaml", "common/b.json", "api/deep/c.yml"}
    assert sent["files"] == {name: contents[f"work/{name}"] for name in expected}


def test_files_elsewhere_are_not_sent_by_links(
    platform: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere.yaml").write_text("secret: 1")
    folder = tmp_path / "api"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "link.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    (folder / "openapi.yaml").write_text("paths: {/a: {$ref: link.yaml}}")
    done = run(platform, str(folder / "openapi.yaml"))
    assert done.exit_code == 0 and "link.yaml is not sent" in done.output
    assert "files" not in platform.requests[-1].json
