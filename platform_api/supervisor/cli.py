"""Defines the command `automio up`."""

import asyncio
import os
import sys
from pathlib import Path

import click


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
@click.option("--no-runner", is_flag=True, help="Start no sandbox runner; runs wait for `automio runner`.")
def up(host: str, port: int, data_dir: Path, no_runner: bool) -> None:
    """Start everything on this machine: PostgreSQL, the control plane with the GraphQL engine, one runner."""
    # Local: the bare client has the command's name but not what it needs.
    from platform_api.supervisor.failures import reported
    from platform_api.supervisor.supervisor import Options, run_installation

    async def say_ready(url: str) -> None:
        sys.stdout.write(f"automio ready {url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()

    options = Options(host=host, port=port, data_dir=data_dir, with_runner=not no_runner)
    with reported():
        asyncio.run(run_installation(options, environment=os.environ, while_serving=say_ready))
