"""What a look-up found, remembered for a moment, so that a repeated request asks the database for less.

PostgreSQL notifies every process of what ends or changes (by triggers), which then forgets it; should a notification
be missed, nothing is remembered for longer than `SECONDS_REMEMBERED`.
"""

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

SECONDS_REMEMBERED = 1.0
_MOST_REMEMBERED = 10_000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class AfterChanges:
    """What this process does after each of its own requests that may have changed something: it forgets."""

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
    """A look-up that has begun: when, and after how many changes."""

    at: float
    times_forgotten: int


class Remembered(Generic[K, V]):
    """Values by key; each has a tag (such as a token's digest) by which it can be forgotten."""

    def __init__(self) -> None:
        self._values: dict[K, tuple[V, float, str]] = {}
        self._times_forgotten = 0

    @property
    def times_forgotten(self) -> int:
        """How many changes there were: what was found before the last of them may be no longer true."""
        return self._times_forgotten

    def get(self, key: K) -> V | None:
        """The value, when it was found a moment ago and nothing has changed since."""
        found = self._values.get(key)
        return found[0] if found is not None and found[1] > time.monotonic() else None

    def begin(self) -> Begun:
        """To be called before the look-up, for `keep`."""
        return Begun(time.monotonic(), self._times_forgotten)

    def keep(self, key: K, value: V, begun: Begun, *, tag: str = "") -> None:
        """Remembers what a look-up found, unless something changed while it went on."""
        if begun.times_forgotten != self._times_forgotten:
            return
        if len(self._values) >= _MOST_REMEMBERED:
            self._values.clear()
        self._values[key] = (value, begun.at + SECONDS_REMEMBERED, tag)

    def forget(self, tag: str | None = None) -> None:
        """Forgets what has the tag, or everything. Look-ups under way are not kept either."""
        self._times_forgotten += 1
        if not tag:
            self._values.clear()
            return
        for key in [key for key, found in self._values.items() if found[2] == tag]:
            del self._values[key]
