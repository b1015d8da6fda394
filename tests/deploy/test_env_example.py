"""`.env.example` names every setting there is, and none that is not."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import BaseSettings

import automio._settings
import hasura
import platform_api
import sandbox_runner
from automio.cli import main

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / ".env.example"

# The runner's `--server` and `--token` have no default and no place in a file that several processes read.
FROM_THE_COMMAND_LINE = {"SERVER", "TOKEN"}
# `automio up` makes it for its own control plane.
FROM_THE_SUPERVISOR = {"SET_UP_CODE"}
COMPOSE_ONLY = {"POSTGRES_PASSWORD"}


def settings_classes() -> Iterator[type[BaseSettings]]:
    for package in (platform_api, hasura, sandbox_runner):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if module.name.endswith(".settings"):
                for value in vars(importlib.import_module(module.name)).values():
                    if isinstance(value, type) and issubclass(value, BaseSettings) and value is not BaseSettings:
                        yield value


def variables(settings: type[BaseSettings]) -> set[str]:
    prefix = settings.model_config.get("env_prefix", "")
    return {
        str(field.validation_alias) if field.validation_alias else f"{prefix}{name}".upper()
        for name, field in settings.model_fields.items()
    }


def client_variables() -> set[str]:
    """The client reads by name, without a settings library."""
    source = Path(automio._settings.__file__).read_text()
    return set(re.findall(r'value\("([A-Z_]+)"\)', source))


def option_variables() -> set[str]:
    """Variables that stand for options of commands."""
    return {str(option.envvar) for command in _commands(main) for option in command.params if option.envvar}


def _commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                yield from _commands(found)


def documented_variables() -> set[str]:
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE.read_text(), re.MULTILINE))


def test_settings_are_found() -> None:
    names = {settings.__name__ for settings in settings_classes()}
    assert {"Settings", "SupervisorSettings", "RunnerSettings"} <= names
    assert {"API_BASE_URL", "APP_TOKEN", "TASK_ID"} <= client_variables()


@pytest.mark.slow
def test_every_setting_is_documented_and_nothing_else() -> None:
    of_processes = set[str]().union(*(variables(settings) for settings in settings_classes()))
    known = of_processes - FROM_THE_COMMAND_LINE - FROM_THE_SUPERVISOR | client_variables() | option_variables()
    documented = documented_variables()
    assert known - documented == set(), "missing in .env.example"
    assert documented - known - COMPOSE_ONLY == set(), "in .env.example, but no process reads it"


def test_every_variable_has_a_comment_of_its_own_or_its_groups() -> None:
    lines = EXAMPLE.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r"#?[A-Z][A-Z0-9_]*=", line):
            before = next(above for above in reversed(lines[:number]) if not re.match(r"#?[A-Z][A-Z0-9_]*=", above))
            assert before.startswith("# ") or before == "", line


def test_the_example_as_it_stands_is_refused_rather_than_run_with_empty_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from platform_api.core.settings import Settings

    for name, value in dotenv_values(EXAMPLE).items():
        monkeypatch.setenv(name, value or "")
    monkeypatch.setenv("DATABASE_URL", "postgresql:///automio")
    with pytest.raises(ValidationError, match="secret_keys"):
        Settings()  # type: ignore[call-arg]


def test_the_examples_values_are_accepted_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uncommenting every line must not contradict a settings class."""
    for name, value in re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE.read_text(), re.MULTILINE):
        monkeypatch.setenv(name, value)
    for name in ("SECRET_KEYS", "HASURA_GRAPHQL_ADMIN_SECRET", "SERVER", "TOKEN"):
        monkeypatch.setenv(name, "http://example.com/0123456789abcdefghijklmnop")
    monkeypatch.setenv("RUNNER_TOKEN", "amt_runner_" + "x" * 43)
    for name in ("HASURA_GRAPHQL_PG_TIMEOUT", "RUNNER_STATE_DIR"):
        monkeypatch.delenv(name)
    for settings in settings_classes():
        settings()
