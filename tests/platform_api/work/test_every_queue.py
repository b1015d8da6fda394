"""What every queue promises: no job waits for its lease after a stop, none is lost, none that completed runs again.

Jobs are rows of the real tables, claimed and ended by what their domains do; only the work itself is a test's.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, text, update

from platform_api.core import listener as listener_module
from platform_api.core.database import Database
from platform_api.core.listener import Listener
from platform_api.runs import queue as runs
from platform_api.runs.models import Run
from platform_api.runs.reaper import reaping
from platform_api.runs.runner_schemas import Finish, HeldRun, Isolation
from platform_api.work.errors import LeaseLost
from platform_api.work.queue import Claimed
from platform_api.work.sweep import Sweep, Times
from platform_api.work.worker import Worker
from tests.connections import END_LISTENING_CONNECTIONS, END_OTHER_CONNECTIONS
from tests.platform_api.runs.working import NO_USAGE
from tests.platform_api.work.cases import CASES, Case, add_run, database_time
from tests.platform_api.work.conftest import Server
from tests.waiting import eventually

pytestmark = [pytest.mark.anyio, pytest.mark.first]

ROOT = Path(__file__).parents[3]
LEASE_SECONDS = 2.0
NEVER = 3600.0


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


class Job:
    """The work of a test: it begins, waits until it may go on, and completes."""

    def __init__(self, case: Case, database: Database) -> None:
        self.case = case
        self.database = database
        self.begun: list[Claimed[Any]] = []
        self.completed = 0
        self.may_end = asyncio.Event()

    async def work(self, claimed: Sequence[Claimed[Any]]) -> None:
        for one in claimed:
            self.begun.append(one)
            await self.may_end.wait()
            await self.case.complete(self.database, one)
            self.completed += 1


@asynccontextmanager
async def working(
    job: Job, *, lease_seconds: float = 15.0, sweep_seconds: float = NEVER, listens: bool = True
) -> AsyncIterator[Worker[Any]]:
    """A process's worker: with the listener, and what the sweep finds in its time."""
    times = Times(lease=timedelta(seconds=lease_seconds), sweep_seconds=sweep_seconds)
    worker = Worker(Sweep(job.database, times), job.case.domain(job.database, job.work))
    listener = Listener(job.database)
    listener.subscribe(job.case.create(job.database).queue.channel, worker.heard)
    async with worker.running():
        if listens:
            async with listener.running():
                yield worker
        else:
            yield worker


async def test_a_stop_releases_what_is_held_and_announces_it(case: Case, database: Database) -> None:
    """Neither the lease nor the sweep is waited for."""
    first, second = Job(case, database), Job(case, database)
    second.may_end.set()
    async with AsyncExitStack() as process:
        await process.enter_async_context(working(first, lease_seconds=NEVER))
        await case.add(database)
        await eventually(lambda: first.begun)
        async with working(second, lease_seconds=NEVER):
            await process.aclose()
            await eventually(lambda: second.completed == 1)
    assert (first.completed, second.begun[0].job.attempts) == (0, 1)
    assert await case.has_ended(database)


async def test_a_stop_at_any_moment_keeps_nothing_held(case: Case, database: Database) -> None:
    for turns in range(0, 12, 3):
        job = Job(case, database)
        await case.add(database)
        async with working(job, listens=False):
            for _ in range(turns):
                await asyncio.sleep(0.001)
        stored = await case.stored(database)
        assert (stored.lease_expires_at, stored.attempts) == (None, 0)
        [claimed] = await case.create(database).queue.claim(database)
        await case.complete(database, claimed)
        async with database.transaction() as session:
            await session.execute(case.model.__table__.delete())


async def test_a_late_worker_changes_nothing(case: Case, database: Database) -> None:
    queue = case.create(database).queue
    await case.add(database)
    [late] = await queue.claim(database)
    assert await queue.claim(database) == [], "it is held"
    await _expire(case, database)
    assert await queue.claim(database) == [], "nobody has judged that it is lost"
    [now] = await queue.claim(database, horizon=await database_time(database))
    assert now.fence == late.fence + 1
    before = await case.stored(database)
    for change in (case.complete(database, late), _renew(case, database, late)):
        with pytest.raises(LeaseLost):
            await change
    await queue.retry(database, [late], delay=timedelta(), reason="late")
    await queue.release(database, [late])
    assert await queue.renew_all(database, [late]) == set()
    after = await case.stored(database)
    assert (after.fence, after.lease_expires_at) == (before.fence, before.lease_expires_at)
    await case.complete(database, now)
    assert await case.has_ended(database)


async def test_work_on_a_job_that_was_lost_is_stopped(case: Case, database: Database) -> None:
    job = Job(case, database)
    await case.add(database)
    async with working(job, lease_seconds=1, listens=False):
        await eventually(lambda: job.begun)
        async with database.transaction() as session:
            await session.execute(update(case.model).values(fence=case.model.fence + 1))
        await asyncio.sleep(0.6)
        job.may_end.set()
        await asyncio.sleep(0.2)
    stored = await case.stored(database)
    assert (job.completed, stored.fence) == (0, job.begun[0].fence + 1)
    assert stored.lease_expires_at is not None


@pytest.mark.parametrize("listens", [True, False])
async def test_a_cancellation_is_seen_at_once(case: Case, database: Database, listens: bool) -> None:
    """With a notification it is not waited for the renewal; without one the renewal tells it."""
    job = Job(case, database)
    await case.add(database)
    async with working(job, lease_seconds=NEVER if listens else 1, listens=listens):
        await eventually(lambda: job.begun)
        await _cancel(case, database)
        await eventually(lambda: case.has_ended(database))
    assert job.completed == 0
    stored = await case.stored(database)
    assert stored is None or case.state(stored) in ("failed", "cancelled")


async def test_a_job_that_was_cancelled_while_nobody_had_it_is_ended_by_the_next(
    case: Case, database: Database
) -> None:
    queue = case.create(database).queue
    await case.add(database)
    [claimed] = await queue.claim(database)
    await queue.retry(database, [claimed], delay=timedelta(hours=1), reason="it failed")
    job = Job(case, database)
    async with working(job):
        await _cancel(case, database)
        await eventually(lambda: case.has_ended(database))
    assert job.begun == []


async def test_a_lost_database_costs_an_attempt_and_no_lease(
    case: Case, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    job = Job(case, database)
    lose = True

    async def work(claimed: Sequence[Claimed[Any]]) -> None:
        nonlocal lose
        if lose:
            lose = False
            async with database.transaction() as session:
                await session.execute(select(1))
                await _end_connections(database, END_OTHER_CONNECTIONS)
                await session.execute(select(1))
        await Job.work(job, claimed)

    job.work = work  # type: ignore[method-assign]
    job.may_end.set()
    await case.add(database)
    began = time.monotonic()
    async with working(job, lease_seconds=NEVER, listens=False):
        await eventually(lambda: job.completed)
    assert await case.has_ended(database)
    assert time.monotonic() - began < 60, "it did not wait for its lease"
    assert not [record for record in caplog.records if record.levelname == "ERROR"], "an outage is no fault of ours"


async def test_jobs_are_found_while_nobody_listens(
    case: Case, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_module, "_RECONNECT_SECONDS", NEVER)
    job = Job(case, database)
    job.may_end.set()
    async with working(job, lease_seconds=NEVER, sweep_seconds=1):
        await asyncio.sleep(0.1)
        assert await _end_connections(database, END_LISTENING_CONNECTIONS) == 1
        await case.add(database)
        await eventually(lambda: case.has_ended(database))
    assert job.completed == 1


async def test_what_a_dead_process_had_is_taken_over(case: Case, database: Database) -> None:
    await case.add(database)
    lease = timedelta(seconds=LEASE_SECONDS)
    [dead] = await case.create(database).queue.claim(database, lease=lease)
    job = Job(case, database)
    job.may_end.set()
    async with working(job, lease_seconds=LEASE_SECONDS, sweep_seconds=1):
        await eventually(lambda: case.has_ended(database))
    assert job.begun[0].fence == dead.fence + 1


async def test_a_database_that_hangs_longer_than_a_lease_loses_no_job(
    case: Case, database: Database, server: Server
) -> None:
    """Both processes look again at the same moment; whoever judges has not looked meanwhile."""
    holder, judge = Job(case, database), Job(case, Database(database.url, pool_size=4))
    await case.add(database)
    async with working(holder, lease_seconds=LEASE_SECONDS, sweep_seconds=1, listens=False):
        await eventually(lambda: holder.begun)
        async with working(judge, lease_seconds=LEASE_SECONDS, sweep_seconds=1, listens=False) as worker:
            await eventually(lambda: worker._sweep.watch.horizon is not None)
            with server.hanging():
                await asyncio.sleep(2 * LEASE_SECONDS)
            await asyncio.sleep(2 * LEASE_SECONDS)
            holder.may_end.set()
            await eventually(lambda: holder.completed)
    await judge.database.close()
    assert (judge.begun, holder.begun[0].job.attempts, len(holder.begun)) == ([], 1, 1)


@asynccontextmanager
async def process(
    url: str, name: str, *, lease_seconds: float = LEASE_SECONDS, shift: float = 0
) -> AsyncIterator[Any]:
    """A worker as a process of its own."""
    arguments = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "tests.platform_api.work.process",
        url,
        name,
        str(lease_seconds),
        str(shift),
    ]
    child = await asyncio.create_subprocess_exec(*arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        await _said(child, "ready")
        yield child
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def _said(child: Any, word: str) -> str:
    async with asyncio.timeout(240):
        while not (line := (await child.stdout.readline()).decode()).startswith(word):
            assert line, f"it ended before it said {word!r}"
    return line.strip()


# Each way with half of the queues, and all with both in the long form.
@pytest.mark.parametrize(
    ("name", "hours"),
    [
        pytest.param(name, hours, marks=[] if (number % 2) == (hours > 0) else pytest.mark.full)
        for number, name in enumerate(CASES)
        for hours in (-1, 1)
    ],
)
async def test_a_process_whose_clock_is_off_takes_what_is_lost_and_nothing_else(
    database: Database, name: str, hours: int
) -> None:
    case = CASES[name]
    holder = Job(case, database)
    async with AsyncExitStack() as stack:
        async with working(holder, lease_seconds=LEASE_SECONDS, sweep_seconds=1, listens=False):
            await case.add(database)
            await eventually(lambda: holder.begun)
            child = await stack.enter_async_context(process(database.url, case.name, shift=hours * 3600))
            await asyncio.sleep(2.5 * LEASE_SECONDS)
            assert (await case.stored(database)).fence == holder.begun[0].fence, "it is alive"
            holder.may_end.set()
            await eventually(lambda: case.has_ended(database))
        async with database.transaction() as session:
            await session.execute(case.model.__table__.delete())
        await case.add_of_dead(database, timedelta(seconds=LEASE_SECONDS))
        await _said(child, "begun")
        judge = Job(case, database)
        async with working(judge, lease_seconds=LEASE_SECONDS, sweep_seconds=1, listens=False):
            await asyncio.sleep(2.5 * LEASE_SECONDS)
            child.stdin.write(b"\n")
            await _said(child, "completed")
    assert judge.begun == [], "the lease of the other process is as good as any"
    assert await case.has_ended(database)


@pytest.mark.parametrize("lease_seconds", [LEASE_SECONDS, pytest.param(15.0, marks=pytest.mark.full)])
async def test_a_process_that_sleeps_longer_than_its_lease_has_lost_its_job(
    case: Case, database: Database, lease_seconds: float
) -> None:
    """With a lease of 15 s it sleeps for at least 30."""
    await case.add(database)
    async with process(database.url, case.name, lease_seconds=lease_seconds) as child:
        await _said(child, "begun")
        os.kill(child.pid, signal.SIGSTOP)
        job = Job(case, database)
        job.may_end.set()
        try:
            async with working(job, lease_seconds=lease_seconds, sweep_seconds=lease_seconds / 2):
                await asyncio.sleep(2 * lease_seconds)
                await eventually(lambda: case.has_ended(database))
                before = await case.stored(database)
        finally:
            os.kill(child.pid, signal.SIGCONT)
        child.stdin.write(b"\n")
        await _said(child, "lost")
        after = await case.stored(database)
    assert job.completed == 1
    if before is not None:
        assert (after.fence, after.finished_at) == (before.fence, before.finished_at)
    else:
        assert after is None


async def test_an_idle_process_looks_with_one_statement_for_all_queues(database: Database) -> None:
    statements: list[str] = []

    def record(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        statements.append(statement)

    event.listen(database.engine.sync_engine, "before_cursor_execute", record)
    sweep = Sweep(database, Times(sweep_seconds=1))
    async with AsyncExitStack() as stack:
        for case in CASES.values():
            worker = Worker(sweep, case.domain(database, Job(case, database).work))
            await stack.enter_async_context(worker.running())
        await stack.enter_async_context(reaping(sweep))
        await asyncio.sleep(1)
        statements.clear()
        began = time.monotonic()
        # Of four looks, the first may come late, and what a look was late the next one makes up for.
        await eventually(lambda: len(statements) >= 4)
        assert time.monotonic() - began > 1.9, "a second apart"
    assert len(set(statements)) == 1, statements


# Runs are claimed over HTTP by runners; here they share the words, the error and who may judge.


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "LEASE_SECONDS", LEASE_SECONDS)
    monkeypatch.setattr(runs, "_WRITTEN_SECONDS", LEASE_SECONDS * 4 / 3)


async def _claim_run(database: Database) -> HeldRun:
    await add_run(database)
    async with database.transaction() as session:
        [claim] = await runs.claim_runs(session, runner_id="r", slots=1, isolation=Isolation.NONE)
        await runs.start_run(session, claim.run_id, claim.fence)
    return HeldRun(run_id=claim.run_id, fence=claim.fence)


async def _run(database: Database) -> Run:
    async with database.transaction() as session:
        return (await session.scalars(select(Run))).one()


@asynccontextmanager
async def _renewing(database: Database, held: HeldRun) -> AsyncIterator[None]:
    async def renew() -> None:
        while True:
            async with database.transaction() as session:
                await runs.renew_runs(session, [held])
            await asyncio.sleep(LEASE_SECONDS / 10)

    task = asyncio.create_task(renew())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _sweep(database: Database) -> Sweep:
    return Sweep(database, Times(lease=timedelta(seconds=LEASE_SECONDS), sweep_seconds=1))


async def test_a_run_that_is_released_is_claimed_at_once(database: Database) -> None:
    await add_run(database)
    async with database.transaction() as session:
        [claim] = await runs.claim_runs(session, runner_id="a", slots=1, isolation=Isolation.NONE)
        held = HeldRun(run_id=claim.run_id, fence=claim.fence)
        assert await runs.release_runs(session, [held]) == 1
        [again] = await runs.claim_runs(session, runner_id="b", slots=1, isolation=Isolation.NONE)
    assert (again.run_id, again.fence) == (claim.run_id, claim.fence + 1)


async def test_a_runner_that_is_silent_for_a_lease_is_lost_and_its_end_changes_nothing(
    database: Database, short_leases: None
) -> None:
    held = await _claim_run(database)

    async def is_lost() -> bool:
        return (await _run(database)).state == "failed"

    async with reaping(_sweep(database)):
        await eventually(is_lost)
    finish = Finish.model_validate(
        {
            "fence": held.fence,
            "status": "completed",
            "cause": "returned",
            "result": 1,
            "error": None,
            "usage": NO_USAGE,
        }
    )
    with pytest.raises(LeaseLost):
        async with database.transaction() as session:
            await runs.complete_run(session, held.run_id, finish)
    assert (await _run(database)).cause == "runner_lost"


async def test_a_database_that_hangs_longer_than_a_lease_loses_no_run(
    database: Database, server: Server, short_leases: None
) -> None:
    held = await _claim_run(database)
    sweep = _sweep(database)
    async with _renewing(database, held), reaping(sweep):
        await eventually(lambda: sweep.watch.horizon is not None)
        with server.hanging():
            await asyncio.sleep(2 * LEASE_SECONDS)
        await asyncio.sleep(2 * LEASE_SECONDS)
        assert (await _run(database)).state == "running"


@pytest.mark.full
async def test_a_database_that_hangs_for_20_seconds_loses_no_run(database: Database, server: Server) -> None:
    held = await _claim_run(database)
    sweep = Sweep(database, Times())
    async with _renewing(database, held), reaping(sweep):
        await eventually(lambda: sweep.watch.horizon is not None)
        with server.hanging():
            await asyncio.sleep(20)
        await asyncio.sleep(20)
        assert (await _run(database)).state == "running"


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_reaper_whose_clock_is_off_takes_lost_runs_for_lost_and_no_others(
    database: Database, short_leases: None, hours: int
) -> None:
    async def is_lost() -> bool:
        return (await _run(database)).state == "failed"

    held = await _claim_run(database)
    async with process(database.url, "runs", shift=hours * 3600):
        async with _renewing(database, held):
            await asyncio.sleep(3 * LEASE_SECONDS)
            assert (await _run(database)).state == "running"
        await eventually(is_lost)


async def _expire(case: Case, database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(update(case.model).values(lease_expires_at=text("now() - interval '1 second'")))


async def _renew(case: Case, database: Database, claimed: Claimed[Any]) -> None:
    async with database.transaction() as session:
        await case.create(database).queue.renew(session, claimed)


async def _cancel(case: Case, database: Database) -> None:
    async with database.transaction() as session:
        job = (await session.scalars(select(case.model).with_for_update())).one()
        await case.create(database).queue.cancel(session, job)


async def _end_connections(database: Database, statement: str) -> int:
    connection = await database.connect()
    try:
        return int(await connection.fetchval(statement))
    finally:
        await connection.close()
