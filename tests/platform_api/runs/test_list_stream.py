"""The live list: what a reader gets of the changes of runs, from any process, resumed anywhere, and for how long."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor, ActorKind
from platform_api.accounts.models import Organization, Role, Scope, User
from platform_api.runs.listing.filters import RunFilters
from platform_api.runs.listing.positions import ChangePosition, Snapshot
from platform_api.runs.listing.stream import _read, position_after
from platform_api.runs.models import CURRENT_TRANSACTION, Run
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.graphql.serving import serve_app
from tests.platform_api.runs.working import ProtocolRunner, Workshop, create_workshop, insert_runs

pytestmark = pytest.mark.anyio

STREAM = "/api/actions/runs/stream/"


@dataclass(frozen=True, slots=True)
class Event:
    """A server-sent event; a comment with an id is one without a name."""

    name: str
    id: str
    data: dict[str, Any]


async def _events(response: httpx.Response) -> AsyncIterator[Event]:
    """The events of a stream that have a name or an id."""
    fields: dict[str, str] = {}
    async for line in response.aiter_lines():
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
        else:
            if "id" in fields:
                yield Event(fields.get("event", ""), fields["id"], json.loads(fields.get("data", "{}")))
            fields = {}


async def _named(events: AsyncIterator[Event], count: int) -> list[Event]:
    """The next events that have a name."""
    named: list[Event] = []
    while len(named) < count:
        event = await asyncio.wait_for(anext(events), 240)
        if event.name:
            named.append(event)
    return named


@asynccontextmanager
async def _stream(
    platform: Platform, caller: Caller, *, after: str | None = None, **query: Any
) -> AsyncIterator[AsyncIterator[Event]]:
    headers = {**caller.headers, **({} if after is None else {"Last-Event-ID": after})}
    async with (
        serve_app(platform.app) as base_url,
        httpx.AsyncClient(base_url=base_url, timeout=240) as client,
        client.stream("GET", STREAM, params=query, headers=headers) as response,
    ):
        assert response.status_code == 200, await response.aread()
        events = _events(response)
        opening = await anext(events)
        assert (opening.name, opening.data) == ("", {})
        assert ChangePosition.parse(opening.id) is not None
        yield events


async def test_a_run_appears_and_changes_in_the_list_as_it_does_so(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop = await create_workshop(platform)
    stranger = await create_workshop(platform)
    async with _stream(platform, workshop.caller) as events, platform.client(workshop.caller) as client:
        await stranger.run()
        started = await workshop.run()
        [created] = await _named(events, 1)
        item = (await client.get("/api/actions/runs/", params={"limit": 1})).json()["results"][0]
        assert (created.name, created.data) == ("run", item)
        assert item["id"] == started["run_id"]
        claims = {claim["run_id"]: claim for claim in await runner.claim(slots=3)}
        assert [event.data["state"] for event in await _named(events, 1)] == ["claimed"]
        claim = claims[started["run_id"]]
        await runner.start(claim)
        assert [event.data["state"] for event in await _named(events, 1)] == ["running"]
        progress = {"progress": 40, "info": "page 2", "status": "running"}
        path = f"/cache/set-progress/{started['task_id']}/"
        async with platform.client(headers={"Authorization": f"Bearer {workshop.caller.token}"}) as cache:
            assert (await cache.post(path, json=progress)).status_code == 200
        [changed] = await _named(events, 1)
        assert (changed.data["progress"], changed.data["info"]) == (40, "page 2")
        await runner.log(claim, "a line of the log is no change of the list")
        await runner.finish(claim)
        assert [event.data["status"] for event in await _named(events, 1)] == ["completed"]


async def test_the_filters_of_the_list_hold_and_a_run_that_leaves_it_is_named(
    platform: Platform, runner: ProtocolRunner
) -> None:
    workshop = await create_workshop(platform)
    other = await create_workshop(platform, caller=workshop.caller)
    query = {"app": workshop.app.slug, "state": ["pending", "claimed", "running"]}
    async with _stream(platform, workshop.caller, **query) as events:
        await other.run()
        started = await workshop.run()
        assert [(event.name, event.data["id"]) for event in await _named(events, 1)] == [("run", started["run_id"])]
        async with platform.client(workshop.caller) as client:
            await client.post(f"/api/actions/runs/{started['run_id']}/cancel/")
        assert [(event.name, event.data) for event in await _named(events, 1)] == [
            ("left", {"id": started["run_id"]})
        ]


async def test_after_a_restart_of_the_server_nothing_is_lost_and_nothing_repeated(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    settings = make_settings(platform.settings.database_url)
    async with running_platform(settings) as first, _stream(first, workshop.caller) as events:
        before = [await workshop.run() for _ in range(3)]
        heard = await _named(events, 3)
    missed = [await workshop.run() for _ in range(3)]
    async with running_platform(settings) as second:
        async with _stream(second, workshop.caller, after=heard[-1].id) as events:
            after = await workshop.run()
            heard += await _named(events, 4)
        expected = [run["run_id"] for run in (*before, *missed, after)]
        assert [event.data["id"] for event in heard] == expected
        # In the middle of what was sent, too.
        async with _stream(second, workshop.caller, after=heard[1].id) as events:
            assert [event.data["id"] for event in await _named(events, 5)] == expected[2:]


class _Reader:
    """Reads a stream as a client does, which may lose its connection after any event."""

    def __init__(self, platform: Platform, actor: Actor, position: ChangePosition) -> None:
        self._platform, self._actor = platform, actor
        self.position = position
        self.heard: list[dict[str, Any]] = []

    async def read(self, *, stops_after: int) -> None:
        """Reads all there is, or only so many events."""
        while True:
            async with self._platform.database.transaction() as session:
                batch = await _read(session, self._actor, RunFilters(), self.position)
            for position, event in batch.events:
                if stops_after == 0:
                    return
                stops_after -= 1
                if event.event == "run":
                    self.heard.append(json.loads(str(event.data)))
                # What a client keeps is the text.
                parsed = ChangePosition.parse(str(position))
                assert parsed == position
                self.position = position
            if not batch.has_more:
                return


@pytest.fixture(scope="module")
async def watched(shared_platform: Platform) -> tuple[Workshop, Actor]:
    workshop = await create_workshop(shared_platform)
    caller = workshop.caller
    actor = Actor(
        kind=ActorKind.SESSION,
        user_id=caller.user_id,
        organization_id=caller.organization_id,
        role=Role.OWNER,
        scopes=frozenset(Scope),
    )
    return workshop, actor


WRITERS = 3
_steps = st.lists(
    st.tuples(st.sampled_from(["change", "commit", "read", "read a part"]), st.integers(0, WRITERS - 1)),
    max_size=16,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_steps)
async def test_whatever_order_transactions_end_in_each_change_is_heard_once(
    shared_platform: Platform, watched: tuple[Workshop, Actor], steps: list[tuple[str, int]]
) -> None:
    """Writers change runs of their own in long transactions; a reader loses its connection after any event."""
    workshop, actor = watched
    ids = await insert_runs(workshop, [{"state": "pending"} for _ in range(WRITERS * 2)])
    database = shared_platform.database
    async with database.transaction() as session:
        reader = _Reader(shared_platform, actor, await position_after(session, ""))
    progress = dict.fromkeys(ids, 0)
    committed: dict[int, int] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("platform_api.runs.listing.stream._BATCH", 2)
        async with AsyncExitStack() as stack:
            sessions: list[AsyncSession] = [
                await stack.enter_async_context(database.sessions()) for _ in range(WRITERS)
            ]
            changed: list[set[int]] = [set() for _ in sessions]
            for step, writer in steps:
                if step == "change":
                    run_id = ids[writer * 2 + progress[ids[writer * 2]] % 2]
                    for own in (ids[writer * 2], run_id):
                        progress[own] += 1
                        change = update(Run).where(Run.id == own)
                        await sessions[writer].execute(
                            change.values(progress=progress[own], changed_in=CURRENT_TRANSACTION)
                        )
                        changed[writer].add(own)
                elif step == "commit":
                    await sessions[writer].commit()
                    committed |= {run_id: progress[run_id] for run_id in changed[writer]}
                    changed[writer].clear()
                else:
                    await reader.read(stops_after=1 if step == "read a part" else 10**6)
            for writer, session in enumerate(sessions):
                await session.commit()
                committed |= {run_id: progress[run_id] for run_id in changed[writer]}
        await reader.read(stops_after=10**6)
        heard_before = len(reader.heard)
        await reader.read(stops_after=10**6)
    assert len(reader.heard) == heard_before, "what has been read is not read again"
    last = {run["id"]: run["progress"] for run in reader.heard}
    assert last == committed, "the last that was heard of each run is what it is"
    versions = [(run["id"], run["progress"]) for run in reader.heard]
    assert len(set(versions)) == len(versions), "nothing is heard twice"


async def test_a_run_of_a_later_count_of_transactions_is_no_endless_news(
    shared_platform: Platform, watched: tuple[Workshop, Actor]
) -> None:
    """As after a database was restored on a server that has counted fewer transactions."""
    workshop, actor = watched
    async with shared_platform.database.transaction() as session:
        reader = _Reader(shared_platform, actor, await position_after(session, ""))
    await insert_runs(workshop, [{"state": "pending", "changed_in": 2**50}])
    await reader.read(stops_after=10**6)
    assert reader.heard == []


@given(text=st.text(max_size=20) | st.from_regex(r"[0-9;:,\-]{0,30}", fullmatch=True))
def test_a_position_that_is_read_is_written_alike(text: str) -> None:
    position = ChangePosition.parse(text)
    if position is not None:
        again = ChangePosition.parse(str(position))
        assert again == position


def test_what_is_no_position_is_none() -> None:
    for text in ("", "5", "5:6", "a:b:", "5:6:7,", "5:6:;5:6:", "5:6:;5:6:;7", "5:6:;;7-8", "5:6:\n", "９:9:"):
        assert ChangePosition.parse(text) is None, text
    assert ChangePosition.parse("5:9:6,7;8:9:;8-1") == ChangePosition(
        Snapshot(5, 9, (6, 7)), Snapshot(8, 9), change=8, row_id=1
    )


@pytest.mark.parametrize("last_event_id", ["nonsense", "1:2", "'; drop table platform.runs --"])
async def test_an_event_id_that_is_not_ours_begins_now(platform: Platform, last_event_id: str) -> None:
    workshop = await create_workshop(platform)
    await workshop.run()
    async with _stream(platform, workshop.caller, after=last_event_id) as events:
        later = await workshop.run()
        assert [event.data["id"] for event in await _named(events, 1)] == [later["run_id"]]


async def test_a_hostile_position_shows_no_more_than_the_list_does(platform: Platform) -> None:
    workshop, stranger = await create_workshop(platform), await create_workshop(platform)
    own = await workshop.run()
    await stranger.run()
    async with _stream(platform, workshop.caller, after="1:1:") as events:
        assert [event.data["id"] for event in await _named(events, 1)] == [own["run_id"]]
    # Of a time to which this database has not come: a stream begins now.
    for position in (f"{10**17}:{10**17}:", f"1:1:;{10**17}:{10**17}:;0-0"):
        async with _stream(platform, workshop.caller, after=position) as events:
            later = await workshop.run()
            assert [event.data["id"] for event in await _named(events, 1)] == [later["run_id"]]


async def test_the_organization_is_named_in_the_query(platform: Platform) -> None:
    workshop = await create_workshop(platform)
    async with platform.database.transaction() as session:
        user = await session.get_one(User, workshop.caller.user_id)
        # tenancy: the test's own
        home = await session.scalar(
            select(Organization).where(Organization.id == (await platform.create_organization(owner=user)).id)
        )
        assert home is not None
    token = await platform.create_token(home, user)
    elsewhere = Caller(home.id, home.slug, user.id, user.email, token)
    slug = workshop.caller.organization_slug
    async with _stream(platform, elsewhere, organization=slug) as events:
        started = await workshop.run()
        assert [event.data["id"] for event in await _named(events, 1)] == [started["run_id"]]
    stranger = await platform.create_caller()
    async with platform.client(stranger) as client:
        refused = await client.get(STREAM, params={"organization": slug})
        unknown = await client.get(STREAM, params={"organization": "no-such-organization"})
        foreign_app = await client.get(STREAM, params={"app": workshop.app.slug})
        assert refused.status_code == unknown.status_code
        assert refused.status_code in (403, 404)
        assert refused.json()["detail"].replace(slug, "") == unknown.json()["detail"].replace(
            "no-such-organization", ""
        )
        assert foreign_app.status_code == 404
    no_run = await platform.create_token(home, user, scopes=[Scope.DATA])
    async with platform.client(headers={"Authorization": f"App-Token {no_run}"}) as client:
        assert (await client.get(STREAM)).status_code == 403
    async with platform.client() as client:
        assert (await client.get(STREAM)).status_code == 401


async def test_a_stream_ends_when_its_reader_leaves_the_organization(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform_api.core.http.live_events.POLL_SECONDS", 3600.0)
    workshop = await create_workshop(platform)
    reader = await platform.create_colleague(workshop.caller, Role.MEMBER)
    async with _stream(platform, reader) as events:
        await workshop.run()
        assert len(await _named(events, 1)) == 1
        async with platform.client(workshop.caller) as client:
            path = f"/api/organizations/{workshop.caller.organization_slug}/members/{reader.user_id}/"
            assert (await client.delete(path)).status_code < 300
        await workshop.run()
        with pytest.raises(StopAsyncIteration):
            while True:
                event = await asyncio.wait_for(anext(events), 240)
                assert not event.name, "whoever has left hears nothing any more"


async def test_one_user_and_one_organization_have_a_bounded_number_of_streams(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform_api.runs.listing.signals.MAX_STREAMS_OF_USER", 1)
    monkeypatch.setattr("platform_api.runs.listing.signals.MAX_STREAMS_OF_ORGANIZATION", 2)
    owner = await platform.create_caller()
    member, third = [await platform.create_colleague(owner, Role.MEMBER) for _ in range(2)]
    stranger = await platform.create_caller()
    async with platform.client(owner) as client, platform.client(third) as third_client, _stream(platform, owner):
        second = await client.get(STREAM)
        assert (second.status_code, second.headers["retry-after"]) == (429, "30")
        async with _stream(platform, member), _stream(platform, stranger):
            assert (await third_client.get(STREAM)).status_code == 429


async def test_however_often_runs_change_a_stream_looks_at_its_own_pace(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def count(*arguments: Any) -> Any:
        nonlocal looks
        looks += 1
        return await _read(*arguments)

    monkeypatch.setattr("platform_api.runs.listing.stream._PAUSE_SECONDS", 30.0)
    monkeypatch.setattr("platform_api.runs.listing.stream._read", count)
    workshop = await create_workshop(platform)
    async with _stream(platform, workshop.caller):
        for _ in range(20):
            await workshop.run()
        assert looks <= 2
