"""Implements `automio pull`, `push` and `status`: synchronizes a folder with an app's source and the plugins."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from automio._development.declared import apply_actions, undeclared
from automio._development.management import Management
from automio._development.manifest import MANIFEST, DeclaredAction, ManifestError, read_manifest_file
from automio._development.stubs import write_stubs
from automio._development.sync import SyncError, Workspace
from automio._exceptions import AutomioError, Forbidden
from automio._settings import AppId, as_app_id, read_environment, settings_from
from automio.cli._failures import as_click_error, message_of

_FOLDER = click.argument(
    "directory", required=False, default=".", type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]"
)
_APP = click.option("--app", help="The app's id or slug; APP_ID of the folder's settings when absent.")


_DIFF = click.option("--diff", is_flag=True, help="When files changed on both sides, show how they differ.")


@click.command()
@_FOLDER
@_APP
@click.option(
    "--keep-both", is_flag=True, help="For files changed on both sides, write the platform's version to FILE.theirs."
)
@_DIFF
@click.option("--stubs/--no-stubs", default=True, show_default=True, help="Also write type stubs for editors.")
def pull(directory: Path, app: str | None, keep_both: bool, diff: bool, stubs: bool) -> None:
    """Copy an app's source, interfaces and plugins from the platform to a folder.

    Files that you changed are never overwritten.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with _opened(directory, app) as (workspace, platform, app_id):
        with _shown(diff):
            pulled = workspace.pull(keep_both=keep_both)
        _print_each("written", pulled.written)
        _print_each("removed", pulled.removed)
        _print_each("your change is kept, push it", pulled.kept)
        for path, theirs in pulled.beside.items():
            click.echo(f"changed on both sides, the platform's version is in {theirs}: {path}")
        _print_each("deleted on the platform, your change is kept", pulled.gone)
        if not (pulled.written or pulled.removed or pulled.beside or pulled.gone):
            click.echo("nothing new")
        notes = list(pulled.notes)
        if stubs:
            notes += write_stubs(directory, platform, app_id)
        notes += _undeclared(directory, platform, app_id)
        _print_each("note", notes)


@click.command()
@_FOLDER
@_APP
@click.option("-m", "--message", default="", help="A message for the new version.")
@click.option("--force", is_flag=True, help="Overwrite newer changes on the platform with yours.")
@_DIFF
@click.option("--delete-plugins", is_flag=True, help="Delete interfaces and plugins whose files you deleted.")
def push(directory: Path, app: str | None, message: str, force: bool, diff: bool, delete_plugins: bool) -> None:
    """Store the changes of a folder on the platform, as a new version. Needs a token with the scope `build`.

    Creates and changes the actions that automio.toml declares. Stores nothing when the platform has newer changes,
    or when a file is not Python.
    """
    _require(directory)
    with _opened(directory, app) as (workspace, platform, app_id):
        with _shown(diff):
            pushed = workspace.push(message, force=force, delete_plugins=delete_plugins)
        _print_each("pushed", pushed.changed)
        _print_each("removed", pushed.removed)
        is_changed = bool(pushed.changed or pushed.removed)
        if is_changed:
            click.echo(f"version {pushed.version}")
        # What is stored is said before the next thing may fail.
        _print_each("note", pushed.notes)
        is_changed |= _applied(platform, app_id, pushed.actions)
        if not is_changed:
            click.echo("nothing to push")


@click.command()
@_FOLDER
@_APP
@click.option("--diff", is_flag=True, help="Show how the folder differs from the platform.")
def status(directory: Path, app: str | None, diff: bool) -> None:
    """Show what changed in the folder and on the platform since the last pull or push."""
    _require(directory)
    with _opened(directory, app) as (workspace, _, _):
        comparison, remote, contents = workspace.status()
        _print_each("changed here", comparison.mine)
        _print_each("changed on the platform", comparison.theirs)
        _print_each("changed on both sides", comparison.both)
        differing = sorted([*comparison.mine, *comparison.theirs, *comparison.both])
        if not differing:
            click.echo("folder and platform are equal")
        if diff:
            click.echo(workspace.differences(differing, contents, remote), nl=False)
        _print_each("note", remote.notes)


def _applied(platform: Management, app_id: AppId, actions: Sequence[DeclaredAction]) -> bool:
    """Creates and changes actions, says each, and tells whether there were any."""
    is_changed = False
    try:
        for line in apply_actions(platform, app_id, actions):
            is_changed = True
            click.echo(line)
    except AutomioError:
        click.echo(f"{MANIFEST} is applied up to here; push again for the rest", err=True)
        raise
    return is_changed


@contextmanager
def _opened(directory: Path, app: str | None) -> Iterator[tuple[Workspace, Management, AppId]]:
    """Provides a folder and its platform; turns errors into messages without a traceback."""
    try:
        settings = settings_from(read_environment(directory), app_id=as_app_id(app))
        platform = Management.of_token(settings.base_url, settings.token)
        try:
            app_id = settings.require_app_id()
            yield Workspace(directory, platform, app_id, settings.base_url), platform, app_id
        finally:
            platform.close()
    except AutomioError as error:
        raise as_click_error(error) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or directory}: {error.strerror}") from error


@contextmanager
def _shown(diff: bool) -> Iterator[None]:
    """Prints with --diff what two sides changed, before the error that says so."""
    try:
        yield
    except SyncError as error:
        if diff:
            click.echo(error.diff, nl=False)
        raise


def _undeclared(directory: Path, platform: Management, app_id: AppId) -> list[str]:
    """Returns a note about actions that the folder does not declare, or about a file that cannot be read."""
    try:
        others = undeclared(platform, app_id, read_manifest_file(directory / MANIFEST))
    except Forbidden:
        return []
    except ManifestError as error:
        # The pull is done; a push, which needs the file, refuses it.
        return [message_of(error)]
    if not others:
        return []
    return [f"{MANIFEST} does not declare: {', '.join(others)} (`automio action list --toml` prints them for it)"]


def _require(directory: Path) -> None:
    if not directory.is_dir():
        raise click.ClickException(f"there is no folder {directory}")


def _print_each(label: str, items: Sequence[Any]) -> None:
    for item in items:
        click.echo(f"{label}: {item}")
