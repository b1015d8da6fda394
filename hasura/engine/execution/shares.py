"""Shares a number of places out among tenants: those who wait take turns, and none takes all that others may need.

A tenant may take one more as long as more places are left than it holds: alone it gets half of them, the next half of
what is left, and so on, so that whoever comes after a few who hold what they got for long still finds one.
"""

from collections import deque
from typing import Generic, Protocol, TypeVar


class Waiter(Protocol):
    """Describes what waits for a place."""

    def done(self) -> bool:
        """Returns whether it no longer waits."""
        ...


W = TypeVar("W", bound=Waiter)


class Shares(Generic[W]):
    """Counts who holds how many of `places`, and knows who waits. The tenant None has no limit but takes its turn."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._held: dict[str | None, int] = {}
        self._in_use = 0
        self._waiting: dict[str | None, deque[W]] = {}
        # Those with waiters, in the order of their turns.
        self._turns: deque[str | None] = deque()

    @property
    def has_waiters(self) -> bool:
        """Returns whether anybody waits."""
        return bool(self._turns)

    def may_take(self, tenant: str | None) -> bool:
        """Returns whether the tenant's share allows one place more. One who holds none may always take one."""
        held = self._held.get(tenant, 0)
        return not held or tenant is None or self._places - self._in_use > held

    def take(self, tenant: str | None) -> None:
        self._held[tenant] = self._held.get(tenant, 0) + 1
        self._in_use += 1

    def give_back(self, tenant: str | None) -> None:
        left = self._held[tenant] - 1
        if left:
            self._held[tenant] = left
        else:
            del self._held[tenant]
        self._in_use -= 1

    def wait(self, tenant: str | None, waiter: W) -> None:
        """Adds one who waits, behind the others of its tenant."""
        queue = self._waiting.get(tenant)
        if queue is None:
            queue = self._waiting[tenant] = deque()
            self._turns.append(tenant)
        queue.append(waiter)

    def leave(self, tenant: str | None, waiter: W) -> None:
        """Removes one who no longer waits."""
        queue = self._waiting.get(tenant)
        if queue is not None and waiter in queue:
            queue.remove(waiter)
            if not queue:
                self._forget(tenant)

    def next_waiter(self) -> tuple[str | None, W] | None:
        """Takes a place for the one whose turn it is, and returns it; None where nobody waits who may take one."""
        for _ in range(len(self._turns)):
            tenant = self._turns.popleft()
            queue = self._waiting[tenant]
            while queue and queue[0].done():
                queue.popleft()
            if not queue:
                del self._waiting[tenant]
                continue
            self._turns.append(tenant)
            if not self.may_take(tenant):
                continue
            waiter = queue.popleft()
            if not queue:
                self._forget(tenant)
            self.take(tenant)
            return tenant, waiter
        return None

    def _forget(self, tenant: str | None) -> None:
        del self._waiting[tenant]
        self._turns.remove(tenant)
