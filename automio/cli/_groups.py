"""Defines the groups of commands: who uses a command, and what is proposed for a name that there is not."""

import difflib
from collections.abc import Iterable, Mapping, Sequence

import click

SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Build an app": {
        "app": "Create, list and delete apps.",
        "table": "Create, list and delete the tables of an app.",
        "action": "Create, list, run and delete actions.",
        "runs": "List runs, show their logs, cancel them.",
        "csv": "Import and export CSV and Excel files.",
        "schema": "Print an app's GraphQL schema.",
    },
    "Write an app's code in a folder": {
        "init": "Write a .env that connects this folder to an app.",
        "whoami": "Show whose settings these are, and test each of them.",
        "pull": "Copy an app's code from the platform to a folder.",
        "push": "Store a folder's changes on the platform.",
        "status": "Show what differs between folder and platform.",
        "run": "Run a script on this machine, with real rows.",
    },
    "Write plugins and integrations": {
        "plugin": "Create and test plugins.",
        "integration": "Create integrations from OpenAPI documents.",
        "mock-shop": "Serve a small marketplace to try integrations on.",
    },
    "Run a platform": {
        "up": "Start everything on this machine.",
        "demo": "Start everything, with a sample app.",
        "migrate": "Bring the database to this release.",
        "runner": "Execute runs of a platform on this machine.",
        "engine": "Serve the GraphQL engine alone, on any PostgreSQL.",
        "metadata": "Compare and repair what the GraphQL engine knows.",
        "keys": "Manage the keys of stored credentials.",
    },
    "Manage people and access": {
        "user": "Create, list and change users.",
        "organization": "Create and list organizations.",
        "member": "Manage who belongs to an organization.",
        "token": "Create, list and revoke tokens.",
        "install": "Manage which apps an organization installed.",
    },
}
"""Names each command once, with the line that `automio --help` shows: reading it loads none of them."""


class SuggestingGroup(click.Group):
    """Represents a group that proposes the closest command for one that it does not have."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and self.get_command(ctx, name) is None:
            raise click.UsageError(_unknown(name, self.list_commands(ctx), ctx.command_path), ctx)
        return super().resolve_command(ctx, args)


def write_sections(
    formatter: click.HelpFormatter, names: Iterable[str], *, others: Mapping[str, str], missing: Mapping[str, str]
) -> None:
    """Writes the commands by section; `others` are those that no section has, `missing` has other lines for some."""
    present = set(names)
    for title, lines in SECTIONS.items():
        if rows := [(name, missing.get(name, line)) for name, line in lines.items() if name in present]:
            with formatter.section(title):
                formatter.write_dl(rows)
    if others:
        with formatter.section("Other commands"):
            formatter.write_dl(sorted(others.items()))


def _unknown(name: str, known: Sequence[str], path: str) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    proposal = f" Did you mean `{path} {close[0]}`?" if close else f" `{path} --help` lists them."
    return f"there is no command {name!r}.{proposal}"
