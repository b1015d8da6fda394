"""Settings: read from the environment, insecure or malformed values refused by name."""

import pytest

from platform_api.core.settings import InvalidSettings, SandboxIsolation, Settings

GOOD = {"DATABASE_URL": "postgresql:///x?host=/run/pg", "SECRET_KEYS": "k3Y-" * 8 + "aBcDeFgH"}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_settings_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SECRET_KEYS", f"{GOOD['SECRET_KEYS']}, second-{GOOD['SECRET_KEYS']}")
    environment.setenv("SANDBOX_ISOLATION", "landlock")
    environment.setenv("PUBLIC_URL", "https://automio.example/")
    environment.setenv("REDIS_URL", "")
    settings = Settings.from_environment()
    assert [key.get_secret_value() for key in settings.secret_keys] == [
        GOOD["SECRET_KEYS"],
        f"second-{GOOD['SECRET_KEYS']}",
    ]
    assert settings.sandbox_isolation is SandboxIsolation.LANDLOCK
    assert settings.public_url == "https://automio.example"
    assert settings.is_public_url_secure
    assert settings.redis_url is None, "an empty variable is one that is not set"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", "mysql://x/y", "must be a libpq URL"),
        ("SECRET_KEYS", "", "SECRET_KEYS: Field required"),
        ("SECRET_KEYS", "changeme", "placeholder"),
        ("SECRET_KEYS", "short-but-random-3f9", "too weak"),
        ("SECRET_KEYS", "a" * 64, "too weak"),
        ("SECRET_KEYS", f"{GOOD['SECRET_KEYS']},secret", "key 2 of SECRET_KEYS is a placeholder"),
        ("PUBLIC_URL", "automio.example", "must be an http:// or https:// URL"),
        ("HASURA_GRAPHQL_ADMIN_SECRET", "changethis", "placeholder"),
        ("HASURA_GRAPHQL_ENDPOINT", "http://hasura:8080", "needs HASURA_GRAPHQL_ADMIN_SECRET"),
        ("SANDBOX_ISOLATION", "docker", "SANDBOX_ISOLATION"),
        ("MAX_BODY_BYTES", "0", "MAX_BODY_BYTES"),
        ("LOG_LEVEL", "LOUD", "must be one of DEBUG, INFO, WARNING, ERROR"),
    ],
)
def test_a_value_that_cannot_work_or_is_insecure_is_refused_by_name(
    environment: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(InvalidSettings, match=said):
        Settings.from_environment()


def test_a_refusal_shows_no_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SECRET_KEYS", "short-but-random-3f9")
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_environment()
    assert "short-but-random-3f9" not in str(refused.value)


def test_secrets_are_not_printed(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("SMTP_URL", "smtp://user:hunter2@mail")
    shown = repr(Settings.from_environment())
    assert "hunter2" not in shown and GOOD["SECRET_KEYS"] not in shown


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name.endswith("_days")])
def test_days_are_as_many_as_the_database_counts_back(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.setenv(name.upper(), "36500")
    assert getattr(Settings.from_environment(), name) == 36_500
    environment.setenv(name.upper(), "36501")
    with pytest.raises(InvalidSettings, match=name.upper()):
        Settings.from_environment()
