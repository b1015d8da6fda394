"""Makes the same calls without a platform: `python -m benchmarks.fanout.clients aiohttp|httpx URL CALLS CONCURRENCY`.

Prints a JSON object with the seconds of wall clock and CPU. Runs in its own process, so that its CPU can be measured.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import httpx
import uvloop

Get = Callable[[], Awaitable[object]]


async def _aiohttp(stack: AsyncExitStack, url: str) -> Get:
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))

    async def get() -> object:
        async with session.get(url) as response:
            return await response.json()

    return get


async def _httpx(stack: AsyncExitStack, url: str) -> Get:
    client = await stack.enter_async_context(httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=60))

    async def get() -> object:
        return (await client.get(url)).json()

    return get


async def _run(get: Get, calls: int, concurrency: int) -> None:
    following = iter(range(calls))

    async def work() -> None:
        for _ in following:
            await get()

    await asyncio.gather(*(work() for _ in range(concurrency)))


async def main(name: str, url: str, calls: int, concurrency: int) -> None:
    async with AsyncExitStack() as stack:
        get = await {"aiohttp": _aiohttp, "httpx": _httpx}[name](stack, url)
        await _run(
            get, concurrency, concurrency
        )  # connections are open before the clock starts, as the platform's are
        cpu, wall = time.process_time(), time.perf_counter()
        await _run(get, calls, concurrency)
        print(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
