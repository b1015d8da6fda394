"""Decides when to look again: after a change where changes are notified, at an interval elsewhere."""

import asyncio
import contextlib

from hasura.engine.logging import log
from hasura.engine.plan import Plan
from hasura.engine.sql.database_errors import CONNECTION_LOST
from hasura.engine.subscriptions.changes import ChangeFeed, Watch

# Changes that come within this time of each other are one look at the database.
_GATHER_SECONDS = 0.003
_RETRY_SECONDS = 0.5


class Observation:
    """Observes the tables that a plan reads. `wait` between two looks (`poke` ends it), `stop` at the end."""

    def __init__(self, feed: ChangeFeed, plan: Plan, *, interval_seconds: float) -> None:
        self._feed = feed
        # Functions and views read tables that the plan does not name: their changes are not notified.
        self._tables = () if plan.calls_functions else tuple(plan.tables)
        self._interval = interval_seconds
        self._wake = asyncio.Event()
        self._watch: Watch | None = None
        self._has_tried = False
        self.changed = True

    @property
    def is_current(self) -> bool:
        """Returns whether the last look is known to be still right."""
        return not self.changed and self._watch is not None and self._watch.holds

    def poke(self) -> None:
        self._wake.set()

    def _table_changed(self) -> None:
        self.changed = True
        self._wake.set()

    async def begin_look(self) -> bool:
        """Begins to take in changes, before reading; returns whether anything changed since the last look."""
        if self._watch is not None and not self._watch.holds:
            # The listening connection was lost, and with it the notifications of that time.
            self._watch, self._has_tried = None, False
        if not self._has_tried and self._tables:
            # Without the listening connection the tables are read at an interval, and the watch is tried again.
            with contextlib.suppress(*CONNECTION_LOST):
                self._watch = await self._feed.watch(self._tables, self._table_changed)
                self._has_tried = True
        self._wake.clear()
        changed, self.changed = self.changed, False
        return changed

    async def wait(self) -> None:
        """Waits until there is reason to look again."""
        try:
            async with asyncio.timeout(await self._seconds_to_wait()):
                await self._wake.wait()
            await asyncio.sleep(_GATHER_SECONDS)
        except TimeoutError:
            self.changed = True

    async def _seconds_to_wait(self) -> float | None:
        if self._tables and not self._has_tried:
            return _RETRY_SECONDS
        if self._watch is not None:
            with contextlib.suppress(*CONNECTION_LOST):
                if await self._watch.is_settled():
                    return None
        return self._interval

    async def recover(self, error: BaseException) -> None:
        """Pauses after a look that met a lost connection; then the next look is due at once."""
        log.warning("a subscription could not look at the database and looks again: %s", error)
        self._table_changed()
        await asyncio.sleep(_RETRY_SECONDS)

    async def stop(self) -> None:
        if self._watch is not None:
            await self._watch.stop()
