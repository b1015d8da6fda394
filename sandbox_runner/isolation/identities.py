"""Unprivileged users for jails of a runner that is root: one per jail, so that limits and signals stay apart."""

import os
from pathlib import Path

_PREFERRED_BASE = 1_880_000_000
"""Above every range that distributions, containers and user namespaces are given, below 2^31."""
_PER_RUNNER = 1024


class UserIds:
    """A pool of user ids for one runner's jails; an id is used by one jail at a time."""

    def __init__(self, first: int, count: int = _PER_RUNNER) -> None:
        self._free = list(range(first, first + count))

    def take(self) -> int:
        """An id nobody uses; IndexError when more than 1024 jails live at once."""
        return self._free.pop(0)

    def give_back(self, user_id: int) -> None:
        """The jail's processes are gone: the id may be used again, last of all."""
        self._free.append(user_id)


def user_ids_of_this_runner() -> UserIds | None:
    """Ids for jails when we are root and may use them; None for an ordinary user, who cannot change users."""
    if os.geteuid() != 0:
        return None
    _, highest = _widest_mapping(Path("/proc/self/uid_map").read_text())
    first = _PREFERRED_BASE + os.getpid() % 200_000 * _PER_RUNNER
    if first + _PER_RUNNER <= highest:
        return UserIds(first)
    # Inside a container with its own user namespace: the upper end of what it was given.
    count = min(_PER_RUNNER, (highest + 1) // 4)
    return UserIds(highest + 1 - count, count) if count >= 16 else None


def _widest_mapping(uid_map: str) -> tuple[int, int]:
    ranges = [
        (int(first), int(first) + int(count) - 1)
        for first, _, count in (line.split() for line in uid_map.splitlines())
    ]
    return max(ranges, key=lambda bounds: bounds[1] - bounds[0])
