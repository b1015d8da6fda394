"""Keeps previews, which take a processor each, from getting in the way of anything else."""

from collections.abc import Callable

from anyio import CapacityLimiter, to_thread

from platform_api.core.errors import TooManyRequests
from platform_api.core.types import OrganizationId
from platform_api.csv.preview.schemas import CsvPreview

MAX_AT_ONCE = 2


class Previews:
    """Previews that this process makes at the moment: one of an organization's at a time, and few in all."""

    def __init__(self) -> None:
        self._organizations: set[OrganizationId] = set()
        self._places = CapacityLimiter(MAX_AT_ONCE)

    async def make(self, organization_id: OrganizationId, work: Callable[[], CsvPreview]) -> CsvPreview:
        """Works in a thread. Raises TooManyRequests while another preview of the organization is made."""
        if organization_id in self._organizations:
            raise TooManyRequests("your organization has a preview being made; wait for its end", retry_after=2)
        self._organizations.add(organization_id)
        try:
            return await to_thread.run_sync(work, limiter=self._places)
        finally:
            self._organizations.discard(organization_id)
