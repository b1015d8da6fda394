"""`automio pull`, `push` and `status`: an app's source tree and the plugins, in a folder."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from automio._development.platform import Development
from automio._development.stubs import write_stubs
from automio._development.sync import Workspace
from automio._exceptions import AutomioError
from automio._settings import AppId, as_app_id, read_environment, settings_from

_FOLDER = click.argument(
    "directory", required=False, default=".", type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]"
)
_APP = click.option("--app", help="The app's id or slug; APP_ID of the folder's settings when absent.")


@click.command()
@_FOLDER
@_APP
@click.option("--keep-both", is_flag=True, help="Write the platform's text of files changed on both sides beside.")
@click.option("--stubs/--no-stubs", default=True, show_default=True, help="Write type stubs for editors, too.")
def pull(directory: Path, app: str | None, keep_both: bool, stubs: bool) -> None:
    """Take over an app's source, interfaces and plugins from the platform.

    What you changed is never overwritten.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with _opened(directory, app) as (workspace, platform, app_id):
        pulled = workspace.pull(keep_both=keep_both)
        _tell("written", pulled.written)
        _tell("removed", pulled.removed)
        _tell("yours stays, push it", pulled.kept)
        _tell("the platform's text is beside, as .theirs", pulled.beside)
        if not (pulled.written or pulled.removed or pulled.beside):
            click.echo("nothing new")
        notes = list(pulled.notes)
        if stubs:
            notes += write_stubs(directory, platform, app_id)
        _tell("note", notes)


@click.command()
@_FOLDER
@_APP
@click.option("-m", "--message", default="", help="Kept with the version.")
@click.option("--force", is_flag=True, help="Let what you changed win over what the platform has newer.")
@click.option("--delete-plugins", is_flag=True, help="Remove interfaces and plugins whose files you deleted.")
def push(directory: Path, app: str | None, message: str, force: bool, delete_plugins: bool) -> None:
    """Store what changed in a folder on the platform, as a new version. Needs a token with the scope `build`.

    Refuses when the platform has something newer, and shows the difference.
    """
    _require(directory)
    with _opened(directory, app) as (workspace, _, _):
        pushed = workspace.push(message, force=force, delete_plugins=delete_plugins)
        _tell("pushed", pushed.changed)
        _tell("removed", pushed.removed)
        click.echo(f"version {pushed.version}" if pushed.changed or pushed.removed else "nothing to push")
        _tell("note", pushed.notes)


@click.command()
@_FOLDER
@_APP
@click.option("--diff", is_flag=True, help="Show how the folder differs from the platform.")
def status(directory: Path, app: str | None, diff: bool) -> None:
    """Show what changed here and on the platform since the last pull or push."""
    _require(directory)
    with _opened(directory, app) as (workspace, _, _):
        found, remote, contents = workspace.status()
        _tell("changed here", found.mine)
        _tell("changed on the platform", found.theirs)
        _tell("changed on both sides", found.both)
        differing = sorted([*found.mine, *found.theirs, *found.both])
        if not differing:
            click.echo("folder and platform are equal")
        if diff:
            click.echo(workspace.differences(differing, contents, remote), nl=False)
        _tell("note", remote.notes)


@contextmanager
def _opened(directory: Path, app: str | None) -> Iterator[tuple[Workspace, Development, AppId]]:
    """The folder with its platform; what goes wrong becomes a message without traceback."""
    try:
        settings = settings_from(read_environment(directory), app_id=as_app_id(app))
        platform = Development.of_token(settings.base_url, settings.token)
        try:
            app_id = settings.require_app_id()
            yield Workspace(directory, platform, app_id, settings.base_url), platform, app_id
        finally:
            platform.close()
    except AutomioError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or directory}: {error.strerror}") from error


def _require(directory: Path) -> None:
    if not directory.is_dir():
        raise click.ClickException(f"there is no folder {directory}")


def _tell(what: str, of: Sequence[Any]) -> None:
    for one in of:
        click.echo(f"{what}: {one}")
