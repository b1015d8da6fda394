"""What a look at an app reads when it has a long history, of which little or nothing is to be removed."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from platform_api.retention.queries import QUERIES
from tests.platform_api.retention.history import ended
from tests.platform_api.retention.test_organizations import webhook_of
from tests.platform_api.runs.working import Workshop

pytestmark = pytest.mark.anyio

ROWS = 100_000
PAGES = 50
"""Of a B-tree of 100,000 rows one descent reads 3."""
RUNS = """
insert into platform.runs (
    task_id, number, organization_id, app_id, action_id, user_id, action_type, reaches_installs, entry, bundle, event,
    environment, limits, allows_retries, state, finished_at, changed_in
)
select gen_random_uuid(), -place, organization_id, app_id, action_id, user_id, action_type, reaches_installs, entry,
    bundle, event, environment, limits, allows_retries, 'completed', now(), null
from platform.runs as run cross join generate_series(1, :rows) as place
where run.id = :run_id
returning id
"""
KEYS = """
insert into platform.idempotency_keys (organization_id, app_id, user_id, subject, key, digest, outcome)
select organization_id, app_id, user_id, 'run:' || action_id, id, '', '{"run_id": ' || id || '}'
from platform.runs where app_id = :app_id and id > :after
"""
DELIVERIES = """
insert into platform.webhook_deliveries (webhook_id, digest, run_id, task_id)
select :webhook_id, cast(cast(id as text) as bytea), id, '' from platform.runs where app_id = :app_id and id > :after
"""
CALLS = """
insert into platform.integration_calls (
    organization_id, app_id, integration_id, connection_id, method, endpoint, status_code, ok, elapsed_ms, created_at
)
select :organization_id, :app_id, 'mock', 1, 'GET', '/', 200, true, 1, now() from generate_series(1, :rows)
"""


@pytest.fixture
async def crowded(workshop: Workshop) -> AsyncIterator[Workshop]:
    """An app with 100,000 calls and runs, of which all but the 1,000 oldest have a key and a delivery each."""
    app_id, organization_id = workshop.app.id, workshop.caller.organization_id
    [first] = await ended(workshop, 1)
    async with workshop.platform.database.transaction() as session:
        # VACUUM does not note as visible to all what may not be on disk yet.
        await session.execute(text("set local synchronous_commit = on"))
        webhook = webhook_of(workshop)
        session.add(webhook)
        await session.flush()
        await session.execute(text(RUNS), {"rows": ROWS, "run_id": first})
        after = {"app_id": app_id, "after": first + 1000}
        await session.execute(text(KEYS), after)
        await session.execute(text(DELIVERIES), {**after, "webhook_id": webhook.id})
        await session.execute(text(CALLS), {"rows": ROWS, "app_id": app_id, "organization_id": organization_id})
    await vacuum(workshop)
    yield workshop
    async with workshop.platform.database.transaction() as session:
        for table in ("runs", "idempotency_keys", "webhooks", "integration_calls"):
            await session.execute(text(f"delete from platform.{table} where app_id = :app_id"), {"app_id": app_id})
    await vacuum(workshop)


async def vacuum(workshop: Workshop) -> None:
    connection = await workshop.platform.database.connect()
    try:
        await connection.execute("set synchronous_commit = on")
        for table in ("runs", "idempotency_keys", "webhook_deliveries", "integration_calls"):
            await connection.execute(f"vacuum analyze platform.{table}")
    finally:
        await connection.close()


async def test_a_look_reads_what_it_removes_and_no_more(crowded: Workshop) -> None:
    app = {"app_id": crowded.app.id}
    of = {**app, "organization_id": crowded.caller.organization_id}
    again = {"measured_at": None, "again_seconds": 600}
    oldest = await first_run(crowded)
    pages = {
        "organizations of runs": await pages_of(crowded, "organizations_of_runs", {**app, **again}),
        "organizations of calls": await pages_of(crowded, "organizations_of_calls", app),
        "runs by age": await pages_of(crowded, "last_run_to_remove", {**of, "max_count": None, "max_days": 1}),
        "runs by number": await pages_of(crowded, "last_run_to_remove", {**of, "max_count": 1000, "max_days": None}),
        "calls by age": await pages_of(crowded, "last_call_to_remove", {**of, "max_count": None, "max_days": 1}),
        "calls by number": await pages_of(
            crowded, "last_call_to_remove", {**of, "max_count": 1000, "max_days": None}
        ),
        "no runs": await pages_of(crowded, "remove_runs", {**of, "last_id": oldest - 1, "rows": 200, "bytes": 1}),
    }
    assert {name: read for name, read in pages.items() if read > PAGES} == {}
    # All that is kept is counted in an index, of which a page has hundreds of rows.
    beyond_all = {**of, "max_count": ROWS + 1, "max_days": 1}
    for statement in ("last_run_to_remove", "last_call_to_remove"):
        assert await pages_of(crowded, statement, beyond_all) < ROWS / 100


async def test_a_batch_reads_no_keys_and_deliveries_but_those_of_its_runs(crowded: Workshop) -> None:
    of = {"app_id": crowded.app.id, "organization_id": crowded.caller.organization_id, "rows": 200, "bytes": 10**9}
    last = await first_run(crowded) + 50_000
    plan = await explain(crowded, "remove_runs", {**of, "last_id": last})
    assert rows_of(plan) == 200
    scanned = {node["Relation Name"] for node in nodes(plan) if node["Node Type"] == "Seq Scan"}
    assert not scanned & {"runs", "idempotency_keys", "webhook_deliveries"}
    for table in ("idempotency_keys", "webhook_deliveries"):
        for node in nodes(plan):
            if node.get("Relation Name") == table:
                assert node["Actual Rows"] * node["Actual Loops"] + node.get("Rows Removed by Filter", 0) <= 200


async def first_run(workshop: Workshop) -> int:
    async with workshop.platform.database.transaction() as session:
        statement = text("select min(id) from platform.runs where app_id = :app_id")
        return int(await session.scalar(statement, {"app_id": workshop.app.id}))


async def explain(workshop: Workshop, statement: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Executes a statement, takes it back, and returns what was read for it."""
    explained = text(f"explain (analyze, buffers, format json) {QUERIES[statement].text}")
    async with workshop.platform.database.transaction() as session:
        answer = await session.scalar(explained, parameters)
        await session.rollback()
    [entry] = json.loads(answer) if isinstance(answer, str) else answer
    plan: dict[str, Any] = entry["Plan"]
    return plan


async def pages_of(workshop: Workshop, statement: str, parameters: dict[str, Any]) -> int:
    plan = await explain(workshop, statement, parameters)
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def rows_of(plan: dict[str, Any]) -> int:
    return int(plan["Actual Rows"])
