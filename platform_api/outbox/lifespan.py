"""Runs the outbox worker of an application; domains register their handlers before it starts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from platform_api.core.listener import Listener
from platform_api.core.services import Services
from platform_api.outbox.service import CHANNEL
from platform_api.outbox.worker import OutboxHandlers, OutboxWorker
from platform_api.work.sweep import Sweep


@asynccontextmanager
async def outbox_lifespan(services: Services) -> AsyncIterator[None]:
    """Provides OutboxWorker; runs it when there is something to handle."""
    handlers = services[OutboxHandlers].by_topic
    worker = services.provide(OutboxWorker(services[Sweep], handlers))
    if not handlers:
        yield
        return
    services[Listener].subscribe(CHANNEL, worker.heard)
    async with worker.running():
        yield
