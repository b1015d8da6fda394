"""Sets the resource limits of a run for this process and all processes that it starts."""

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
    """Sets soft and hard limits, which user code cannot raise; `count_processes` if processes are counted per jail.

    RLIMIT_DATA limits writable private memory, so that the mapped code of libraries does not count. The address space
    has a higher limit, against shared anonymous memory, which RLIMIT_DATA does not include.
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
    """Raises the limit by the reserve after a MemoryError, so that the error can be reported."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def _set(which: int, soft: int, hard: int | None = None) -> None:
    _, present = resource.getrlimit(which)
    ceiling = soft if hard is None else hard
    if present != resource.RLIM_INFINITY:
        # Only root may raise a hard limit, so a lower limit of the machine stays.
        soft, ceiling = min(soft, present), min(ceiling, present)
    resource.setrlimit(which, (soft, ceiling))
