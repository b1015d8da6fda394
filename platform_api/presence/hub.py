"""Knows the presences whose connections this process holds, and wakes those who see them."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID, uuid4

from platform_api.accounts.actor import Actor
from platform_api.core.listener import Listener
from platform_api.core.watchers import Watchers
from platform_api.presence.models import Cell, Place, Visit
from platform_api.presence.service import CHANNEL


class PresenceHub(Watchers):
    """Holds this process's visits; wakes who watches a place, by its key."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener, CHANNEL)
        self._visits: dict[UUID, Visit] = {}
        self.account = asyncio.Lock()
        """Is held while visits are recorded or forgotten: one that has ended must not be recorded again."""

    @property
    def visits(self) -> Sequence[Visit]:
        """Returns the visits that last."""
        return list(self._visits.values())

    def edit(self, visit_id: UUID, cell: Cell | None) -> Visit:
        """Notes which cell is edited in a visit that lasts; returns the visit as it is now."""
        self._visits[visit_id] = replace(self._visits[visit_id], edited=cell)
        return self._visits[visit_id]

    @contextmanager
    def visiting(self, actor: Actor, place: Place) -> Iterator[Visit]:
        """Keeps a visit for as long as the block runs."""
        visit = Visit(uuid4(), place, actor.user_id)
        self._visits[visit.id] = visit
        try:
            yield visit
        finally:
            del self._visits[visit.id]
