"""`automio plugin new` and `automio plugin test`: plugins in a developer's folder."""

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

_FOLDER = click.option(
    "--directory", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path(), show_default=True
)
_NAMESPACE, _INTEGRATION = re.compile(r"[A-Za-z_]\w*", re.ASCII), re.compile(r"[A-Za-z0-9][\w.-]*", re.ASCII)


@click.group()
def plugin() -> None:
    """Plugins of a folder: begin one, test them without their services."""


@plugin.command()
@click.argument("namespace")
@click.argument("integration")
@_FOLDER
def new(namespace: str, integration: str, directory: Path) -> None:
    """Write a plugin with the functions that an interface asks for, and contract tests to begin with."""
    files = _files(directory, namespace, integration)
    try:
        write_skeleton(files)
    except AutomioError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{files.path}\n{files.tests_path}\nTry it: automio plugin test {namespace} {integration}")


@plugin.command()
@click.argument("namespace", required=False)
@click.argument("integration", required=False)
@click.option("--record", is_flag=True, help="Make the calls for real, and keep answers and results as the tests.")
@_FOLDER
def test(namespace: str | None, integration: str | None, record: bool, directory: Path) -> None:
    """Run the contract tests of plugins on their recorded answers, offline.

    Ends with status 1 when one fails, or when a plugin cannot be called as its interface says.
    """
    chosen = [
        found
        for found in find_plugins(directory)
        if namespace in (None, found.namespace) and integration in (None, found.integration)
    ]
    if not chosen:
        raise click.ClickException("there is no such plugin here (plugins/<namespace>_<integration>.py)")
    try:
        if record:
            for one in chosen:
                _record(one, directory)
        failures = sum(_test(one) for one in chosen)
    except AutomioError as error:
        raise click.ClickException(str(error)) from error
    if failures:
        raise SystemExit(1)


def _files(directory: Path, namespace: str, integration: str) -> PluginFiles:
    if not _NAMESPACE.fullmatch(namespace) or not _INTEGRATION.fullmatch(integration):
        raise click.ClickException("a namespace is a Python name, an integration the id of one")
    return PluginFiles(directory, namespace, integration)


def _test(plugin: PluginFiles) -> int:
    """Tells how the tests of one plugin end; how many fail."""
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
