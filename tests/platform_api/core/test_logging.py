"""Log lines: ours and the libraries' in one format, with the request's id, without values of variables."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import logging, structlog
from platform_api.core.logs.configuration import configure_logging
from platform_api.core.settings import LogFormat
configure_logging(log_format=LogFormat({format!r}))
with structlog.contextvars.bound_contextvars(request_id="req_1"):
    structlog.stdlib.get_logger("ours").info("run.claimed", run_id=7)
    logging.getLogger("uvicorn.error").warning("library %s", "line")
    logging.getLogger("ours").debug("not shown")
    password = "hunter2"
    try:
        1 / 0
    except ZeroDivisionError as error:
        structlog.stdlib.get_logger("ours").error("failed", exc_info=error)
"""


def _lines(log_format: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(format=log_format)], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr


@pytest.mark.slow
def test_json_lines_carry_event_fields_and_request_id() -> None:
    ours, library, failed = [json.loads(line) for line in _lines("json").splitlines()]
    assert (ours["event"], ours["run_id"], ours["request_id"], ours["level"]) == ("run.claimed", 7, "req_1", "info")
    assert (library["event"], library["request_id"]) == ("library line", "req_1")
    assert "ZeroDivisionError" in failed["exception"]


@pytest.mark.slow
def test_console_lines_show_a_traceback_without_the_values_of_variables() -> None:
    shown = _lines("console")
    assert "ZeroDivisionError" in shown and "run.claimed" in shown
    # The source line of the traceback may be shown, a variable's value from the frame may not.
    assert "hunter2" not in shown


@pytest.mark.parametrize(("no_color", "has_colors"), [("", True), ("1", False)])
def test_colors_at_a_terminal_are_left_out_where_they_are_not_liked(no_color: str, has_colors: bool) -> None:
    program = """
import sys
import structlog
from platform_api.core.logs.configuration import configure_logging
sys.stderr.isatty = lambda: True
configure_logging()
structlog.stdlib.get_logger().warning("run.claimed")
"""
    environment = {**os.environ, "NO_COLOR": no_color}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    assert "run.claimed" in done.stderr
    assert ("\x1b[" in done.stderr) == has_colors
