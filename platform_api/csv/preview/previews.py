"""Limits concurrent previews, each of which keeps a processor busy."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from platform_api.core.errors import TooManyRequests
from platform_api.core.types import OrganizationId

T = TypeVar("T")

MAX_CONCURRENT_PREVIEWS = 2


class Previews:
    """Runs previews in this process: one per organization at a time, and few in all."""

    def __init__(self) -> None:
        self._running: set[tuple[OrganizationId, str]] = set()
        self._limiter = CapacityLimiter(MAX_CONCURRENT_PREVIEWS)

    async def make(self, organization_id: OrganizationId, work: Callable[[], T], *, kind: str = "preview") -> T:
        """Runs `work` in a thread. Raises TooManyRequests while the organization has another of its kind running.

        So the look at a file that is about to be imported is not refused because of a preview of it.
        """
        turn = (organization_id, kind)
        if turn in self._running:
            raise TooManyRequests(
                f"your organization already has a {kind} running; wait for it to end", retry_after=2
            )
        self._running.add(turn)
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._running.discard(turn)
