"""Bounds a cache without bookkeeping per hit: two generations of entries.

When the young generation is full it becomes the old one, and what was old is dropped; an old entry that is used
again moves to the young ones. So between `capacity` and twice as many entries live, the ones in use among them.
"""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class GenerationalCache(Generic[K, V]):
    """Maps like a dict that forgets. `on_drop` is called for each forgotten value."""

    def __init__(self, capacity: int, *, on_drop: Callable[[V], None] | None = None) -> None:
        self._capacity = capacity
        self._on_drop = on_drop
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        value = self._young.get(key)
        if value is not None:
            return value
        value = self._old.pop(key, None)
        if value is not None:
            self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        if len(self._young) >= self._capacity:
            dropped, self._old, self._young = self._old, self._young, {}
            if self._on_drop is not None:
                for item in dropped.values():
                    self._on_drop(item)
        self._young[key] = value

    def discard(self, key: K) -> None:
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        self._young.clear()
        self._old.clear()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
