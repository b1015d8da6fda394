"""One organization that uses an app removes nothing of what another one has there."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, text, update

from platform_api.core.types import AppId
from platform_api.idempotency.models import IdempotencyKey
from platform_api.integrations.models import LoggedCall
from platform_api.retention import removal as removal_module
from platform_api.retention.limits import KeptCalls, KeptLogs, KeptRuns, RetentionLimits
from platform_api.retention.models import AppRetention
from platform_api.runs.models import Run, RunState
from platform_api.webhooks.models import Webhook, WebhookDelivery
from tests.platform_api.conftest import Caller
from tests.platform_api.retention.history import (
    NOTHING,
    call_of,
    ended,
    kept,
    logs_of,
    look_through,
    removal_of,
    write_logs,
)
from tests.platform_api.runs.working import Workshop, insert_runs

pytestmark = pytest.mark.anyio


@pytest.fixture
async def installer(workshop: Workshop) -> Caller:
    """Somebody of another organization, which has installed the app."""
    caller = await workshop.platform.create_caller()
    await workshop.platform.install(workshop.app, caller)
    return caller


def of(caller: Caller) -> dict[str, Any]:
    return {"organization_id": caller.organization_id, "user_id": caller.user_id}


@pytest.mark.parametrize("is_flooded_by_owner", [False, True])
async def test_a_flood_of_runs_logs_and_calls_removes_only_what_its_organization_has(
    workshop: Workshop, installer: Caller, is_flooded_by_owner: bool
) -> None:
    quiet, flooding = (installer, workshop.caller) if is_flooded_by_owner else (workshop.caller, installer)
    theirs = await ended(workshop, 3, **of(quiet))
    await write_logs(workshop, theirs, size=300_000)
    large = json.dumps(random.Random(1).randbytes(300_000).hex())
    flood = await ended(workshop, 9, result=large, **of(flooding))
    await write_logs(workshop, flood, size=300_000)
    async with workshop.platform.database.transaction() as session:
        calls = [call_of(workshop, quiet) for _ in range(3)] + [call_of(workshop, flooding) for _ in range(9)]
        await session.execute(insert(LoggedCall), calls)

    removed = await look_through(workshop, RetentionLimits(logs=KeptLogs(megabytes=1)))
    assert removed["logs"] == 6
    assert await logs_of(workshop) == [*theirs, *flood[6:]]
    removed = await look_through(workshop, RetentionLimits(runs=KeptRuns(count=7)))
    assert await kept(workshop) == [*theirs, *flood[2:]]
    removed = await look_through(workshop, RetentionLimits(runs=KeptRuns(megabytes=1)))
    assert removed["runs"] > 0
    assert set(theirs) <= set(await kept(workshop)) < {*theirs, *flood[2:]}
    removed = await look_through(workshop, RetentionLimits(calls=KeptCalls(count=4)))
    assert removed["calls"] == 5
    assert await calls_of(workshop, quiet) == 3
    assert await calls_of(workshop, flooding) == 4


async def calls_of(workshop: Workshop, caller: Caller) -> int:
    async with workshop.platform.database.transaction() as session:
        statement = select(func.count()).where(
            LoggedCall.app_id == workshop.app.id, LoggedCall.organization_id == caller.organization_id
        )
        return await session.scalar(statement) or 0


async def test_sizes_are_read_every_hour_and_when_limits_were_saved(workshop: Workshop) -> None:
    runs = await ended(workshop, 4)
    await write_logs(workshop, runs, size=400_000)
    limits, app_id = RetentionLimits(logs=KeptLogs(megabytes=1)), AppId(workshop.app.id)
    removal = removal_of(workshop, limits)
    just_now, earlier = (datetime.now(UTC) - timedelta(minutes=minutes) for minutes in (50, 70))
    assert (await removal.look_through(app_id, limits, measured_at=just_now))["logs"] == 0
    assert (await removal.look_through(app_id, limits, measured_at=earlier))["logs"] == 2
    await write_lengths(workshop, runs, size=400_000)
    await age(workshop, days=2)
    # Nothing was started for a day.
    assert (await removal.look_through(app_id, limits, measured_at=earlier))["logs"] == 0
    assert (await removal.look_through(app_id, limits, measured_at=earlier - timedelta(days=1)))["logs"] == 2

    while await removal.look_through_next():
        continue
    assert await measured_at(workshop) is not None
    async with workshop.platform.client(workshop.caller) as client:
        saved = await client.put(f"/api/apps/{workshop.app.id}/retention/", json={"logs": {"days": 1}})
    assert saved.status_code == 200, saved.text
    assert await measured_at(workshop) is None
    assert await removal.look_through_next()
    assert await logs_of(workshop) == []


async def write_lengths(workshop: Workshop, runs: list[int], *, size: int) -> None:
    async with workshop.platform.database.transaction() as session:
        await session.execute(update(Run).where(Run.id.in_(runs)).values(log_bytes=size))


async def age(workshop: Workshop, *, days: int) -> None:
    async with workshop.platform.database.transaction() as session:
        then = datetime.now(UTC) - timedelta(days=days)
        await session.execute(update(Run).where(Run.app_id == workshop.app.id).values(created_at=then))


async def measured_at(workshop: Workshop) -> datetime | None:
    async with workshop.platform.database.transaction() as session:
        statement = select(AppRetention.measured_at).where(AppRetention.app_id == workshop.app.id)
        found: datetime | None = await session.scalar(statement)
        return found


async def test_the_key_of_a_request_keeps_its_run(workshop: Workshop) -> None:
    async with workshop.platform.client(workshop.caller) as client:
        path, key = f"/api/actions/{workshop.action['id']}/run/", {"Idempotency-Key": "once"}
        first = (await client.post(path, json={}, headers=key)).json()
        await client.post(path, json={})
        await client.post(path, json={})
        async with workshop.platform.database.transaction() as session:
            ended_now = {"state": "completed", "finished_at": func.now()}
            await session.execute(update(Run).where(Run.app_id == workshop.app.id).values(**ended_now))
        assert (await look_through(workshop, RetentionLimits(runs=KeptRuns(count=1))))["runs"] == 1
        again = await client.post(path, json={}, headers=key)
        assert again.json()["run_id"] == first["run_id"]


@dataclass(frozen=True)
class Written:
    """A run as the test writes it."""

    organization: int
    state: RunState
    characters: int
    log_bytes: int
    parent: int | None
    is_rerun: bool
    is_delivered: bool
    is_keyed: bool


WRITTEN = st.builds(
    Written,
    organization=st.integers(0, 2),
    state=st.sampled_from([*RunState, RunState.COMPLETED, RunState.COMPLETED, RunState.FAILED]),
    characters=st.integers(0, 600),
    log_bytes=st.sampled_from([0, 0, 100, 400, 900]),
    parent=st.none() | st.none() | st.integers(0, 24),
    is_rerun=st.booleans(),
    is_delivered=st.sampled_from([False] * 5 + [True]),
    is_keyed=st.sampled_from([False] * 5 + [True]),
)
MAYBE = st.none() | st.integers(1, 5)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    written=st.lists(WRITTEN, min_size=1, max_size=25),
    old=st.integers(0, 25),
    runs=st.builds(KeptRuns, days=st.none() | st.just(5), count=MAYBE, megabytes=MAYBE),
    logs=st.builds(KeptLogs, days=st.none() | st.just(5), megabytes=MAYBE),
    calls=st.tuples(st.lists(st.integers(0, 2), max_size=12), MAYBE),
)
async def test_each_organization_keeps_its_newest_that_fit(
    workshop: Workshop,
    monkeypatch: pytest.MonkeyPatch,
    written: list[Written],
    old: int,
    runs: KeptRuns,
    logs: KeptLogs,
    calls: tuple[list[int], int | None],
) -> None:
    monkeypatch.setattr(removal_module, "_MEGABYTE", 1000)
    monkeypatch.setattr(removal_module, "_ROWS", 4)
    monkeypatch.setattr(removal_module, "_PAUSE_SECONDS", 0.0)
    callers = await callers_of(workshop)
    ids = await write_history(workshop, callers, written, old=old)
    await write_calls(workshop, [callers[place] for place in calls[0]])
    sizes = await sizes_of(workshop)
    young = set(ids[old:])

    await look_through(workshop, RetentionLimits(runs=runs, logs=logs, calls=KeptCalls(count=calls[1])))

    by_id = dict(zip(ids, written, strict=True))
    protected = protected_of(ids, written)
    left, with_log = set(ids), {run for run in ids if by_id[run].log_bytes}
    for organization in range(3):
        own = [run for run in ids if by_id[run].organization == organization]
        lengths = {run: by_id[run].log_bytes for run in own}
        aged = set(own) - young
        last = last_beyond(own, lengths, None, logs.megabytes, aged & with_log if logs.days else set(), with_log)
        with_log -= {run for run in own if run <= last and by_id[run].state.has_ended}
        last = last_beyond(own, sizes, runs.count, runs.megabytes, aged if runs.days else set(), set(own))
        left -= {run for run in own if run <= last and by_id[run].state.has_ended and run not in protected}
    assert await kept(workshop) == sorted(left)
    async with workshop.platform.database.transaction() as session:
        found = await session.scalars(select(Run.id).where(Run.app_id == workshop.app.id, Run.log_bytes > 0))
        assert set(found) == with_log & left
    for organization, caller in enumerate(callers):
        made = calls[0].count(organization)
        assert await calls_of(workshop, caller) == min(made, calls[1] or made)


def last_beyond(
    runs: Sequence[int],
    sizes: Mapping[int, int],
    count: int | None,
    kilobytes: int | None,
    aged: set[int],
    counted: set[int],
) -> int:
    """The newest run that is beyond a limit, as plain Python says it; 0: none is."""
    total, beyond = 0, set(aged)
    for place, run in enumerate(sorted(runs, reverse=True), 1):
        total += sizes[run]
        if (count and place > count) or (kilobytes and total > kilobytes * 1000):
            beyond.add(run)
    return max(beyond & counted, default=0)


def protected_of(ids: list[int], written: list[Written]) -> set[int]:
    """What something living refers to, and what a living run started."""
    protected = set()
    for run, data in zip(ids, written, strict=True):
        if data.is_delivered or data.is_keyed:
            protected.add(run)
        if data.parent is None or data.parent >= len(ids):
            continue
        if not data.state.has_ended:
            protected.add(ids[data.parent])
        if not data.is_rerun and not written[data.parent].state.has_ended:
            protected.add(run)
    return protected


_callers: dict[int, list[Caller]] = {}


async def callers_of(workshop: Workshop) -> list[Caller]:
    """The owner and two installers; the app's history is empty afterwards."""
    app_id = workshop.app.id
    if app_id not in _callers:
        others = [await workshop.platform.create_caller() for _ in range(2)]
        for other in others:
            await workshop.platform.install(workshop.app, other)
        _callers[app_id] = [workshop.caller, *others]
    async with workshop.platform.database.transaction() as session:
        for model in (Run, LoggedCall, Webhook, IdempotencyKey):
            await session.execute(delete(model).where(model.app_id == app_id))
    return _callers[app_id]


async def write_history(workshop: Workshop, callers: list[Caller], written: list[Written], *, old: int) -> list[int]:
    noise = random.Random(len(written))
    now = datetime.now(UTC)
    ids = await insert_runs(
        workshop,
        [
            {
                **of(callers[run.organization]),
                "state": str(run.state),
                "result": noise.randbytes(run.characters).hex(),
                "log_bytes": run.log_bytes,
                "created_at": now - timedelta(days=9) if place < old else now,
            }
            for place, run in enumerate(written)
        ],
    )
    async with workshop.platform.database.transaction() as session:
        webhook = webhook_of(workshop)
        session.add(webhook)
        await session.flush()
        for run, data in zip(ids, written, strict=True):
            if data.parent is not None and data.parent < len(ids):
                column = "rerun_of_run_id" if data.is_rerun else "started_by_run_id"
                await session.execute(update(Run).where(Run.id == run).values(**{column: ids[data.parent]}))
            if data.is_delivered:
                digest = str(run).encode()
                session.add(WebhookDelivery(webhook_id=webhook.id, digest=digest, run_id=run, task_id=""))
            if data.is_keyed:
                session.add(key_of(workshop, callers[data.organization], run))
    return ids


def webhook_of(workshop: Workshop) -> Webhook:
    return Webhook(
        organization_id=workshop.caller.organization_id,
        app_id=workshop.app.id,
        action_id=workshop.action["id"],
        user_id=workshop.caller.user_id,
        slug=f"hook-{workshop.app.id}",
        name="hook",
        methods=["POST"],
        verification={},
    )


def key_of(workshop: Workshop, caller: Caller, run: int) -> IdempotencyKey:
    return IdempotencyKey(
        **of(caller),
        app_id=workshop.app.id,
        subject=f"run:{workshop.action['id']}",
        key=str(run),
        digest=b"",
        outcome=json.dumps({"run_id": run}),
    )


async def write_calls(workshop: Workshop, callers: list[Caller]) -> None:
    if callers:
        async with workshop.platform.database.transaction() as session:
            await session.execute(insert(LoggedCall), [call_of(workshop, caller) for caller in callers])


async def sizes_of(workshop: Workshop) -> dict[int, int]:
    statement = """
    select id, pg_column_size(event) + pg_column_size(environment)
        + coalesce(pg_column_size(result), 0) + coalesce(pg_column_size(error), 0)
    from platform.runs where app_id = :app_id
    """
    async with workshop.platform.database.transaction() as session:
        rows = await session.execute(text(statement), {"app_id": workshop.app.id})
        return {row[0]: row[1] for row in rows}


async def test_an_app_without_history_is_looked_through(workshop: Workshop) -> None:
    assert sum((await look_through(workshop, NOTHING)).values()) == 0
