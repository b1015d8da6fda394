"""Waits on behalf of a request that a client holds open."""

import asyncio

from fastapi import Request


async def signalled_or_hung_up(request: Request, signal: asyncio.Event, seconds: float) -> bool:
    """Waits for `signal`; returns false when the time is up, or the client hung up: our stop must not wait for it."""
    working = asyncio.ensure_future(signal.wait())
    gone = asyncio.ensure_future(_hung_up(request))
    try:
        await asyncio.wait({working, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return working.done() and not gone.done()
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.gather(working, gone, return_exceptions=True)


async def _hung_up(request: Request) -> None:
    """Returns when the connection is closed; the body has been read, so nothing else can arrive."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
