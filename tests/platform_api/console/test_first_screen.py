"""The console's first screen in one answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import event, insert

from platform_api.accounts.models import Membership, Organization, Role, Scope
from platform_api.apps.models import App
from platform_api.notifications.inbox.models import Notification
from platform_api.runs.models import Run, RunState
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio

PATH = "/api/bootstrap/"
LATER = datetime(2999, 1, 1, tzinfo=UTC)


async def _sign_in(client: httpx.AsyncClient, email: str) -> None:
    answer = await client.post("/api/sessions/", json={"email": email, "password": Platform.password})
    assert answer.status_code == 200, answer.text


@contextmanager
def _counted(platform: Platform) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(platform.database.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(platform.database.engine.sync_engine, "before_cursor_execute", note)


async def _add_runs(platform: Platform, caller: Caller, app: App, states: list[RunState]) -> None:
    async with platform.database.transaction() as session:
        session.add_all(
            Run(
                task_id=f"{app.slug}-{number}",
                number=number,
                organization_id=caller.organization_id,
                app_id=app.id,
                user_id=caller.user_id,
                action_type="app_action",
                entry="main.py",
                bundle="",
                event={},
                environment={},
                limits={},
                state=state,
                reaches_installs=False,
                allows_retries=False,
                lease_expires_at=LATER if state in (RunState.CLAIMED, RunState.RUNNING) else None,
                finished_at=LATER if state is RunState.COMPLETED else None,
            )
            for number, state in enumerate(states)
        )


async def _notify(platform: Platform, caller: Caller, count: int) -> None:
    async with platform.database.transaction() as session:
        row = {"organization_id": caller.organization_id, "user_id": caller.user_id, "kind": "info", "title": "x"}
        await session.execute(insert(Notification), [row] * count)


async def test_one_answer_holds_the_caller_the_organizations_and_the_apps(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    async with shared_platform.database.transaction() as session:
        second = Organization(slug=f"{owner.organization_slug}-2", name="Second")
        session.add(second)
        await session.flush()
        session.add(Membership(user_id=owner.user_id, organization_id=second.id, role=Role.MEMBER))
    app = await shared_platform.create_app(owner)
    states = [RunState.CLAIMED, RunState.RUNNING, RunState.PENDING, RunState.COMPLETED]
    await _add_runs(shared_platform, owner, app, states)
    await _notify(shared_platform, owner, 3)
    async with shared_platform.client() as client:
        await _sign_in(client, owner.email)
        # The first request of a sign-in notes that it is used.
        await client.get("/api/me/")
        with _counted(shared_platform) as statements:
            reply = await client.get(PATH, params={"organization": owner.organization_slug})
        other = (await client.get(PATH, params={"organization": str(second.id)})).json()
        by_header = (await client.get(PATH, headers={"X-Organization-Id": second.slug})).json()
        alone = (await client.get(PATH)).json()
    assert reply.status_code == 200, reply.text
    assert len(statements) <= 7, "\n".join(statements)
    assert reply.headers["cache-control"] == "no-store"
    first = reply.json()
    assert (first["user"]["email"], first["organization"]["slug"]) == (owner.email, owner.organization_slug)
    assert (first["role"], first["scopes"]) == ("owner", sorted(Scope))
    assert [(item["slug"], item["role"]) for item in first["organizations"]] == [
        (owner.organization_slug, "owner"),
        (second.slug, "member"),
    ]
    assert [item["slug"] for item in first["apps"]["results"]] == [app.slug] and not first["has_more_organizations"]
    assert (first["unread"], first["runs_under_way"]) == (3, 2)
    shown = first["installation"]
    assert (shown["has_mail"], shown["graphql"], shown["isolation"]) == (
        False,
        "embedded",
        {"configured": "auto", "levels": []},
    )
    assert (other["organization"]["slug"], other["role"], other["apps"]["results"]) == (second.slug, "member", [])
    assert (other["unread"], other["runs_under_way"]) == (0, 0)
    assert by_header["organization"] == other["organization"]
    assert alone["organization"] == first["organization"], "the one joined first"


async def test_apps_go_on_where_the_first_screen_ends_and_counts_end_at_a_hundred(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    apps = [await shared_platform.create_app(owner) for _ in range(53)]
    await _add_runs(shared_platform, owner, apps[0], [RunState.RUNNING] * 120)
    await _notify(shared_platform, owner, 120)
    async with shared_platform.client(owner) as client:
        first = (await client.get(PATH)).json()
        query = {"order": "name", "limit": 50, "cursor": first["apps"]["next_cursor"]}
        rest = (await client.get("/api/apps/", params=query)).json()
    seen = [app["slug"] for app in [*first["apps"]["results"], *rest["results"]]]
    assert len(first["apps"]["results"]) == 50 and sorted(seen) == sorted(app.slug for app in apps)
    assert (first["unread"], first["runs_under_way"]) == (100, 100)


async def test_somebody_of_many_organizations_gets_a_part_of_them_and_any_that_they_name(
    shared_platform: Platform,
) -> None:
    owner = await shared_platform.create_caller()
    async with shared_platform.database.transaction() as session:
        more = [Organization(slug=f"{owner.organization_slug}-m{number}", name="x") for number in range(101)]
        session.add_all(more)
        await session.flush()
        session.add_all(
            Membership(user_id=owner.user_id, organization_id=item.id, role=Role.BUILDER) for item in more
        )
    async with shared_platform.client(owner) as client:
        answer = (await client.get(PATH, params={"organization": more[-1].slug})).json()
    assert (answer["organization"]["id"], answer["role"]) == (more[-1].id, "builder")
    assert len(answer["organizations"]) == 100 and answer["has_more_organizations"]


async def test_nobody_is_answered_without_a_sign_in_or_in_a_foreign_organization(shared_platform: Platform) -> None:
    victim, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    narrow = await shared_platform.create_caller(scopes=[Scope.DATA])
    async with shared_platform.client() as client:
        assert (await client.get(PATH)).status_code == 401
    async with shared_platform.client(stranger) as client:
        for reference in (victim.organization_slug, str(victim.organization_id), "9" * 20, "no\0where"):
            refused = await client.get(PATH, params={"organization": reference})
            assert refused.status_code == 404 and victim.email not in refused.text
        headers = {"X-Organization-Id": victim.organization_slug}
        assert (await client.get(PATH, headers=headers)).status_code == 404
    async with shared_platform.client(narrow) as client:
        own = await client.get(PATH)
        assert (own.json()["scopes"], own.json()["role"]) == (["data"], "owner")
