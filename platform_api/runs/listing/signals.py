"""Wakes streams of lists when a run of their organization changes, and counts them."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from platform_api.accounts.actor import Actor
from platform_api.core.errors import TooManyRequests
from platform_api.core.listener import Listener
from platform_api.core.types import OrganizationId, UserId
from platform_api.core.watchers import Watchers
from platform_api.runs.signals import LIST_CHANNEL

MAX_STREAMS_OF_USER = 20
MAX_STREAMS_OF_ORGANIZATION = 100


class RunListSignals(Watchers):
    """Wakes what watches, in this process, the list of an organization's runs."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener, LIST_CHANNEL)
        self._streams: Counter[tuple[OrganizationId, UserId]] = Counter()

    def require_place(self, actor: Actor) -> None:
        """Raises TooManyRequests when the user, or their organization, has as many streams open as it may have."""
        if self._streams[actor.organization_id, actor.user_id] >= MAX_STREAMS_OF_USER:
            raise _too_many(f"you have {MAX_STREAMS_OF_USER}")
        if self.count(actor.organization_id) >= MAX_STREAMS_OF_ORGANIZATION:
            raise _too_many(f"your organization has {MAX_STREAMS_OF_ORGANIZATION}")

    @contextmanager
    def streaming(self, actor: Actor) -> Iterator[asyncio.Event]:
        """Yields an event that is set whenever a run of the actor's organization may have changed."""
        reader = (actor.organization_id, actor.user_id)
        self._streams[reader] += 1
        try:
            with self.watching(actor.organization_id) as changed:
                yield changed
        finally:
            self._streams[reader] -= 1
            if not self._streams[reader]:
                del self._streams[reader]


def _too_many(who: str) -> TooManyRequests:
    return TooManyRequests(f"{who} streams of runs open; close some", retry_after=30)
