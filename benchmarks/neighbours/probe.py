"""Asks as a well-behaved organization does, a hundred times a second: `python -m benchmarks.neighbours.probe`.

Reads from standard input `{"url", "seconds", "requests": {name: {"method", "path", "headers", "body"}}}`; prints the
milliseconds that each request took, by name. They go in turn, each on a connection of its own.
"""

import asyncio
import json
import sys
import time
from typing import Any

import aiohttp

_PER_SECOND = 100


async def _ask(url: str, request: dict[str, Any], seconds: float) -> list[float]:
    """Keeps to its times whatever an answer takes: one that is late counts from when it was due."""
    times: list[float] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        begun = time.perf_counter()
        for number in range(int(seconds * _PER_SECOND)):
            due = begun + number / _PER_SECOND
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            sent = time.perf_counter()
            async with session.request(
                request["method"], url + request["path"], headers=request["headers"], data=request["body"]
            ) as answer:
                content = await answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"{request['path']} answered {answer.status}: {content[:300]!r}")
            times.append((time.perf_counter() - sent) * 1000)
            if time.perf_counter() - begun > seconds:
                break
    return times


async def _main() -> None:
    order = json.load(sys.stdin)
    names = list(order["requests"])
    measured = await asyncio.gather(
        *(_ask(order["url"], order["requests"][name], order["seconds"]) for name in names)
    )
    print(json.dumps(dict(zip(names, measured, strict=True))))


if __name__ == "__main__":
    asyncio.run(_main())
