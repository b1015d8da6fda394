"""Counts the CPU time that each tenant's requests take of the event loop.

Only stretches that others notice are counted: those longer than `NOTICEABLE_SECONDS` between two points at which the
loop may turn to somebody else, and those in which something was compiled. A repeated query takes a fifth of that, so
that no rate of them uses a budget up.
"""

import time
import types
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

NOTICEABLE_SECONDS = 0.0005
BURST_SECONDS = 0.25
"""A tenant's time of the loop after a pause: a first query after a change of the schema, an introspection."""
SHARE = 0.02
"""Of each second, what comes back to it."""
_MAX_TENANTS = 10_000

T = TypeVar("T")


class LoopBudget:
    """Holds how much of the loop's time each tenant has left, in this process.

    `compilations` counts what was compiled so far, by whomever.
    """

    def __init__(self, compilations: Callable[[], int] = lambda: 0) -> None:
        self._compilations = compilations
        # Until when the tenant's debt is paid back, on the monotonic clock; whoever is not in it owes nothing.
        self._paid_back_at: dict[str, float] = {}

    def is_used_up(self, tenant: str) -> bool:
        """Returns whether the tenant has had its time."""
        paid_back_at = self._paid_back_at.get(tenant)
        return paid_back_at is not None and paid_back_at - time.monotonic() > BURST_SECONDS / SHARE

    def seconds_until_left(self, tenant: str) -> float:
        """Returns after how many seconds the tenant has time again; 0 when it has some."""
        paid_back_at = self._paid_back_at.get(tenant, 0.0)
        return max(0.0, paid_back_at - time.monotonic() - BURST_SECONDS / SHARE)

    def charge(self, tenant: str, seconds: float, *, compiled: bool = False) -> None:
        """Counts a stretch of CPU time, if it is one that others notice."""
        if seconds < NOTICEABLE_SECONDS and not compiled:
            return
        now = time.monotonic()
        if len(self._paid_back_at) >= _MAX_TENANTS:
            self._paid_back_at = {one: at for one, at in self._paid_back_at.items() if at > now}
        self._paid_back_at[tenant] = max(now, self._paid_back_at.get(tenant, now)) + seconds / SHARE

    @contextmanager
    def charged(self, tenant: str) -> Generator[None]:
        """Counts what the block takes, which does not wait for anything."""
        before, begun = self._compilations(), time.thread_time()
        try:
            yield
        finally:
            self.charge(tenant, time.thread_time() - begun, compiled=self._compilations() != before)

    @types.coroutine
    def run(self, tenant: str, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Returns what `work` does, and counts each stretch between two of its waits."""
        value: Any = None
        thrown: BaseException | None = None
        while True:
            before, begun = self._compilations(), time.thread_time()
            try:
                waited_for = work.send(value) if thrown is None else work.throw(thrown)
            except StopIteration as done:
                result: T = done.value
                return result
            finally:
                self.charge(tenant, time.thread_time() - begun, compiled=self._compilations() != before)
            value, thrown = None, None
            try:
                value = yield waited_for
            except BaseException as error:  # thrown into the work, which decides
                thrown = error
