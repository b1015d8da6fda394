"""Waits between attempts while the control plane is unreachable."""

import random


class Backoff:
    """Computes growing waits with jitter: they double from `first_wait` to `max_wait` seconds, until `reset`."""

    def __init__(self, *, first_wait: float = 0.1, max_wait: float = 5.0) -> None:
        self._first_wait = first_wait
        self._max_wait = max_wait
        self._next_wait = first_wait

    def seconds(self) -> float:
        """Returns the seconds to wait before the next attempt."""
        wait = self._next_wait * random.uniform(0.5, 1.0)
        self._next_wait = min(self._max_wait, self._next_wait * 2)
        return wait

    def reset(self) -> None:
        """Starts again with the first wait, after an attempt that worked."""
        self._next_wait = self._first_wait
