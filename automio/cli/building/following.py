"""Follows a run at the terminal: its log, progress and result, until it ends or Ctrl+C."""

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import click

from automio._development.following import RunEvent
from automio._development.management import Management
from automio._exceptions import AutomioError, StreamInterrupted
from automio.cli._failures import message_of
from automio.cli._output import print_json

INTERRUPTED = 130
_FINAL_STATES = ("completed", "failed", "stopped")
_SILENT_SECONDS = 3.0


def follow_run(platform: Management, started: Mapping[str, Any], *, as_json: bool, cancels: bool = True) -> int:
    """Shows a run until it ends and returns the exit status; Ctrl+C cancels it, or with `cancels` false leaves it."""
    run_id = started["run_id"]
    click.echo(f"run {run_id} started", err=True)
    view = _View(log_to_stderr=as_json)
    waiting = threading.Timer(_SILENT_SECONDS, _tell_reason, (platform, run_id, view))
    waiting.daemon = True
    waiting.start()
    try:
        for event in platform.follow(started["task_id"]):
            view.show(event)
    except KeyboardInterrupt:
        return _interrupted(platform, run_id, cancels=cancels)
    finally:
        waiting.cancel()
    return _print_end(platform.run(str(run_id)), as_json=as_json)


def last_line_of_error(run: Mapping[str, Any]) -> str:
    """Returns what ended a run in one line: of a traceback, which the log has, the last one."""
    lines = str(run.get("error") or run.get("cause") or "no reason was given").strip().splitlines()
    return lines[-1]


class _View:
    """Prints the events of a run: lines where they belong, progress once per change."""

    def __init__(self, *, log_to_stderr: bool) -> None:
        self._log_to_stderr = log_to_stderr
        self._progress: object = None
        self.has_started = False

    def show(self, event: RunEvent) -> None:
        if event.kind == "line":
            self.has_started = True
            click.echo(event.text, err=self._log_to_stderr)
        elif event.kind == "progress" and event.data is not None:
            self.has_started = self.has_started or bool(event.data.get("has_started"))
            percent, info = event.data.get("progress"), event.data.get("info")
            if percent is not None and (percent, info) != self._progress:
                self._progress = (percent, info)
                click.echo(f"{percent:3d} % {info or ''}".rstrip(), err=True)
        elif event.kind == "end":
            self.has_started = True


def _tell_reason(platform: Management, run_id: int, view: _View) -> None:
    """Says why a run has not begun, so that nobody looks at an empty terminal."""
    if view.has_started:
        return
    with suppress(AutomioError):
        reason = platform.run(str(run_id)).get("waiting_reason")
        if reason and not view.has_started:
            click.echo(f"waiting: {reason}", err=True)


def _interrupted(platform: Management, run_id: int, *, cancels: bool) -> int:
    if not cancels:
        click.echo(f"\nrun {run_id} continues; cancel it: automio runs cancel {run_id}", err=True)
        return INTERRUPTED
    try:
        platform.cancel_run(str(run_id))
    except AutomioError as error:
        click.echo(f"\nrun {run_id} could not be cancelled: {message_of(error)}", err=True)
        return INTERRUPTED
    click.echo(f"\ncancelled run {run_id} (`automio action run --no-follow` starts one and leaves it)", err=True)
    return INTERRUPTED


def _print_end(run: Mapping[str, Any], *, as_json: bool) -> int:
    if run["status"] not in _FINAL_STATES:
        raise StreamInterrupted(
            f"Run {run['id']} has not ended ({run['status']}), but its stream has.",
            hint=f"Follow it: automio runs logs --follow {run['id']}",
        )
    is_completed = run["status"] == "completed"
    if as_json:
        print_json(dict(run))
    elif is_completed:
        click.echo(f"result: {json.dumps(run.get('result'), ensure_ascii=False)}")
    else:
        click.echo(f"run {run['id']} {run['status']}: {last_line_of_error(run)}", err=True)
    return 0 if is_completed else 1
