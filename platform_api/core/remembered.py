"""Remembers results of look-ups for a moment, so that a repeated request asks the database for less.

PostgreSQL notifies every process of what ends or changes (by triggers), which then forgets it; should a notification
be missed, nothing is remembered for longer than `SECONDS_REMEMBERED`.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

SECONDS_REMEMBERED = 1.0
_MAX_REMEMBERED = 10_000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class AfterChanges:
    """Calls what must forget after each of this process's own requests that may have changed something."""

    def __init__(self) -> None:
        self._actions: list[Callable[[], None]] = []

    def add(self, forget: Callable[[], None]) -> None:
        """Calls `forget` after every change."""
        self._actions.append(forget)

    def run(self) -> None:
        """Calls everything that was added."""
        for forget in self._actions:
            forget()


@dataclass(frozen=True, slots=True)
class Begun:
    """Holds when a look-up began, and after how many changes."""

    at: float
    times_forgotten: int


class Remembered(Generic[K, V]):
    """Maps keys to recent values; each has a tag (such as a token's digest) by which it can be forgotten."""

    def __init__(self) -> None:
        self._values: dict[K, tuple[V, float, str]] = {}
        self._times_forgotten = 0

    @property
    def times_forgotten(self) -> int:
        """Returns how many changes there were: a value read before the last of them may be out of date."""
        return self._times_forgotten

    def get(self, key: K) -> V | None:
        """Returns the value if it was read a moment ago and nothing has changed since."""
        entry = self._values.get(key)
        return entry[0] if entry is not None and entry[1] > time.monotonic() else None

    def begin(self) -> Begun:
        """Starts a look-up: call it before reading, and hand the result to `keep`."""
        return Begun(time.monotonic(), self._times_forgotten)

    def keep(self, key: K, value: V, begun: Begun, *, tag: str = "") -> None:
        """Remembers the result of a look-up, unless something changed during it."""
        if begun.times_forgotten != self._times_forgotten:
            return
        if len(self._values) >= _MAX_REMEMBERED:
            self._values.clear()
        self._values[key] = (value, begun.at + SECONDS_REMEMBERED, tag)

    def forget(self, tag: str | None = None) -> None:
        """Forgets the values with the tag, or all of them. Look-ups under way are not kept either."""
        self._times_forgotten += 1
        if not tag:
            self._values.clear()
            return
        for key in [key for key, (_, _, value_tag) in self._values.items() if value_tag == tag]:
            del self._values[key]
