"""A worker as a process of its own, with a clock that may be off: `python -m … URL CASE LEASE_SECONDS CLOCK_SHIFT`.

Prints `ready`, `begun ID`, `completed ID` and `lost ID`; a job is completed when a line comes in.
"""

import sys

from tests.clocks import shift_clock


async def work_until_stopped(url: str, name: str, lease_seconds: float) -> None:
    import asyncio
    from datetime import timedelta

    from platform_api.core.database import Database
    from platform_api.core.listener import Listener
    from platform_api.runs.reaper import reaping
    from platform_api.work.errors import LeaseLost
    from platform_api.work.sweep import Sweep, Times
    from platform_api.work.worker import Worker
    from tests.platform_api.work.cases import CASES

    database = Database(url, pool_size=4)
    sweep = Sweep(database, Times(lease=timedelta(seconds=lease_seconds), sweep_seconds=lease_seconds / 2))
    stdin = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    if name == "runs":
        async with reaping(sweep):
            print("ready", flush=True)
            await asyncio.Event().wait()
    case = CASES[name]

    async def work(claimed) -> None:
        for one in claimed:
            print("begun", one.id, flush=True)
            try:
                await stdin.readline()
                await case.complete(database, one)
                print("completed", one.id, flush=True)
            except (LeaseLost, asyncio.CancelledError):
                print("lost", one.id, flush=True)
                raise

    worker = Worker(sweep, case.domain(database, work))
    listener = Listener(database)
    listener.subscribe(case.create(database).queue.channel, worker.heard)
    async with listener.running(), worker.running():
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    shift_clock(float(sys.argv[4]))
    import asyncio

    asyncio.run(work_until_stopped(sys.argv[1], sys.argv[2], float(sys.argv[3])))
