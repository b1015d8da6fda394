"""Implements `automio runner`."""

import asyncio
import os
import signal
from pathlib import Path

import click
from pydantic import SecretStr, ValidationError

from sandbox_runner.errors import SandboxError
from sandbox_runner.logs import configure_logging
from sandbox_runner.runner import Runner
from sandbox_runner.settings import RunnerSettings


@click.command()
@click.option("--server", required=True, envvar="RUNNER_SERVER", help="Base URL of the control plane.")
@click.option(
    "--token", required=True, envvar="RUNNER_TOKEN", help="The runner token; safer in the variable RUNNER_TOKEN."
)
@click.option("--concurrency", type=click.IntRange(min=1), help="Runs at the same time (default 4).")
@click.option("--state-dir", type=click.Path(path_type=Path), help="Directory for prepared jail content.")
def runner(server: str, token: str, concurrency: int | None, state_dir: Path | None) -> None:
    """Claim runs from a control plane and execute them, isolated, on this machine."""
    options = {"RUNNER_CONCURRENCY": concurrency, "RUNNER_STATE_DIR": state_dir}
    overrides = {name: value for name, value in options.items() if value is not None}
    try:
        settings = RunnerSettings(server=server, token=SecretStr(token), **overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        raise click.ClickException(f"the settings are invalid:\n{error}") from error
    configure_logging(settings.log_level)
    # Jails must be able to read the files that the runner writes, whatever the caller's umask is.
    os.umask(0o022)
    try:
        asyncio.run(_run_until_signalled(settings))
    except SandboxError as error:
        raise click.ClickException(str(error)) from error


async def _run_until_signalled(settings: RunnerSettings) -> None:
    working = Runner(settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, working.stop)
    await working.run()
