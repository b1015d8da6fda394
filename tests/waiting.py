"""Waiting for what comes about by itself."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

# Only a fault takes this long: on a busy machine anything else may take seconds.
AMPLE_SECONDS = 240.0


async def eventually(condition: Callable[[], Any | Awaitable[Any]], *, what: Callable[[], str] = str) -> Any:
    """Waits until the condition, which may be a coroutine function, gives something true; returns that.

    Raises AssertionError with what `what` tells when it does not come about.
    """
    deadline = time.monotonic() + AMPLE_SECONDS
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < deadline, what() or "this should have come about by now"
        await asyncio.sleep(0.02)


def wait_until(condition: Callable[[], Any], *, what: Callable[[], str] = str) -> Any:
    """`eventually` for tests without an event loop."""
    return asyncio.run(eventually(condition, what=what))
