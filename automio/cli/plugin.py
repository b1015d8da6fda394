"""Implements `automio plugin new` and `automio plugin test` for plugins in a developer's folder."""

import re
from pathlib import Path

import click

from automio._development.contract_tests import (
    PluginFiles,
    check_contract,
    find_plugins,
    record_case,
    run_cases,
    write_skeleton,
)
from automio._exceptions import AutomioError
from automio._settings import read_environment, settings_from
from automio.cli._failures import as_click_error
from automio.cli._groups import SuggestingGroup

_FOLDER = click.option(
    "--directory", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path(), show_default=True
)
_NAMESPACE, _INTEGRATION = re.compile(r"[A-Za-z_]\w*", re.ASCII), re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)


@click.group(cls=SuggestingGroup)
def plugin() -> None:
    """Create plugins in a folder, and test them without their services."""


@plugin.command()
@click.argument("namespace")
@click.argument("integration")
@_FOLDER
def new(namespace: str, integration: str, directory: Path) -> None:
    """Create a plugin with the functions of an interface, and its first contract tests."""
    files = _files(directory, namespace, integration)
    try:
        write_skeleton(files)
    except AutomioError as error:
        raise as_click_error(error) from error
    click.echo(f"{files.path}\n{files.tests_path}\nTry it: automio plugin test {namespace} {integration}")


@plugin.command()
@click.argument("namespace", required=False)
@click.argument("integration", required=False)
@click.option("--record", is_flag=True, help="Make real calls, and store their answers and results as the tests.")
@_FOLDER
def test(namespace: str | None, integration: str | None, record: bool, directory: Path) -> None:
    """Run the contract tests of plugins offline, with recorded answers.

    Exits with status 1 when a test fails, or when a plugin does not accept the calls of its interface.
    """
    chosen = [
        files
        for files in find_plugins(directory)
        if namespace in (None, files.namespace) and integration in (None, files.integration)
    ]
    if not chosen:
        raise click.ClickException("no such plugin in this folder (plugins/<namespace>_<integration>.py)")
    try:
        if record:
            for files in chosen:
                _record(files, directory)
        failures = sum(_test(files) for files in chosen)
    except AutomioError as error:
        raise as_click_error(error) from error
    if failures:
        raise SystemExit(1)


def _files(directory: Path, namespace: str, integration: str) -> PluginFiles:
    if not _NAMESPACE.fullmatch(namespace) or not _INTEGRATION.fullmatch(integration):
        raise click.ClickException("NAMESPACE must be a Python name, INTEGRATION the id of an integration")
    return PluginFiles(directory, namespace, integration)


def _test(plugin: PluginFiles) -> int:
    """Runs and prints the tests of a plugin; returns the number of failures."""
    failures = 0
    for message in check_contract(plugin):
        click.echo(f"FAIL  {message}")
        failures += 1
    count = 0
    for outcome in run_cases(plugin):
        count += 1
        click.echo(f"{'ok  ' if outcome.wrong is None else 'FAIL'}  {plugin.module}: {outcome.name}")
        if outcome.wrong is not None:
            failures += 1
            click.echo("      " + outcome.wrong.replace("\n", "\n      "))
        for note in outcome.notes:
            click.echo(f"      note: {note}")
    if not count:
        click.echo(f"      {plugin.module}: no tests ({plugin.tests_path})")
    return failures


def _record(plugin: PluginFiles, directory: Path) -> None:
    settings = settings_from(read_environment(directory))
    recorded = [record_case(plugin, case, settings) for case in plugin.cases()]
    plugin.save(recorded)
    count = sum(len(case["answers"]) for case in recorded)
    click.echo(f"recorded {count} answer{'' if count == 1 else 's'} in {plugin.tests_path}")
