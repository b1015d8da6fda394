"""Resource limits of one run, applied to this process and inherited by all it starts."""

import math
import resource
import threading
import time
from typing import Any

_MEGABYTE = 1024 * 1024
_REPORTING_RESERVE = 32 * _MEGABYTE
_ADDRESS_SPACE_HEADROOM = 2048 * _MEGABYTE
_THREAD_STACK = 2 * _MEGABYTE
_OPEN_FILES = 512


def apply_limits(limits: dict[str, Any], *, count_processes: bool) -> None:
    """Sets the limits for good (soft and hard); `count_processes` where processes are counted per jail.

    Memory is limited as writable private memory (RLIMIT_DATA): a library's mapped code does not count. The address
    space gets a wider limit against what RLIMIT_DATA leaves out, shared anonymous memory.
    """
    memory = int(limits["memory_mb"]) * _MEGABYTE
    cpu = math.ceil(time.process_time() + float(limits["cpu_seconds"]))
    file_size = int(limits["file_size_mb"]) * _MEGABYTE
    _set(resource.RLIMIT_DATA, memory, memory + _REPORTING_RESERVE)
    _set(resource.RLIMIT_AS, memory + _ADDRESS_SPACE_HEADROOM)
    _set(resource.RLIMIT_CPU, cpu, cpu + 1)
    _set(resource.RLIMIT_FSIZE, file_size)
    _set(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_MEMLOCK, 0)
    _set(resource.RLIMIT_MSGQUEUE, 0)
    if count_processes:
        _set(resource.RLIMIT_NPROC, int(limits["processes"]))
    threading.stack_size(_THREAD_STACK)


def allow_reporting_memory() -> None:
    """After a MemoryError: takes the reserve, so that the error itself can be reported."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _set(which: int, soft: int, hard: int | None = None) -> None:
    _, present = resource.getrlimit(which)
    ceiling = soft if hard is None else hard
    if present != resource.RLIM_INFINITY:
        # The machine allows even less: only root may raise a hard limit.
        soft, ceiling = min(soft, present), min(ceiling, present)
    resource.setrlimit(which, (soft, ceiling))
