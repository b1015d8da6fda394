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
    run_id, view = started["run_id"], _View(log_to_stderr=as_json)
    try:
        click.echo(f"run {run_id} started", err=True)
        _show_events(platform, started, view)
        return _print_end(platform.run(str(run_id)), as_json=as_json)
    except KeyboardInterrupt:
        return _interrupted(platform, run_id, view, cancels=cancels)
    except AutomioError:
        if not view.has_ended:
            click.echo(f"run {run_id} may go on; follow it: automio runs logs --follow {run_id}", err=True)
        raise


def last_line_of_error(run: Mapping[str, Any]) -> str:
    """Returns what ended a run in one line: of a traceback, which the log has, the last one."""
    lines = str(run.get("error") or run.get("cause") or "no reason was given").strip().splitlines()
    return lines[-1]


def _show_events(platform: Management, started: Mapping[str, Any], view: "_View") -> None:
    waiting = threading.Timer(_SILENT_SECONDS, _tell_reason, (platform, started["run_id"], view))
    waiting.daemon = True
    waiting.start()
    try:
        for event in platform.follow(started["task_id"]):
            view.show(event)
    finally:
        waiting.cancel()


class _View:
    """Prints the events of a run: lines where they belong, progress once per change."""

    def __init__(self, *, log_to_stderr: bool) -> None:
        self._log_to_stderr = log_to_stderr
        self._progress: object = None
        self.has_started = False
        self.has_ended = False

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
            self.has_started = self.has_ended = True


def _tell_reason(platform: Management, run_id: int, view: _View) -> None:
    """Says why a run has not begun, so that nobody looks at an empty terminal."""
    if view.has_started:
        return
    # This runs in a thread of its own, perhaps while the command ends: no failure of it is worth a word.
    with suppress(Exception):
        reason = platform.run(str(run_id)).get("waiting_reason")
        if reason and not view.has_started:
            click.echo(f"waiting: {reason}", err=True)


def _interrupted(platform: Management, run_id: int, view: _View, *, cancels: bool) -> int:
    if view.has_ended:
        told = f"run {run_id} has ended; its log: automio runs logs {run_id}"
    elif not cancels:
        told = f"run {run_id} continues; cancel it: automio runs cancel {run_id}"
    else:
        try:
            told = _cancel(platform, run_id)
        except KeyboardInterrupt:
            told = f"run {run_id} may go on; cancel it: automio runs cancel {run_id}"
    click.echo(f"\n{told}", err=True)
    return INTERRUPTED


def _cancel(platform: Management, run_id: int) -> str:
    try:
        platform.cancel_run(str(run_id))
    except AutomioError as error:
        return f"run {run_id} could not be cancelled: {message_of(error)}"
    return f"cancelled run {run_id} (`automio action run --no-follow` starts one and leaves it)"


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
