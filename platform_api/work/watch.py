"""Judges whether an expired lease counts.

A lease that ran out may say that its process is gone. It may also say that nobody could renew anything: the database
hung, or this machine slept. So an expiry counts only for who has looked at the database, without a gap, for as long
as a lease lasts; and only up to its last look, so that a statement that hangs until all leases are over takes none.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Look:
    """Records a look: when it began and ended by this process's monotonic clock, and what the database's said."""

    began: float
    ended: float
    database_time: datetime


class Watch:
    """Keeps what one process has seen of the database."""

    def __init__(self, *, lease_seconds: float, tolerance_seconds: float) -> None:
        """Takes how much longer than planned a look, or a pause, may last without being a gap."""
        self._lease = lease_seconds
        self._tolerance = tolerance_seconds
        self._last: Look | None = None
        self._since = 0.0
        self.horizon: datetime | None = None
        """Leases that expired up to this time of the database count as lost; None: none does."""

    def looked(self, look: Look, *, pause: float) -> None:
        """Records a look that was planned `pause` seconds after the one before."""
        if self._last is None or self._is_gap(self._last, look, pause):
            self._since = look.ended
        self._last = look
        self.horizon = look.database_time if look.ended - self._since >= self._lease else None

    def interrupted(self) -> None:
        """Records a look that failed."""
        self._last = self.horizon = None

    def _is_gap(self, last: Look, look: Look, pause: float) -> bool:
        by_database = (look.database_time - last.database_time).total_seconds()
        return (
            # The database hung, or was busy.
            look.ended - look.began > self._tolerance
            # This process hung.
            or look.began - last.ended > pause + self._tolerance
            # The database's clock was set, or the machine slept: the two clocks do not agree.
            or abs(by_database - (look.ended - last.ended)) > self._tolerance
        )
