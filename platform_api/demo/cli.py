"""Defines the command `automio demo`."""

import asyncio
from pathlib import Path

import click


@click.command()
@click.option("--host", envvar="AUTOMIO_HOST", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    envvar="AUTOMIO_PORT",
    type=click.IntRange(0, 65535),
    help="Port to listen on.  [default: 8080, or a free one when that is in use]",
)
@click.option(
    "--data-dir",
    envvar="AUTOMIO_DEMO_DATA_DIR",
    default="./.automio/demo",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The demonstration's own data directory; a second run uses what is already there.",
)
@click.option("--exit", "exit_when_done", is_flag=True, help="Exit when it is done instead of continuing to serve.")
def demo(host: str, port: int | None, data_dir: Path, exit_when_done: bool) -> None:
    """Start everything with a sample app, and run it once end to end."""
    # Local: the bare client has the command's name but not what it needs.
    from platform_api.demo.demonstration import demonstrate
    from platform_api.demo.run import RunFailed
    from platform_api.demo.sample_app import SetupFailed
    from platform_api.supervisor.failures import reported

    # What is shown is the demonstration, not each request.
    with reported(log_level="WARNING"):
        try:
            asyncio.run(demonstrate(host=host, port=port, data_dir=data_dir, exit_when_done=exit_when_done))
        except (SetupFailed, RunFailed) as error:
            raise click.ClickException(str(error)) from error
