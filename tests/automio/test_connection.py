"""A token goes to the platform that it is for, and to no other that a command or a folder names."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from automio.cli import main
from automio.cli._connection import local_platform
from tests.automio.loopback import Loopback

ELSEWHERE = "http://127.0.0.1:1"


@pytest.fixture
def platform(server: Loopback) -> Loopback:
    server.on("GET /api/apps/", {"results": [], "next": None})
    return server


def apps(*options: str) -> Result:
    return CliRunner().invoke(main, ["app", "list", *options])


def tokens(server: Loopback) -> set[str]:
    return {seen.headers["authorization"] for seen in server.requests if "authorization" in seen.headers}


@pytest.mark.parametrize("address", [f"API_BASE_URL={ELSEWHERE}\n", ""])
def test_the_token_of_a_file_is_not_sent_to_another_server(platform: Loopback, address: str) -> None:
    Path(".env").write_text(f"{address}APP_TOKEN=amt_secret\n")
    shown = apps("--server", platform.url)
    assert not tokens(platform)
    assert "APP_TOKEN is not sent" in shown.output and "amt_secret" not in shown.output


def test_the_token_of_the_environment_is_not_sent_to_another_server(
    platform: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_TOKEN", "amt_secret")
    monkeypatch.setenv("API_BASE_URL", ELSEWHERE)
    apps("--server", platform.url)
    assert not tokens(platform)


def test_the_token_of_a_file_is_not_for_the_address_of_the_environment(
    platform: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".env").write_text(f"API_BASE_URL={ELSEWHERE}\nAPP_TOKEN=amt_secret\n")
    monkeypatch.setenv("API_BASE_URL", platform.url)
    apps()
    assert not tokens(platform)


def test_a_document_is_imported_with_the_token_of_its_server_only(platform: Loopback) -> None:
    Path("api.json").write_text("{}")
    Path(".env").write_text(f"API_BASE_URL={ELSEWHERE}\nAPP_TOKEN=amt_secret\n")
    shown = CliRunner().invoke(main, ["integration", "import", "api.json", "--server", platform.url])
    assert shown.exit_code != 0 and not platform.requests
    assert "give --token" in shown.output


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_token_is_sent_to_its_server_with_or_without_a_slash(platform: Loopback, slash: str) -> None:
    Path(".env").write_text(f"API_BASE_URL={platform.url}/\nAPP_TOKEN=amt_mine\n")
    apps("--server", platform.url + slash)
    assert tokens(platform) == {"App-Token amt_mine"}


def test_a_token_of_the_environment_is_for_the_server_that_is_named_with_it(
    platform: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_TOKEN", "amt_mine")
    apps("--server", platform.url)
    assert tokens(platform) == {"App-Token amt_mine"}


def test_the_address_of_a_file_goes_with_the_token_of_the_environment(
    platform: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".env").write_text(f"API_BASE_URL={platform.url}\n")
    monkeypatch.setenv("APP_TOKEN", "amt_mine")
    apps()
    assert tokens(platform) == {"App-Token amt_mine"}


def _admin_file(content: dict[str, str]) -> Path:
    file = Path(".automio/admin.json")
    file.parent.mkdir(mode=0o700)
    file.write_text(json.dumps(content))
    file.chmod(0o600)
    return file


def test_an_admin_file_that_others_may_write_is_ignored() -> None:
    content = {"base_url": ELSEWHERE, "token": "amt_owner"}
    file = _admin_file(content)
    Path("below").mkdir()
    assert local_platform(Path("below")) == content
    for mode in (0o620, 0o602, 0o666):
        file.chmod(mode)
        assert local_platform(Path("below")) == {}


def test_an_admin_file_of_another_user_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    _admin_file({"base_url": ELSEWHERE, "token": "amt_owner"})
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    assert local_platform() == {}


def test_the_token_of_the_settings_is_not_sent_to_a_platform_here_without_a_token(
    platform: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    _admin_file({"base_url": platform.url})
    monkeypatch.setenv("APP_TOKEN", "amt_secret")
    shown = CliRunner().invoke(main, ["action", "list", "--app", "3"])
    assert shown.exit_code == 1 and not platform.requests and "API_BASE_URL is not set" in shown.output
