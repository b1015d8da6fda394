"""Starts a jail's process: seals it, prepares it, waits for its only run and executes it."""

import importlib
import os
import site
import socket
import sys
import time
from typing import Any, NoReturn

from .broker_socket import connect_through_dispenser
from .channel import ControlChannel
from .execution import execute
from .limits import apply_limits
from .output import redirect_output
from .program import become
from .seal import breaches, seal

_BROKER_BACKLOG = 128


def main() -> NoReturn:
    """Seals the process, waits for the run and executes it.

    The arguments are the descriptors of the control channel, the output socket and, without a network, the dispenser.
    """
    control_fd, output_fd, *dispenser = (int(argument) for argument in sys.argv[1:])
    control = ControlChannel(control_fd)
    configuration = control.receive()
    seal(configuration["seal"])
    violations = breaches(configuration["level"])
    listener = _open_broker(configuration["broker_port"], dispenser)
    sys.path[:0] = [configuration["paths"]["bundle"], configuration["paths"]["site"]]
    preloaded = _preload(configuration["preload"])
    os.chdir(configuration["paths"]["work"])
    ready = {"kind": "ready", "breaches": violations, "preloaded": preloaded, "cpu_seconds": time.process_time()}
    control.send(ready, descriptor=listener.fileno() if listener else None)
    if listener:
        listener.close()
    _run(control, output_fd, configuration)


def _open_broker(port: int, dispenser: list[int]) -> socket.socket | None:
    """Opens a listener for the runner to serve; without a network namespace the runner sends connections instead."""
    if dispenser:
        connect_through_dispenser(dispenser[0], ("127.0.0.1", port))
        return None
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", port))
    listener.listen(_BROKER_BACKLOG)
    return listener


def _preload(names: list[str]) -> list[str]:
    """Imports modules that most runs need, before a run is waiting; returns those that exist."""
    preloaded = []
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        preloaded.append(name)
    return preloaded


def _run(control: ControlChannel, output_fd: int, configuration: dict[str, Any]) -> NoReturn:
    try:
        run = control.receive()
    except EOFError:
        # The runner shut down or does not need this jail.
        os._exit(0)
    if "program" in run:
        become(control, run, count_processes=configuration["count_processes"])
    bundle = configuration["paths"]["bundle"]
    # The runner filled the directory after Python had listed it.
    importlib.invalidate_caches()
    os.environ.clear()
    os.environ.update(run["environment"])
    time.tzset()
    redirect_output(output_fd)
    site.setquit()
    site.sethelper()
    apply_limits(run["limits"], count_processes=configuration["count_processes"])
    end = execute(
        entry=run["entry"],
        event=run["event"],
        bundle=bundle,
        result_bytes=int(run["limits"]["result_kb"]) * 1024,
    )
    control.send(end.message())
    os._exit(0 if end.status == "completed" else 1)
