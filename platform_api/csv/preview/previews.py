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
        self._organizations: set[OrganizationId] = set()
        self._limiter = CapacityLimiter(MAX_CONCURRENT_PREVIEWS)

    async def make(self, organization_id: OrganizationId, work: Callable[[], T]) -> T:
        """Runs `work` in a thread. Raises TooManyRequests while another preview of the organization is running."""
        if organization_id in self._organizations:
            raise TooManyRequests(
                "your organization already has a preview running; wait for it to end", retry_after=2
            )
        self._organizations.add(organization_id)
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._organizations.discard(organization_id)
