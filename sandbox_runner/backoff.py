"""Waiting between attempts while the control plane is away."""

import random


class Backoff:
    """Growing, jittered waits: 0.1 s doubling to `most`, until `reset`."""

    def __init__(self, *, first: float = 0.1, most: float = 5.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def seconds(self) -> float:
        """How long to wait now."""
        wait = self._next * random.uniform(0.5, 1.0)
        self._next = min(self._most, self._next * 2)
        return wait

    def reset(self) -> None:
        """An attempt worked."""
        self._next = self._first
