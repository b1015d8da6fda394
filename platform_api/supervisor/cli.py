"""Defines the command `automio up`."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import click


def _check_email(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"[^@\s<>,;]+@[^@\s<>,;]+", value):
        raise click.BadParameter(f"must be an e-mail address, not {value!r}")
    return value


@click.command()
@click.option("--host", envvar="AUTOMIO_HOST", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    envvar="AUTOMIO_PORT",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0 takes a free port.",
)
@click.option(
    "--data-dir",
    envvar="AUTOMIO_DATA_DIR",
    default="./.automio",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Where database, secrets and admin.json are kept.",
)
@click.option(
    "--owner",
    envvar="AUTOMIO_OWNER",
    metavar="EMAIL",
    callback=_check_email,
    help="On a first start, create the first organization with this owner, and write admin.json.",
)
@click.option(
    "--set-up-link",
    envvar="AUTOMIO_SET_UP_LINK",
    is_flag=True,
    help="Until there is a user, print a link to create the first one in a browser.  [default: at a terminal;"
    " elsewhere --owner owner@automio.local]",
)
@click.option(
    "--log-level",
    envvar="LOG_LEVEL",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    help="What is logged to standard error.  [default: warning at a terminal, info elsewhere]",
)
@click.option("--no-runner", is_flag=True, help="Start no sandbox runner; runs wait for `automio runner`.")
def up(
    host: str,
    port: int,
    data_dir: Path,
    owner: str | None,
    set_up_link: bool,
    log_level: str | None,
    no_runner: bool,
) -> None:
    """Start everything on this machine: PostgreSQL, the control plane with the GraphQL engine, one runner."""
    # Local: the bare client has the command's name but not what it needs.
    from platform_api.accounts.links.secret import LinkKind, new_secret
    from platform_api.accounts.set_up.default_owner import DEFAULT_EMAIL
    from platform_api.supervisor.failures import reported
    from platform_api.supervisor.supervisor import Options, run_installation

    if owner is not None and set_up_link:
        raise click.UsageError("give --owner or --set-up-link, not both: whoever opens the link becomes the owner")
    is_terminal = sys.stdout.isatty()
    # Programs that start an installation rely on admin.json; a person is better served by a page.
    if owner is None and not set_up_link and not is_terminal:
        owner = DEFAULT_EMAIL
    level = (log_level or ("warning" if is_terminal else "info")).upper()
    if is_terminal and level == "WARNING":
        click.echo("starting … (--log-level info shows each step; Ctrl+C stops everything)", err=True)
    code = new_secret(LinkKind.SET_UP) if owner is None else None

    async def say_ready(url: str) -> None:
        _say(f"automio ready {url}")
        if code is not None and (link := await _find_set_up_link(url, code)) is not None:
            _say(f"set up automio in a browser: {link}")
        elif is_terminal:
            _say(_where_to_sign_in(url, data_dir))
        await asyncio.Event().wait()

    options = Options(
        host=host, port=port, data_dir=data_dir, with_runner=not no_runner, owner=owner, set_up_code=code
    )
    with reported(log_level=level):
        environment = {**os.environ, "LOG_LEVEL": level}
        asyncio.run(run_installation(options, environment=environment, while_serving=say_ready))


async def _find_set_up_link(url: str, code: str) -> str | None:
    # Local: an HTTP client, of which the start itself has no need.
    from platform_api.supervisor.set_up_link import find_set_up_link

    return await find_set_up_link(url, code)


def _where_to_sign_in(url: str, data_dir: Path) -> str:
    """Returns what a person does next; a program reads `admin.json`, and gets only the line before."""
    file = data_dir / "admin.json"
    try:
        email = json.loads(file.read_text())["email"]
    except (OSError, ValueError, KeyError):
        return f"sign in at {url}"
    return f"sign in at {url} as {email}, whose first password is in {file}"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
