"""Replaces the sealed process by a program that talks to the runner over the control channel."""

import os
from typing import Any, NoReturn

from .channel import ControlChannel
from .limits import apply_limits

_NICENESS = 10
_FIRST_INHERITED = 3
_MAX_DESCRIPTORS = 4096


def become(control: ControlChannel, order: dict[str, Any], *, count_processes: bool) -> NoReturn:
    """Executes the program of `order`; its standard input and output are the control channel from now on."""
    apply_limits(order["limits"], count_processes=count_processes)
    # People wait for runs; the program only helps them to write.
    os.nice(_NICENESS)
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor, standard in ((control.fileno(), 0), (control.fileno(), 1), (null, 2)):
        os.dup2(descriptor, standard)
    os.closerange(_FIRST_INHERITED, _MAX_DESCRIPTORS)
    os.execve(order["program"][0], order["program"], order["environment"])
