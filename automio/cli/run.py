"""Implements `automio run`: runs an action on this machine, with the environment and event of the sandbox."""

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import click

from automio._development.folder import STATE_FILE, Rules
from automio._development.platform import Development
from automio._exceptions import AutomioError
from automio._settings import Settings, read_environment, settings_from
from automio.cli._failures import as_click_error

_WATCH_INTERVAL_SECONDS = 0.3
_STOP_TIMEOUT_SECONDS = 5.0

Snapshot = Mapping[str, tuple[int, int]]


@click.command()
@click.argument("entry", metavar="FILE.py[:FUNCTION]")
@click.option("--event", type=click.File("rb"), help="A JSON file with the event; - reads standard input.")
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE", help="A value of the event's user_input.")
@click.option("--watch", is_flag=True, help="Run again whenever a file in the folder changes, until Ctrl+C.")
@click.option("--runs", type=int, hidden=True, help="End `--watch` after this number of runs.")
def run(entry: str, event: Any, inputs: Sequence[str], watch: bool, runs: int | None) -> None:
    """Run a script, or a function in it, with the platform of this folder's settings.

    It gets the same environment and event as in the sandbox, and uses real rows and connections. Exits with status 1
    when it fails.
    """
    path, _, function = entry.partition(":")
    file = Path(path).resolve()
    if not file.is_file():
        raise click.ClickException(f"there is no file {path}")
    folder = _folder(file)
    relative = file.relative_to(folder).as_posix()
    action = f"{relative}:{function}" if function else relative
    arguments: dict[str, Any] = {
        "entry": action,
        "event": _event(event, inputs),
        "bundle": str(folder),
    }
    environment = _environment(folder, action)
    if watch:
        _watch(arguments, environment, folder, runs)
    else:
        raise SystemExit(_Run(arguments, environment).finish())


def _folder(file: Path) -> Path:
    """Returns the app's folder: the one it was pulled to, else the one with settings, else the file's own."""
    for mark in (STATE_FILE, ".env"):
        for folder in file.parents:
            if (folder / mark).is_file():
                return folder
    return file.parent


def _event(stream: Any, inputs: Sequence[str]) -> dict[str, Any]:
    event: dict[str, Any] = {"user_input": {}, "selected_rows": [], "selected_all": False, "filter_params": {}}
    if stream is not None:
        try:
            content = json.load(stream)
        except ValueError as error:
            raise click.ClickException(f"the event is not JSON: {error}") from error
        if not isinstance(content, dict):
            raise click.ClickException("the event must be a JSON object")
        event |= content
    for item in inputs:
        name, separator, value = item.partition("=")
        if not separator or not isinstance(event["user_input"], dict):
            raise click.ClickException(f"--input must have the form NAME=VALUE, not {item!r}")
        event["user_input"] = {**event["user_input"], name: _value(value)}
    return event


def _value(text: str) -> Any:
    """Returns the value of a JSON text, or the text itself when it is not JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _environment(folder: Path, entry: str) -> dict[str, str]:
    environment = read_environment(folder)
    try:
        settings = settings_from(environment)
        environment.update(_action(settings, entry))
    except AutomioError as error:
        raise as_click_error(error) from error
    environment.setdefault("AUTOMIO_SHOW_PROGRESS", "1")
    return environment


def _action(settings: Settings, entry: str) -> dict[str, str]:
    """Returns the variables of the sandbox about the action with this entry; only the app's if there is none."""
    app = settings.require_app_id()
    with closing(Development.of_token(settings.base_url, settings.token)) as platform:
        action = next((action for action in platform.actions(app) if action.entry == entry), None)
        variables = {"APP_ID": str(platform.app(app).id)}
    if action is None:
        return variables
    return {**variables, "ACTION_ID": str(action.id), "ACTION_TYPE": action.action_type}


class _Run:
    """Represents a run in its own process, so that it leaves nothing behind for the next one."""

    def __init__(self, arguments: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self._result = tempfile.TemporaryFile("w+")  # noqa: SIM115 (open as long as the run)
        descriptor = self._result.fileno()
        command = [sys.executable, "-P", "-m", "automio._development.running"]
        self._process = subprocess.Popen(
            [*command, json.dumps({**arguments, "result_fd": descriptor})],
            env={**environment, "TASK_ID": environment.get("TASK_ID") or str(uuid.uuid4())},
            cwd=arguments["bundle"],
            stdin=subprocess.DEVNULL,
            pass_fds=[descriptor],
        )

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def finish(self) -> int:
        """Waits for the end, prints the result and returns the exit status."""
        while True:
            try:
                status = self._process.wait()
                break
            except KeyboardInterrupt:
                # The run was interrupted, too, and prints its own traceback.
                continue
        self._result.seek(0)
        text = self._result.read()
        self._result.close()
        if not text:
            click.echo(f"the run exited with status {status} and reported no result", err=True)
            return 1
        end = json.loads(text)
        if end["notice"]:
            click.echo(end["notice"], err=True)
        if end["status"] == "completed":
            click.echo(f"result: {end['result']}")
            return 0
        click.echo(f"{end['status']}: {end['cause']}", err=True)
        return 1

    def stop(self) -> None:
        """Cancels the run as the platform does, so that `finally` blocks run; kills it if it continues."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._result.close()


def _watch(arguments: Mapping[str, Any], environment: Mapping[str, str], folder: Path, runs: int | None) -> None:
    rules = Rules.of(folder)
    count = 0
    while True:
        before = _snapshot(folder, rules)
        current = _Run(arguments, environment)
        count += 1
        is_shown = False
        try:
            while _snapshot(folder, rules) == before:
                if current.has_ended() and not is_shown:
                    is_shown = True
                    current.finish()
                    if runs is not None and count >= runs:
                        return
                    click.echo("waiting for a file to change", err=True)
                time.sleep(_WATCH_INTERVAL_SECONDS)
        finally:
            if not is_shown and current.has_ended():
                current.finish()
            elif not is_shown:
                current.stop()
        click.echo("a file has changed", err=True)


def _snapshot(folder: Path, rules: Rules) -> Snapshot:
    snapshot = {}
    for directory, folders, files in os.walk(folder):
        here = Path(directory).relative_to(folder)
        folders[:] = [name for name in folders if not rules.excludes((here / name).as_posix(), is_directory=True)]
        for name in files:
            if not rules.excludes((here / name).as_posix()):
                try:
                    status = Path(directory, name).stat()
                except OSError:
                    # The file is gone: editors write temporary files and rename them.
                    continue
                snapshot[str(here / name)] = (status.st_mtime_ns, status.st_size)
    return snapshot
