"""Turns the errors that a person can do something about into messages without a traceback."""

import os
import traceback

import click

from automio._exceptions import ApiError, AutomioError, ConnectionFailed

DEBUG_VARIABLE = "AUTOMIO_DEBUG"
_BUILDING_SCOPES = "automio init --app … --scope build --scope data --scope run"


def as_click_error(error: AutomioError | OSError) -> click.ClickException:
    """Returns the command's error for one of the client or the operating system."""
    if isinstance(error, AutomioError):
        return click.ClickException(message_of(error))
    reason = error.strerror or str(error)
    return click.ClickException(f"{error.filename}: {reason}" if error.filename else reason)


def message_of(error: AutomioError) -> str:
    """Returns what a person reads of an error: what was wrong and what to do, without the request behind it."""
    if isinstance(error, ConnectionFailed):
        return f"{error.message} Start the platform (`automio up`), or correct API_BASE_URL."
    if not isinstance(error, ApiError) or not error.detail or (error.status or 0) >= 500:
        return str(error)
    if error.code == "missing_scope":
        return f"{error.detail}. Get a token that may: {_BUILDING_SCOPES}"
    hint = error.hint if error.status == 401 else None
    return f"{error.detail}. {hint}" if hint else error.detail


def show_cause(error: BaseException) -> None:
    """Writes the traceback of an error where AUTOMIO_DEBUG is set, for whoever looks into it."""
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
