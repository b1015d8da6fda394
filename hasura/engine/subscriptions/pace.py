"""Paces what the subscriptions of one tenant take: looks at the database, and bytes to deliver.

A tenant with thousands of different subscriptions on a table that changes all the time would take all of the event
loop; its answers then come later instead. `UNITS_PER_SECOND` is far above what people can look at.
"""

import asyncio
import time

UNITS_PER_SECOND = 500.0
"""One for each look, and one for each `_BYTES_OF_UNIT` delivered."""
_BURST_UNITS = 500.0
_BYTES_OF_UNIT = 16 * 1024
_MAX_DEBT_SECONDS = 10.0
"""What is taken beyond that is given away: one large answer does not make a screen stand still for minutes."""
_MAX_TENANTS = 10_000


class Pace:
    """Counts units by tenant; the tenant None is not paced."""

    def __init__(self) -> None:
        # When the units taken so far are paid for.
        self._paid_at: dict[str, float] = {}

    async def turn(self, tenant: str | None) -> None:
        """Waits until the tenant may look again, and counts the look."""
        if (wait := self.looked(tenant)) > 0:
            await asyncio.sleep(wait)

    def looked(self, tenant: str | None) -> float:
        """Counts a look. Returns how many seconds too early it is; none below zero."""
        if tenant is None:
            return 0.0
        self._charge(tenant, 1.0)
        return self.wait_of(tenant)

    def wait_of(self, tenant: str | None) -> float:
        """Returns for how many seconds the tenant may not look, because of what it has taken."""
        if tenant is None or (paid_at := self._paid_at.get(tenant)) is None:
            return 0.0
        return max(0.0, paid_at - _BURST_UNITS / UNITS_PER_SECOND - time.monotonic())

    def delivered(self, tenant: str | None, size: int) -> None:
        """Counts bytes that are delivered."""
        if tenant is not None:
            self._charge(tenant, size / _BYTES_OF_UNIT)

    def _charge(self, tenant: str, units: float) -> None:
        now = time.monotonic()
        if len(self._paid_at) >= _MAX_TENANTS:
            self._paid_at = {one: at for one, at in self._paid_at.items() if at > now}
        paid_at = max(now, self._paid_at.get(tenant, now)) + units / UNITS_PER_SECOND
        self._paid_at[tenant] = min(paid_at, now + _MAX_DEBT_SECONDS)
