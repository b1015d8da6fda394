"""Makes many calls with bounded concurrency and yields their answers as they arrive.

Memory does not grow with the number of calls: workers take the next item after delivering their last answer, and wait
while the reader is slow.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

CONCURRENCY = 50
# How far completed calls may run ahead of the slowest one when answers must keep the order of the items.
_MAX_AHEAD = 1000


@dataclass(frozen=True, slots=True)
class Finished(Generic[Answer]):
    """Pairs an answer with the index of its item."""

    index: int
    answer: Answer


async def as_completed(
    items: Sequence[Item],
    call: Callable[[Item], Awaitable[Answer]],
    *,
    concurrency: int = CONCURRENCY,
    start_allowed: Callable[[int], Awaitable[None]] | None = None,
) -> AsyncIterator[Finished[Answer]]:
    """Yields the answers in the order of completion. Closing the iterator cancels the calls in flight.

    `start_allowed(index)` is awaited before the item at `index` is called. `call` must return failures, not raise.
    """
    queue: asyncio.Queue[Finished[Answer] | BaseException] = asyncio.Queue(concurrency)
    following = iter(range(len(items)))

    async def work() -> None:
        try:
            for index in following:
                if start_allowed is not None:
                    await start_allowed(index)
                await queue.put(Finished(index, await call(items[index])))
        except asyncio.CancelledError:
            raise
        except BaseException as exc:
            await queue.put(exc)

    workers = [asyncio.ensure_future(work()) for _ in range(min(concurrency, len(items)))]
    try:
        for _ in range(len(items)):
            finished = await queue.get()
            if isinstance(finished, BaseException):
                raise finished
            yield finished
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def in_order(
    items: Sequence[Item], call: Callable[[Item], Awaitable[Answer]], *, concurrency: int = CONCURRENCY
) -> AsyncIterator[Answer]:
    """Yields the answers in the order of the items."""
    waiting: dict[int, Answer] = {}
    due = 0
    # Fewer calls than the window holds cannot leave it.
    is_bounded = len(items) > _MAX_AHEAD
    advanced = asyncio.Condition()

    async def start_allowed(index: int) -> None:
        async with advanced:
            await advanced.wait_for(lambda: index < due + _MAX_AHEAD)

    async with aclosing(
        as_completed(items, call, concurrency=concurrency, start_allowed=start_allowed if is_bounded else None)  # type: ignore[type-var]  # an async generator, which has aclose
    ) as completed:
        async for finished in completed:
            waiting[finished.index] = finished.answer
            while due in waiting:
                answer: Any = waiting.pop(due)
                due += 1
                yield answer
            if is_bounded:
                async with advanced:
                    advanced.notify_all()
