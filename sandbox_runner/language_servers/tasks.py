"""Runs several works as one that ends with the first of them."""

import asyncio
from collections.abc import Awaitable
from typing import Any


async def first_of(*works: Awaitable[Any]) -> None:
    """Ends all of `works` with the first that ends, and raises its error."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result
