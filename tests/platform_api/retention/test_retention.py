"""What is kept of an app's history: by age, number and size, and never without what something living refers to."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update

from platform_api.accounts.models import Role
from platform_api.core.types import AppId
from platform_api.idempotency.models import IdempotencyKey
from platform_api.integrations.models import LoggedCall
from platform_api.retention import removal as removal_module
from platform_api.retention.limits import KeptCalls, KeptLogs, KeptRuns, RetentionLimits
from platform_api.retention.models import AppRetention
from platform_api.runs.models import Run, RunState
from platform_api.webhooks.models import Webhook, WebhookDelivery
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
from tests.platform_api.runs.working import Workshop, create_workshop, insert_runs

pytestmark = pytest.mark.anyio


async def test_runs_are_kept_by_number_age_and_size(workshop: Workshop) -> None:
    old = await ended(workshop, 3, created_at=datetime.now(UTC) - timedelta(days=10))
    runs = await ended(workshop, 5)
    assert await look_through(workshop, NOTHING) == {"logs": 0, "runs": 0, "calls": 0, "deliveries": 0}
    assert (await look_through(workshop, RetentionLimits(runs=KeptRuns(days=9))))["runs"] == 3
    assert await kept(workshop) == runs
    assert (await look_through(workshop, RetentionLimits(runs=KeptRuns(count=4))))["runs"] == 1
    assert await kept(workshop) == runs[1:]
    large = await ended(workshop, 3, result=json.dumps(random.Random(1).randbytes(300_000).hex()))
    # Of the results, compressed as they are stored, three do not fit.
    assert (await look_through(workshop, RetentionLimits(runs=KeptRuns(megabytes=1))))["runs"] > 0
    assert set(await kept(workshop)) < set(runs + large)
    assert not set(old) & set(await kept(workshop))


async def test_other_apps_keep_theirs(workshop: Workshop) -> None:
    other = await create_workshop(workshop.platform, caller=workshop.caller)
    runs = await ended(other, 3)
    await ended(workshop, 3)
    await look_through(workshop, RetentionLimits(runs=KeptRuns(count=1)))
    assert len(await kept(workshop)) == 1
    assert await kept(other) == runs


async def test_a_log_goes_before_its_run_and_the_run_says_so(workshop: Workshop) -> None:
    runs = await ended(workshop, 4)
    await write_logs(workshop, runs, size=400_000)
    [going_on] = await insert_runs(workshop, [{"state": "running"}])
    await write_logs(workshop, [going_on], size=400_000)
    assert (await look_through(workshop, RetentionLimits(logs=KeptLogs(megabytes=1))))["logs"] == 3
    assert await logs_of(workshop) == [runs[3], going_on]
    assert await kept(workshop) == [*runs, going_on]
    async with workshop.platform.client(workshop.caller) as client:
        answers = [(await client.get(f"/api/actions/runs/{run}/")).json() for run in runs]
        assert [answer["log_removed_at"] is not None for answer in answers] == [True, True, True, False]
        assert (await client.get(f"/api/actions/runs/{runs[0]}/logs/")).json()["lines"] == []
    async with workshop.platform.database.transaction() as session:
        old = datetime.now(UTC) - timedelta(days=3)
        await session.execute(update(Run).where(Run.id == runs[3]).values(created_at=old))
    assert (await look_through(workshop, RetentionLimits(logs=KeptLogs(days=2))))["logs"] == 1
    assert await logs_of(workshop) == [going_on]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    states=st.lists(st.sampled_from([*RunState]), min_size=1, max_size=25),
    count=st.integers(1, 10),
    links=st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24), st.booleans()), max_size=10),
)
async def test_what_goes_on_stays_with_what_it_refers_to(
    workshop: Workshop, states: list[RunState], count: int, links: list[tuple[int, int, bool]]
) -> None:
    runs = await insert_runs(workshop, [{"state": str(state)} for state in states])
    by_id = dict(zip(runs, states, strict=True))
    parents: dict[int, int] = {}
    async with workshop.platform.database.transaction() as session:
        for child, parent, is_rerun in links:
            if max(child, parent) < len(runs) and child != parent and runs[child] not in parents:
                parents[runs[child]] = runs[parent]
                column = {"rerun_of_run_id" if is_rerun else "started_by_run_id": runs[parent]}
                await session.execute(update(Run).where(Run.id == runs[child]).values(**column))
    await look_through(workshop, RetentionLimits(runs=KeptRuns(count=count)))
    left = set(await kept(workshop))
    assert set(runs[-count:]) <= left
    for run, state in by_id.items():
        if not state.has_ended:
            assert run in left
            assert run not in parents or parents[run] in left
    async with workshop.platform.database.transaction() as session:
        await session.execute(update(Run).where(Run.app_id == workshop.app.id).values(**_ENDED))
    await look_through(workshop, RetentionLimits(runs=KeptRuns(count=1)))
    assert len(await kept(workshop)) == 1


_ENDED = {"state": "completed", "finished_at": func.now(), "lease_expires_at": None}


async def test_deliveries_and_keys_that_may_be_repeated_keep_their_runs(workshop: Workshop) -> None:
    delivered, keyed, late, free, last = await ended(workshop, 5)
    async with workshop.platform.database.transaction() as session:
        webhook = Webhook(
            organization_id=workshop.caller.organization_id,
            app_id=workshop.app.id,
            action_id=workshop.action["id"],
            user_id=workshop.caller.user_id,
            slug=f"hook-{workshop.app.id}",
            name="hook",
            methods=["POST"],
            verification={},
            idempotency_hours=2,
        )
        session.add(webhook)
        await session.flush()
        hours_ago = datetime.now(UTC) - timedelta(hours=3)
        session.add(WebhookDelivery(webhook_id=webhook.id, digest=b"1", run_id=delivered, task_id=""))
        session.add(
            WebhookDelivery(webhook_id=webhook.id, digest=b"2", run_id=late, task_id="", created_at=hours_ago)
        )
        session.add(
            IdempotencyKey(
                organization_id=workshop.caller.organization_id,
                app_id=workshop.app.id,
                user_id=workshop.caller.user_id,
                subject=f"run:{workshop.action['id']}",
                key="k",
                digest=b"",
                outcome=f'{{"run_id": {keyed}}}',
            )
        )
    removed = await look_through(workshop, RetentionLimits(runs=KeptRuns(count=1)))
    assert await kept(workshop) == [delivered, keyed, last]
    assert (removed["runs"], removed["deliveries"]) == (2, 1)
    assert {late, free}.isdisjoint(await kept(workshop))


async def test_the_log_of_calls_is_kept_by_number_and_age(workshop: Workshop) -> None:
    async with workshop.platform.database.transaction() as session:
        await session.execute(
            insert(LoggedCall), [call_of(workshop, workshop.caller, days=days) for days in (9, 9, 0, 0, 0)]
        )
    assert (await look_through(workshop, RetentionLimits(calls=KeptCalls(days=8))))["calls"] == 2
    assert (await look_through(workshop, RetentionLimits(calls=KeptCalls(count=1))))["calls"] == 2


async def test_removal_is_in_batches_of_bounded_size(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal_module, "_ROWS", 7)
    monkeypatch.setattr(removal_module, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(removal_module, "_BATCH_BYTES", 1000)
    runs = await ended(workshop, 40)
    await write_logs(workshop, runs, size=600)
    assert (await look_through(workshop, RetentionLimits(runs=KeptRuns(count=1))))["runs"] == 39
    assert await logs_of(workshop) == [runs[-1]]


async def test_apps_are_looked_through_when_they_are_due_and_by_one_process(workshop: Workshop) -> None:
    await ended(workshop, 5)
    ceiling = RetentionLimits(runs=KeptRuns(count=2))
    first, second = removal_of(workshop, ceiling), removal_of(workshop, ceiling)
    while await first.look_through_next() or await second.look_through_next():
        continue
    assert len(await kept(workshop)) == 2
    async with workshop.platform.client(workshop.caller) as client:
        path = f"/api/apps/{workshop.app.id}/retention/"
        saved = await client.put(path, json={"runs": {"count": 1}})
        assert saved.status_code == 200, saved.text
        assert saved.json()["limits"]["runs"] == {"days": None, "count": 1, "megabytes": None}
    assert await first.look_through_next()
    assert len(await kept(workshop)) == 1
    async with workshop.platform.database.transaction() as session:
        due = await session.scalar(select(AppRetention.due_at).where(AppRetention.app_id == workshop.app.id))
        assert due is not None and due > datetime.now(UTC)


async def test_an_app_keeps_no_more_than_the_installation_allows(workshop: Workshop) -> None:
    await ended(workshop, 2)
    async with workshop.platform.client(workshop.caller) as client:
        path = f"/api/apps/{workshop.app.id}/retention/"
        shown = (await client.get(path)).json()
        assert shown["limits"]["runs"] == {"days": None, "count": None, "megabytes": None}
        assert shown["applied"] == shown["installation"]
        assert shown["history"]["runs"] == 2 and shown["history"]["run_bytes"] > 0
        body = {"runs": {"count": 2**31 - 1, "days": 5}, "logs": {"megabytes": 1}}
        applied = (await client.put(path, json=body)).json()["applied"]
        assert applied["runs"] == {**shown["installation"]["runs"], "days": 5}
        assert applied["logs"] == {**shown["installation"]["logs"], "megabytes": 1}
        refusals: list[dict[str, dict[str, int]]] = [
            {"runs": {"count": 0}},
            {"runs": {"weeks": 1}},
            {"rows": {}},
            {"logs": {"days": -1}},
            {"calls": {"days": 36_501}},
        ]
        for wrong in refusals:
            refused = await client.put(path, json=wrong)
            assert refused.status_code == 422, refused.text
        assert (await client.get(path)).json()["applied"]["runs"]["days"] == 5


async def test_more_days_than_the_database_counts_back_do_not_end_the_removal(workshop: Workshop) -> None:
    await ended(workshop, 3)
    days = {"days": 2**31 - 1}
    limits = {"runs": {**days, "count": 1}, "logs": days, "calls": days}
    async with workshop.platform.database.transaction() as session:
        session.add(AppRetention(app_id=AppId(workshop.app.id), limits=limits, due_at=datetime.now(UTC)))
    removal = removal_of(workshop)
    while await removal.look_through_next():
        continue
    assert len(await kept(workshop)) == 1
    async with workshop.platform.client(workshop.caller) as client:
        shown = (await client.get(f"/api/apps/{workshop.app.id}/retention/")).json()
    assert shown["limits"]["runs"] == {"days": 36_500, "count": 1, "megabytes": None}


async def test_only_builders_of_the_apps_organization_see_and_set_it(workshop: Workshop) -> None:
    platform, path = workshop.platform, f"/api/apps/{workshop.app.id}/retention/"
    stranger = await platform.create_caller()
    member = await platform.create_colleague(workshop.caller, Role.MEMBER)
    await platform.install(workshop.app, stranger)
    for caller, status in ((stranger, 404), (member, 403), (None, 401)):
        async with platform.client(caller) as client:
            assert (await client.get(path)).status_code == status
            assert (await client.put(path, json={"runs": {"count": 1}})).status_code == status
