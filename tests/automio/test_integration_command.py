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
