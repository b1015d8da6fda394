"""Implements the `automio` command; other packages add commands through the entry points `automio.commands`."""

from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

import click

_GROUP = "automio.commands"

# These commands need the client only, so they work without the platform.
_OWN_COMMANDS = {
    "csv": "automio.cli.csv:csv",
    "init": "automio.cli.init:init",
    "integration": "automio.cli.integration:integration",
    "plugin": "automio.cli.plugin:plugin",
    "pull": "automio.cli.sync:pull",
    "push": "automio.cli.sync:push",
    "run": "automio.cli.run:run",
    "schema": "automio.cli.schema:schema",
    "status": "automio.cli.sync:status",
    "whoami": "automio.cli.whoami:whoami",
}


class _PluggableGroup(click.Group):
    """Represents a command group that imports the code of a command only when that command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_OWN_COMMANDS, *(point.name for point in _command_points())})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if (command := super().get_command(ctx, cmd_name)) is not None:
            return command
        if cmd_name in _OWN_COMMANDS:
            return _loaded(EntryPoint(cmd_name, _OWN_COMMANDS[cmd_name], _GROUP))
        for point in _command_points():
            if point.name == cmd_name:
                return _loaded(point)
        return None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            # The platform's commands import their dependencies when they run.
            if _has_platform():
                raise
            raise _lacks_platform(ctx.invoked_subcommand or "", error) from error


def _command_points() -> list[EntryPoint]:
    return list(entry_points(group=_GROUP))


def _loaded(point: EntryPoint) -> click.Command:
    try:
        command = point.load()
    except ModuleNotFoundError as error:
        return _not_installed(point.name, error)
    assert isinstance(command, click.Command)
    return command


def _has_platform() -> bool:
    return find_spec("fastapi") is not None


def _lacks_platform(name: str, error: ModuleNotFoundError) -> click.ClickException:
    return click.ClickException(
        f"`automio {name}` belongs to the platform, which is not installed here ({error}). "
        "Install it with: pip install 'automio[platform]'"
    )


def _not_installed(name: str, error: ModuleNotFoundError) -> click.Command:
    """Returns a placeholder for a command of the platform when only the client is installed."""

    @click.command(name, help="Not installed; to install it: pip install 'automio[platform]'", add_help_option=False)
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: tuple[str, ...]) -> None:
        raise _lacks_platform(name, error)

    command.context_settings = {"ignore_unknown_options": True}
    return command


@click.group(cls=_PluggableGroup)
@click.version_option(package_name="automio")
def main() -> None:
    """Build apps on PostgreSQL and GraphQL: tables, actions, integrations."""
