"""Lists and histograms of runs: what every combination of filters shows, and what it costs."""

import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from platform_api.accounts.models import Role
from platform_api.runs.models import BegunBy, RunState
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.runs.working import Workshop, create_workshop, insert_runs

pytestmark = pytest.mark.anyio

LIST, HISTOGRAM = "/api/actions/runs/", "/api/actions/runs/histogram/"
START = datetime(2026, 3, 1, tzinfo=UTC)
HOURS = 48
RUNS = 70
_ERRORS = ["KeyError: 'id'", "100 % of it_all", "back\\slash", "Zażółć", ""]


@dataclass(frozen=True, slots=True)
class Listed:
    """An organization's runs as they were stored, in an order of times that is not that of their ids."""

    caller: Caller
    workshops: list[Workshop]
    runs: list[dict[str, Any]]
    names: dict[int, str]


@pytest.fixture(scope="module")
async def listed(shared_platform: Platform) -> AsyncIterator[Listed]:
    """Two actions of two apps, two users, every state and origin; another organization has runs of the same kind."""
    caller = await shared_platform.create_caller()
    colleague = await shared_platform.create_colleague(caller, Role.MEMBER)
    workshops = [
        await create_workshop(shared_platform, caller=caller, name="Import orders"),
        await create_workshop(shared_platform, caller=caller, name="Send 50 % off"),
    ]
    stranger = await create_workshop(shared_platform, name="Import orders")
    chance = random.Random(11)
    stored: list[dict[str, Any]] = []
    for _ in range(RUNS):
        workshop, state = chance.choice(workshops), chance.choice(list(RunState))
        run = {
            "state": state,
            "user_id": chance.choice([caller.user_id, colleague.user_id]),
            "begun_by": chance.choice([*BegunBy, None]),
            "created_at": START + timedelta(hours=chance.uniform(0, HOURS)),
            "error": chance.choice(_ERRORS) if state in (RunState.FAILED, RunState.STOPPED) else None,
        }
        [run_id] = await insert_runs(workshop, [run])
        stored.append({"id": run_id, "app_id": workshop.app.id, "action_id": workshop.action["id"], **run})
        theirs = {name: value for name, value in run.items() if name != "user_id"}
        await insert_runs(stranger, [theirs])
    names = {workshop.action["id"]: workshop.action["name"] for workshop in workshops}
    yield Listed(caller, workshops, stored, names)


_times = st.floats(-1, HOURS + 1).map(lambda hours: START + timedelta(hours=hours))
_filters = st.fixed_dictionaries(
    {},
    optional={
        "state": st.lists(st.sampled_from(RunState), min_size=1, max_size=3, unique=True),
        "cause": st.lists(st.sampled_from(BegunBy), min_size=1, max_size=2, unique=True),
        "user": st.integers(0, 2),
        "app": st.integers(0, 1),
        "action": st.integers(0, 2),
        "from": _times,
        "to": _times,
        "text": st.sampled_from(
            ["", "IMPORT", "50 %", "%", "_", "\\", "key", "zażółć", "orders' or", "1", "23", "no such"]
        ),
    },
)


def _query(listed: Listed, filters: dict[str, Any]) -> dict[str, Any]:
    """The filters as they are sent."""
    query = dict(filters)
    if "user" in query:
        users = sorted({run["user_id"] for run in listed.runs})
        query["user"] = [*users, 2**31 - 1][query["user"]]
    if "app" in query:
        query["app"] = listed.workshops[query["app"]].app.slug
    if "action" in query:
        query["action"] = [*listed.names, 2**31 - 1][query["action"]]
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in query.items()}


def _expected(listed: Listed, filters: dict[str, Any], query: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs that a list with these filters holds, newest first."""

    def is_shown(run: dict[str, Any]) -> bool:
        texts = [str(run["id"]), listed.names[run["action_id"]], run["error"] or ""]
        return (
            run["state"] in filters.get("state", RunState)
            and run["begun_by"] in filters.get("cause", [*BegunBy, None])
            and run["user_id"] == query.get("user", run["user_id"])
            and run["action_id"] == query.get("action", run["action_id"])
            and ("app" not in filters or run["app_id"] == listed.workshops[filters["app"]].app.id)
            and filters.get("from", run["created_at"]) <= run["created_at"]
            and ("to" not in filters or run["created_at"] < filters["to"])
            and any(filters.get("text", "").lower() in value.lower() for value in texts)
        )

    return sorted((run for run in listed.runs if is_shown(run)), key=lambda run: -run["id"])


async def _walk(client: httpx.AsyncClient, query: dict[str, Any], *, limit: int) -> list[int]:
    """The ids of all parts of a list."""
    ids: list[int] = []
    cursor = ""
    while True:
        reply = await client.get(LIST, params={**query, "limit": limit, "cursor": cursor})
        assert reply.status_code == 200, reply.text
        part = reply.json()
        assert (part["count"], part["previous"]) == (None, None)
        assert len(part["results"]) <= limit
        ids += [run["id"] for run in part["results"]]
        if part["next_cursor"] is None:
            assert part["next"] is None
            return ids
        cursor = part["next_cursor"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    filters=_filters,
    limit=st.integers(3, 30),
    looked_at=st.sampled_from([8, 20, 1000]),
    of_a_time=st.sampled_from([1, 30, 1000]),
)
async def test_the_parts_of_a_list_are_what_its_filters_admit(
    shared_platform: Platform, listed: Listed, filters: dict[str, Any], limit: int, looked_at: int, of_a_time: int
) -> None:
    query = _query(listed, filters)
    expected = [run["id"] for run in _expected(listed, filters, query)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("platform_api.runs.listing.service.MAX_LOOKED_AT", looked_at)
        patch.setattr("platform_api.runs.listing.service.MAX_SEARCHED", looked_at)
        patch.setattr("platform_api.runs.listing.service.MAX_OF_A_TIME", of_a_time)
        async with shared_platform.client(listed.caller) as client:
            assert await _walk(client, query, limit=limit) == expected
            numbered = (await client.get(LIST, params={**query, "page": 1, "per_page": limit})).json()
    assert numbered["count"] == len(expected)
    assert [run["id"] for run in numbered["results"]] == expected[:limit]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(filters=_filters, buckets=st.integers(1, 60))
async def test_a_histogram_counts_each_run_of_the_list_in_its_bucket(
    shared_platform: Platform, listed: Listed, filters: dict[str, Any], buckets: int
) -> None:
    filters = {"from": START - timedelta(hours=2), "to": START + timedelta(hours=HOURS), **filters}
    query = _query(listed, filters)
    async with shared_platform.client(listed.caller) as client:
        reply = await client.get(HISTOGRAM, params={**query, "buckets": buckets})
    if filters["from"] >= filters["to"]:
        assert reply.status_code == 422
        return
    histogram = reply.json()
    width = timedelta(seconds=histogram["bucket_seconds"])
    starts = [datetime.fromisoformat(bucket["start"]) for bucket in histogram["buckets"]]
    assert len(starts) <= buckets
    assert starts == [filters["from"] + number * width for number in range(len(starts))]
    assert starts[-1] < filters["to"] <= starts[-1] + width
    assert datetime.fromisoformat(histogram["counted_from"]) == filters["from"]
    expected = _expected(listed, filters, query)
    for start, bucket in zip(starts, histogram["buckets"], strict=True):
        states = [str(run["state"]) for run in expected if start <= run["created_at"] < start + width]
        ended = {state: states.count(state) for state in ("completed", "failed", "stopped")}
        counts = {name: count for name, count in bucket.items() if name != "start"}
        assert counts == {**ended, "open": len(states) - sum(ended.values())}


async def test_a_histogram_of_too_many_runs_says_from_when_it_counts(
    shared_platform: Platform, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform_api.runs.listing.histogram.MAX_COUNTED", 20)
    time = {"from": START.isoformat(), "to": (START + timedelta(hours=HOURS)).isoformat()}
    async with shared_platform.client(listed.caller) as client:
        histogram = (await client.get(HISTOGRAM, params=time)).json()
    newest = sorted((run["created_at"] for run in listed.runs), reverse=True)[:20]
    assert datetime.fromisoformat(histogram["counted_from"]) == newest[-1]
    assert sum(sum(v for k, v in bucket.items() if k != "start") for bucket in histogram["buckets"]) == 20


async def test_a_histogram_without_a_time_counts_the_last_day(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    await workshop.run()
    yesterday = datetime.now(UTC) - timedelta(hours=30)
    await insert_runs(workshop, [{"state": "completed", "created_at": yesterday}])
    async with shared_platform.client(workshop.caller) as client:
        histogram = (await client.get(HISTOGRAM)).json()
    assert len(histogram["buckets"]) == 60
    assert [sum(bucket[name] for bucket in histogram["buckets"]) for name in ("open", "completed")] == [1, 0]


async def test_another_organization_sees_neither_runs_nor_counts(shared_platform: Platform, listed: Listed) -> None:
    stranger = await shared_platform.create_caller()
    bound_app = await shared_platform.create_app(listed.caller)
    bound = await shared_platform.create_colleague(listed.caller, Role.OWNER, app_id=bound_app.id)
    time = {"from": START.isoformat(), "to": (START + timedelta(hours=HOURS)).isoformat()}
    run = listed.runs[0]
    async with shared_platform.client(stranger) as client, shared_platform.client(bound) as bound_client:
        for caller in (client, bound_client):
            for query in ({"limit": 5}, {"user": run["user_id"]}, {"action": run["action_id"]}, {"text": "1"}, time):
                reply = (await caller.get(LIST, params={"limit": 5, **query})).json()
                assert (reply["results"], reply["next_cursor"]) == ([], None)
            buckets = (await caller.get(HISTOGRAM, params=time)).json()["buckets"]
            assert all(sum(v for k, v in bucket.items() if k != "start") == 0 for bucket in buckets)
        foreign_app = {"app": listed.workshops[0].app.slug}
        assert (await client.get(LIST, params={**foreign_app, "limit": 5})).status_code == 404
        assert (await client.get(HISTOGRAM, params=foreign_app)).status_code == 404
        # A cursor of the victim's list is a place, not a right.
        async with shared_platform.client(listed.caller) as own:
            cursor = (await own.get(LIST, params={"limit": 1})).json()["next_cursor"]
        assert (await client.get(LIST, params={"cursor": cursor})).json()["results"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-01-01T00:00:00"},
        {"to": "0001-01-01T00:00:00%2B14:00"},
        {"from": "yesterday"},
        {"cause": "magic"},
        {"state": "sleeping"},
        {"user": "0"},
        {"user": str(2**31)},
        {"text": "x" * 101},
        {"text": "a\0b"},
        {"cursor": "damaged"},
        {"limit": "101"},
        {"limit": "10", "page": "1"},
    ],
    ids=str,
)
async def test_a_filter_that_makes_no_sense_is_refused(
    shared_platform: Platform, listed: Listed, query: dict[str, str]
) -> None:
    async with shared_platform.client(listed.caller) as client:
        assert (await client.get(LIST, params=query)).status_code == 422


async def test_runs_say_how_they_were_begun(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    with_token = await workshop.run()
    async with shared_platform.client() as browser:
        sign_in = {"email": workshop.caller.email, "password": Platform.password}
        origin = {"Origin": "http://platform.test"}
        assert (await browser.post("/api/sessions/", json=sign_in, headers=origin)).status_code < 300
        path = f"/api/actions/{workshop.action['id']}/run/"
        by_hand = (await browser.post(path, json={}, headers=origin)).json()
    token = await shared_platform.create_run_token(workshop.caller, workshop.app, run_id=with_token["run_id"])
    async with shared_platform.client(headers={"Authorization": f"Bearer {token}"}) as script:
        by_script = (await script.post(path, json={})).json()
    async with shared_platform.client(workshop.caller) as client:
        runs = (await client.get(LIST, params={"limit": 10})).json()["results"]
    assert [(run["id"], run["begun_by"], run["started_by_run"]) for run in runs] == [
        (by_script["run_id"], "script", with_token["run_id"]),
        (by_hand["run_id"], "manual", None),
        (with_token["run_id"], "api", None),
    ]


_MANY = """
insert into platform.runs (
    task_id, number, organization_id, app_id, action_id, user_id, action_type, reaches_installs, entry, bundle, event,
    environment, limits, allows_retries, state, begun_by, error, finished_at
)
select gen_random_uuid(), number + 10, $1, $2, $3, $4, 'user_action', false, 'main.py', '', '{}', '{}', '{}', false,
    case when number % 10 = 0 then 'failed' else 'completed' end, 'api',
    case when number % 10 = 0 then 'KeyError: ' || number end, now()
from generate_series(1, 10000) as number
"""


@pytest.fixture(scope="module")
async def crowded(shared_platform: Platform) -> Caller:
    """One of two organizations with 10,000 runs each, in a database that knows it."""
    workshops = [await create_workshop(shared_platform) for _ in range(2)]
    connection = await shared_platform.database.connect()
    for workshop in workshops:
        caller = workshop.caller
        ids = (caller.organization_id, workshop.app.id, workshop.action["id"], caller.user_id)
        await connection.execute(_MANY, *ids)
    await connection.execute("vacuum analyze platform.runs")
    await connection.close()
    return workshops[0].caller


@contextmanager
def _statements(platform: Platform) -> Iterator[list[tuple[str, tuple[Any, ...]]]]:
    """Collects statements with their parameters."""
    seen: list[tuple[str, tuple[Any, ...]]] = []

    def keep(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "platform.runs" in statement and statement.lstrip().lower().startswith("select"):
            seen.append((statement, tuple(parameters)))

    engine = platform.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", keep)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", keep)


def _scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a plan that read runs."""
    if plan.get("Relation Name") == "runs":
        yield plan
    for child in plan.get("Plans", []):
        yield from _scans(child)


@pytest.mark.parametrize(
    ("query", "max_rows"),
    [
        ({}, 200),
        ({"state": "failed"}, 1500),
        ({"state": "running"}, 20_000),
        ({"user": 1}, 20_000),
        ({"cause": "webhook", "state": "failed"}, 20_000),
        ({"from": "2026-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}, 11_000),
        ({"to": "2026-01-01T00:00:00Z"}, 100),
        ({"text": "no such text"}, 22_000),
    ],
    ids=str,
)
async def test_no_list_counts_or_scans_the_runs_of_others(
    shared_platform: Platform, crowded: Caller, query: dict[str, Any], max_rows: int
) -> None:
    """An index gives the runs of the organization only, in their order; the reading ends with the page."""
    async with shared_platform.client(crowded) as client:
        with _statements(shared_platform) as statements:
            reply = await client.get(LIST, params={"limit": 50, **query})
    assert reply.status_code == 200, reply.text
    assert statements
    connection = await shared_platform.database.connect()
    rows = 0
    for statement, parameters in statements:
        assert "count(" not in statement.lower()
        async with connection.transaction():
            await connection.execute("set local enable_sort = off")
            explained = await connection.fetchval(f"explain (analyze, format json) {statement}", *parameters)
        for scan in _scans(json.loads(explained)[0]["Plan"]):
            assert scan["Node Type"] != "Seq Scan", statement
            rows += scan["Actual Rows"] * scan["Actual Loops"] + scan.get("Rows Removed by Filter", 0)
    await connection.close()
    assert rows <= max_rows


async def test_a_search_that_takes_too_long_ends_with_advice(
    shared_platform: Platform, listed: Listed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from platform_api.core.errors import Unprocessable
    from platform_api.runs.listing.service import bounded_time

    monkeypatch.setattr("platform_api.runs.listing.service._MAX_SECONDS", 0.05)
    async with shared_platform.database.sessions() as session:
        with pytest.raises(Unprocessable, match="choose a shorter time"):
            async with bounded_time(session):
                await session.execute(text("select pg_sleep(60)"))
