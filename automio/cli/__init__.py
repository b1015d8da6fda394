"""Implements the `automio` command; other packages add commands through the entry points `automio.commands`."""

from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

import click

from automio import __version__
from automio._exceptions import AutomioError
from automio._installation import PLATFORM_COMMAND
from automio.cli._failures import as_click_error, show_cause
from automio.cli._groups import SECTIONS, SuggestingGroup, write_sections

_GROUP = "automio.commands"
_INSTALLATION = f"Not installed; in the platform's source tree: {PLATFORM_COMMAND}"

# These commands need the client only, so they work without the platform.
_OWN_COMMANDS = {
    "action": "automio.cli.building.action:action",
    "app": "automio.cli.building.app:app",
    "csv": "automio.cli.csv:csv",
    "init": "automio.cli.init:init",
    "integration": "automio.cli.integration:integration",
    "plugin": "automio.cli.plugin:plugin",
    "pull": "automio.cli.sync:pull",
    "push": "automio.cli.sync:push",
    "run": "automio.cli.run:run",
    "runs": "automio.cli.building.runs:runs",
    "schema": "automio.cli.schema:schema",
    "status": "automio.cli.sync:status",
    "table": "automio.cli.building.table:table",
    "whoami": "automio.cli.whoami:whoami",
}


class _PluggableGroup(SuggestingGroup):
    """Represents a command group that imports the code of a command only when that command is used."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        known = {name for lines in SECTIONS.values() for name in lines}
        others = {name: self.get_command(ctx, name) for name in names if name not in known}
        write_sections(
            formatter,
            names,
            others={name: command.get_short_help_str() for name, command in others.items() if command},
            missing={point.name: _INSTALLATION for point in _command_points() if not _is_installed(point)},
        )

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
        except (AutomioError, OSError) as error:
            show_cause(error)
            raise as_click_error(error) from error
        except click.ClickException as error:
            if error.__cause__ is not None:
                show_cause(error.__cause__)
            raise


def _command_points() -> list[EntryPoint]:
    return list(entry_points(group=_GROUP))


def _loaded(point: EntryPoint) -> click.Command:
    try:
        command = point.load()
    except ModuleNotFoundError as error:
        return _not_installed(point.name, error)
    assert isinstance(command, click.Command)
    return command


def _is_installed(point: EntryPoint) -> bool:
    return _has_platform() and find_spec(point.module.partition(".")[0]) is not None


def _has_platform() -> bool:
    return find_spec("fastapi") is not None


def _lacks_platform(name: str, error: ModuleNotFoundError) -> click.ClickException:
    return click.ClickException(
        f"`automio {name}` belongs to the platform, which is not installed here ({error})."
        f" To install it, run in the platform's source tree: {PLATFORM_COMMAND}"
    )


def _not_installed(name: str, error: ModuleNotFoundError) -> click.Command:
    """Returns a placeholder for a command of the platform when only the client is installed."""

    @click.command(name, help=_INSTALLATION, add_help_option=False)
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def command(arguments: tuple[str, ...]) -> None:
        raise _lacks_platform(name, error)

    command.context_settings = {"ignore_unknown_options": True}
    return command


@click.group(cls=_PluggableGroup, epilog="AUTOMIO_DEBUG=1 shows the traceback behind an error message.")
@click.version_option(__version__)
def main() -> None:
    """Build apps on PostgreSQL and GraphQL: tables, actions, integrations.

    To begin: `automio up`, then in a second terminal in the same folder `automio app new NAME`.
    """
