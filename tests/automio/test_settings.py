"""Where settings come from."""

from pathlib import Path

import pytest

from automio import ConfigurationError
from automio.wrapper import API


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("API_BASE_URL", "http://platform.test/")
    monkeypatch.setenv("APP_TOKEN", "token")
    return monkeypatch


def test_a_dotenv_is_found_upward_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("API_BASE_URL=http://from-file.test\nAPP_TOKEN='from file'\nAPP_ID=5\n")
    deep = tmp_path / "src" / "actions"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    monkeypatch.setenv("APP_TOKEN", "from-environment")
    settings = API().settings
    assert (settings.base_url, settings.token, settings.app_id) == ("http://from-file.test", "from-environment", 5)


def test_arguments_win_over_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("APP_ID", "1")
    settings = API(base_url="https://other.test", token="other", app_id="acme/orders", connection_id=3).settings
    assert (settings.base_url, settings.token, settings.app_id, settings.connection_id) == (
        "https://other.test",
        "other",
        "acme/orders",
        3,
    )


@pytest.mark.parametrize(
    ("variables", "app_id"),
    [
        ({"APP_ID": "130"}, 130),
        ({"APP_ID": "acme/orders"}, "acme/orders"),
        ({"APP_ID": "7", "ORG_SLUG": "acme", "APP_SLUG": "orders"}, 7),
        ({"ORG_SLUG": "acme", "APP_SLUG": "orders"}, "acme/orders"),
        ({"APP_SLUG": "orders"}, None),
        ({"APP_ID": " "}, None),
    ],
)
def test_the_app(environment: pytest.MonkeyPatch, variables: dict[str, str], app_id: object) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    assert API().settings.app_id == app_id


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_BASE_URL", ""),
        ("API_BASE_URL", "platform.test"),
        ("API_BASE_URL", "http://"),
        ("APP_TOKEN", ""),
        ("APP_TOKEN", "two words"),
        ("APP_TOKEN", "a\nHost: evil"),
        ("CACHE_SERVICE_URL", "cache"),
        ("REDIS_PORT", "six"),
        ("REDIS_DB", "1.5"),
    ],
)
def test_what_cannot_work_is_named(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        API()


def test_secrets_are_not_shown(environment: pytest.MonkeyPatch) -> None:
    for name in ("APP_TOKEN", "CACHE_SERVICE_TOKEN", "REDIS_PASSWORD"):
        environment.setenv(name, "very-secret")
    api = API()
    assert "very-secret" not in repr(api) + repr(api.settings) + str(vars(api))


def test_the_task_is_the_environments_or_one_of_its_own(environment: pytest.MonkeyPatch) -> None:
    assert API().settings.task_id != API().settings.task_id
    environment.setenv("TASK_ID", "given")
    assert API().settings.task_id == "given"


def test_a_working_directory_that_was_removed_does_no_harm(tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    environment.chdir(gone)
    gone.rmdir()
    assert API().settings.token == "token"


def test_an_unreadable_dotenv_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"API_BASE_URL=\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"\.env cannot be read"):
        API()
