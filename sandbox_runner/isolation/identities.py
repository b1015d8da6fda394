"""Provides unprivileged users for the jails of a root runner: one per jail, to separate limits and signals."""

import os
from pathlib import Path

_PREFERRED_BASE = 1_880_000_000
"""Above the ranges that distributions, containers and user namespaces use, below 2^31."""
_PER_RUNNER = 1024


class UserIds:
    """Manages a pool of user ids for one runner's jails; an id is used by one jail at a time."""

    def __init__(self, first: int, count: int = _PER_RUNNER) -> None:
        self._free = list(range(first, first + count))

    def take(self) -> int:
        """Returns a free id; raises IndexError when more than 1024 jails exist at once."""
        return self._free.pop(0)

    def release(self, user_id: int) -> None:
        """Frees the id of a jail whose processes are gone; it is reused last."""
        self._free.append(user_id)


def user_ids_of_this_runner() -> UserIds | None:
    """Returns user ids for jails if the runner is root; None for an ordinary user, who cannot change users."""
    if os.geteuid() != 0:
        return None
    _, highest = _widest_mapping(Path("/proc/self/uid_map").read_text())
    first = _PREFERRED_BASE + os.getpid() % 200_000 * _PER_RUNNER
    if first + _PER_RUNNER <= highest:
        return UserIds(first)
    # In a container with its own user namespace, the highest ids of its range.
    count = min(_PER_RUNNER, (highest + 1) // 4)
    return UserIds(highest + 1 - count, count) if count >= 16 else None


def _widest_mapping(uid_map: str) -> tuple[int, int]:
    ranges = [
        (int(first), int(first) + int(count) - 1)
        for first, _, count in (line.split() for line in uid_map.splitlines())
    ]
    return max(ranges, key=lambda bounds: bounds[1] - bounds[0])
