"""The outbox worker of an application; domains register their handlers before it starts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from platform_api.core.listener import listener_of
from platform_api.outbox.service import CHANNEL
from platform_api.outbox.worker import Handler, OutboxWorker


def outbox_handlers(api: FastAPI) -> dict[str, Handler]:
    """Handlers by topic; to be completed by the lifespans that come before the outbox's."""
    if not hasattr(api.state, "outbox_handlers"):
        api.state.outbox_handlers = {}
    handlers: dict[str, Handler] = api.state.outbox_handlers
    return handlers


@asynccontextmanager
async def outbox_lifespan(api: FastAPI) -> AsyncIterator[None]:
    """Runs the worker when there is something to handle; `state.outbox` is it."""
    handlers = outbox_handlers(api)
    worker = api.state.outbox = OutboxWorker(api.state.database, handlers)
    if not handlers:
        yield
        return
    listener_of(api).subscribe(CHANNEL, worker.heard)
    async with worker.running():
        yield
