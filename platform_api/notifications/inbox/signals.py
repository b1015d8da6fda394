"""Signals between processes that a user was sent a notification, or that a job of theirs has come further.

A signal comes with the commit.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.listener import Listener
from platform_api.core.types import UserId
from platform_api.core.watchers import Watchers

_CHANNEL = "automio_notification"
_JOBS_CHANNEL = "automio_user_jobs"


async def announce(session: AsyncSession, user_id: UserId) -> None:
    """Wakes the user's streams, in every process, when `session` commits."""
    await session.execute(select(func.pg_notify(_CHANNEL, str(user_id))))


async def announce_jobs(session: AsyncSession, user_id: UserId) -> None:
    """Makes the user's streams say that their jobs have changed, when `session` commits."""
    await session.execute(select(func.pg_notify(_JOBS_CHANNEL, str(user_id))))


class News(asyncio.Event):
    """Wakes a stream whenever there may be a notification; `of_jobs` is set too when a job may have changed."""

    def __init__(self) -> None:
        super().__init__()
        self.of_jobs: asyncio.Event = _Part(self)


class _Part(asyncio.Event):
    """Sets the whole as well."""

    def __init__(self, whole: asyncio.Event) -> None:
        super().__init__()
        self._whole = whole

    def set(self) -> None:
        super().set()
        self._whole.set()


class InboxSignals(Watchers):
    """Knows the users whose streams this process serves, and wakes these."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener, _CHANNEL)
        self._jobs = Watchers(listener, _JOBS_CHANNEL)

    @contextmanager
    def watching_news(self, user_id: UserId, news: News) -> Iterator[News]:
        """Yields `news`, which is set whenever there may be some."""
        with self.watching(user_id, news), self._jobs.watching(user_id, news.of_jobs):
            yield news
