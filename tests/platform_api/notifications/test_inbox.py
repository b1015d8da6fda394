"""In-app notifications: told, read, streamed as they come, forgotten; and who is refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import delete

from platform_api.accounts.models import Membership, Organization, Role, Token, User
from platform_api.core.http import live_events
from platform_api.notifications.inbox import endpoints as inbox_endpoints
from platform_api.notifications.inbox import service as inbox
from platform_api.notifications.inbox.signals import announce_jobs
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.graphql.serving import serve_app

pytestmark = pytest.mark.anyio

PATH = "/api/notifications/"


@pytest.fixture
async def owner(shared_platform: Platform) -> Caller:
    return await shared_platform.create_caller()


async def _send(platform: Platform, caller: Caller, **body: Any) -> httpx.Response:
    async with platform.client(caller) as client:
        return await client.post(PATH, json={"title": "Import finished", **body})


async def _sent(platform: Platform, caller: Caller, **body: Any) -> dict[str, Any]:
    answer = await _send(platform, caller, **body)
    assert answer.status_code == 201, answer.text
    notification: dict[str, Any] = answer.json()
    return notification


async def _titles(platform: Platform, caller: Caller, **query: Any) -> list[str]:
    async with platform.client(caller) as client:
        answer = await client.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return [notification["title"] for notification in answer.json()["results"]]


async def test_a_notification_is_kept_for_the_tokens_user(shared_platform: Platform, owner: Caller) -> None:
    sent = await _sent(
        shared_platform,
        owner,
        title="Zażółć 📦",
        description="312 orders\nwere imported",
        kind="success",
        data={"orders": 312},
        actions=[
            {"label": "Open", "url": "/apps/shop/"},
            {"label": "Shop", "url": "https://shop.example.com/?a=b#c"},
        ],
    )
    async with shared_platform.client(owner) as client:
        [kept] = (await client.get(PATH)).json()["results"]
        assert (await client.get(f"{PATH}unread-count/")).json() == {"unread": 1}
    assert kept == sent
    assert (kept["user_id"], kept["kind"], kept["data"], kept["read_at"]) == (
        owner.user_id,
        "success",
        {"orders": 312},
        None,
    )
    assert [action["label"] for action in kept["actions"]] == ["Open", "Shop"]


async def test_notifications_are_read_one_by_one_all_at_once_and_deleted(
    shared_platform: Platform, owner: Caller
) -> None:
    first, second, third = [await _sent(shared_platform, owner, title=title) for title in ("a", "b", "c")]
    async with shared_platform.client(owner) as client:
        read = (await client.post(f"{PATH}{first['id']}/read/")).json()
        assert read["read_at"] is not None
        assert (await client.post(f"{PATH}{first['id']}/read/")).json()["read_at"] == read["read_at"]
        assert await _titles(shared_platform, owner, unread=True) == ["c", "b"]
        assert (await client.delete(f"{PATH}{third['id']}/")).status_code == 204
        assert (await client.delete(f"{PATH}{third['id']}/")).status_code == 404
        assert (await client.post(f"{PATH}read-all/")).json() == {"marked": 1}
        assert (await client.get(f"{PATH}unread-count/")).json() == {"unread": 0}
    assert await _titles(shared_platform, owner) == ["b", "a"]
    assert second["id"] > first["id"]


async def test_the_list_comes_in_pages(shared_platform: Platform, owner: Caller) -> None:
    for number in range(5):
        await _sent(shared_platform, owner, title=str(number))
    assert await _titles(shared_platform, owner, per_page=2, page=2) == ["2", "1"]


async def test_the_list_is_read_from_a_cursor_on_without_a_count(shared_platform: Platform, owner: Caller) -> None:
    sent = [await _sent(shared_platform, owner, title=str(number)) for number in range(5)]
    titles: list[str] = []
    async with shared_platform.client(owner) as client:
        await client.post(f"{PATH}{sent[3]['id']}/read/")
        cursor: str | None = ""
        while cursor is not None:
            part = (await client.get(PATH, params={"unread": True, "limit": 2, "cursor": cursor})).json()
            assert part["count"] is None
            titles += [item["title"] for item in part["results"]]
            cursor = part["next_cursor"]
        first = (await client.get(PATH, params={"unread": True, "limit": 1})).json()
        among_all = await client.get(PATH, params={"cursor": first["next_cursor"]})
    assert titles == ["4", "2", "1", "0"]
    assert among_all.status_code == 422, "a cursor of the unread ones leads nowhere among all"


async def test_what_was_read_is_marked_unread_again_by_its_recipient(
    shared_platform: Platform, owner: Caller
) -> None:
    sent = await _sent(shared_platform, owner, title="a")
    stranger = await shared_platform.create_caller()
    colleague = await shared_platform.create_colleague(owner, Role.OWNER)
    async with shared_platform.client(owner) as client:
        await client.post(f"{PATH}{sent['id']}/read/")
        for other in (stranger, colleague):
            async with shared_platform.client(other) as refused:
                assert (await refused.post(f"{PATH}{sent['id']}/unread/")).status_code == 404
        assert (await client.get(f"{PATH}unread-count/")).json() == {"unread": 0}
        assert (await client.post(f"{PATH}{sent['id']}/unread/")).json()["read_at"] is None
        assert (await client.get(f"{PATH}unread-count/")).json() == {"unread": 1}


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,x",
        "//evil.example.com",
        "/\\evil.example.com",
        "/\t/evil.example.com",
        "\\\\evil.example.com",
        "http:",
        "https:///x",
        "ftp://example.com",
        "shop/orders",
        "",
        "http://a\u202eb.example.com",
        "/x" * 1001,
    ],
)
async def test_an_action_that_leads_elsewhere_than_a_page_is_refused(
    shared_platform: Platform, owner: Caller, url: str
) -> None:
    answer = await _send(shared_platform, owner, actions=[{"label": "Open", "url": url}])
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("url", ["/", "/apps/shop/?a=1#b", "http://example.com", "https://example.com:8443/ż"])
async def test_an_action_that_leads_to_a_page_is_taken(shared_platform: Platform, owner: Caller, url: str) -> None:
    sent = await _sent(shared_platform, owner, actions=[{"label": "Open", "url": url}])
    assert sent["actions"] == [{"label": "Open", "url": url}]


@pytest.mark.parametrize(
    "body",
    [
        {"title": ""},
        {"title": "  "},
        {"title": "x" * 256},
        {"title": "two\nlines"},
        {"title": "nul\x00"},
        {"description": "x" * 4001},
        {"description": "nul\x00"},
        {"kind": "loud"},
        {"data": ["list"]},
        {"data": {"x": "y" * 17_000}},
        {"data": {"x": "\x00"}},
        {"actions": [{"label": "Open", "url": "/"}] * 6},
        {"actions": [{"label": "", "url": "/"}]},
        {"user_id": "ada"},
        {"unknown": 1},
    ],
)
async def test_what_cannot_be_shown_is_refused(
    shared_platform: Platform, owner: Caller, body: dict[str, Any]
) -> None:
    answer = await _send(shared_platform, owner, **body)
    assert answer.status_code == 422, answer.text


async def test_builders_tell_members_and_members_only_themselves(shared_platform: Platform, owner: Caller) -> None:
    member = await shared_platform.create_colleague(owner, Role.MEMBER)
    builder = await shared_platform.create_colleague(owner, Role.BUILDER)
    stranger = await shared_platform.create_caller()
    assert (await _sent(shared_platform, owner, title="o", user_id=member.user_id))["user_id"] == member.user_id
    await _sent(shared_platform, builder, title="b", user_id=member.user_id)
    await _sent(shared_platform, member, title="m", user_id=member.user_id)
    assert (await _send(shared_platform, member, user_id=owner.user_id)).status_code == 403
    assert (await _send(shared_platform, owner, user_id=stranger.user_id)).status_code == 404
    assert (await _send(shared_platform, owner, user_id=2_000_000_000)).status_code == 404
    assert await _titles(shared_platform, member) == ["m", "b", "o"]
    assert await _titles(shared_platform, owner) == await _titles(shared_platform, stranger) == []


async def test_nobody_else_reaches_a_notification(shared_platform: Platform, owner: Caller) -> None:
    sent = await _sent(shared_platform, owner)
    colleague = await shared_platform.create_colleague(owner, Role.OWNER)
    for other in (colleague, await shared_platform.create_caller()):
        async with shared_platform.client(other) as client:
            assert (await client.post(f"{PATH}{sent['id']}/read/")).status_code == 404
            assert (await client.delete(f"{PATH}{sent['id']}/")).status_code == 404
            assert (await client.post(f"{PATH}read-all/")).json() == {"marked": 0}
            assert (await client.get(PATH)).json()["count"] == 0
    assert await _titles(shared_platform, owner, unread=True) == ["Import finished"]


async def test_another_organization_of_the_same_user_has_an_inbox_of_its_own(
    shared_platform: Platform, owner: Caller
) -> None:
    other = await shared_platform.create_organization()
    async with shared_platform.database.transaction() as session:
        user = await session.get_one(User, owner.user_id)
    await shared_platform.add_member(other, user, Role.OWNER)
    token = await shared_platform.create_token(other, user)
    await _sent(shared_platform, owner)
    async with shared_platform.client(headers={"Authorization": f"Bearer {token}"}) as client:
        assert (await client.get(PATH)).json()["count"] == 0


async def test_a_token_of_one_app_sees_that_apps_notifications(shared_platform: Platform, owner: Caller) -> None:
    apps = [await shared_platform.create_app(owner) for _ in range(2)]
    runs = [await shared_platform.create_run_token(owner, app) for app in apps]
    for run, title in zip(runs, ("first", "second"), strict=True):
        async with shared_platform.client(headers={"Authorization": f"Bearer {run}"}) as script:
            answer = await script.post(PATH, json={"title": title})
            assert answer.status_code == 201 and answer.json()["run_id"] is not None
            assert [one["title"] for one in (await script.get(PATH)).json()["results"]] == [title]
            # The inbox is a person's to tidy.
            assert (await script.post(f"{PATH}{answer.json()['id']}/read/")).status_code == 403
            assert (await script.post(f"{PATH}read-all/")).status_code == 403
            assert (await script.delete(f"{PATH}{answer.json()['id']}/")).status_code == 403
    assert await _titles(shared_platform, owner) == ["second", "first"]


async def test_the_oldest_read_ones_go_first(
    shared_platform: Platform, owner: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MAX_KEPT", 3)
    colleague = await shared_platform.create_colleague(owner, Role.MEMBER)
    await _sent(shared_platform, colleague, title="untouched")
    for title in ("a", "b", "c"):
        await _sent(shared_platform, owner, title=title)
    async with shared_platform.client(owner) as client:
        ids = {one["title"]: one["id"] for one in (await client.get(PATH)).json()["results"]}
        await client.post(f"{PATH}{ids['b']}/read/")
    await _sent(shared_platform, owner, title="d")
    assert await _titles(shared_platform, owner) == ["d", "c", "a"]
    await _sent(shared_platform, owner, title="e")
    assert await _titles(shared_platform, owner) == ["e", "d", "c"]
    assert await _titles(shared_platform, colleague) == ["untouched"]


# The stream


@asynccontextmanager
async def _stream(
    platform: Platform, caller: Caller, *, path: str = f"{PATH}stream/", **headers: str
) -> AsyncIterator[AsyncIterator[str]]:
    async with (
        serve_app(platform.app) as base_url,
        httpx.AsyncClient(base_url=base_url, timeout=240) as client,
        client.stream("GET", path, headers={**caller.headers, **headers}) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = response.aiter_lines()
        # From here on nothing is missed.
        assert await asyncio.wait_for(anext(lines), 240) == ": notifications"
        yield lines


async def _events(
    lines: AsyncIterator[str], count: int, *, name: str = "notification"
) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    fields: dict[str, str] = {}
    while len(found) < count:
        line = await asyncio.wait_for(anext(lines), 240)
        if line:
            field, _, value = line.partition(": ")
            fields[field] = value
        elif "data" in fields:
            if fields["event"] == name:
                found.append((fields["id"], json.loads(fields["data"])))
            fields = {}
    return found


async def test_notifications_arrive_as_they_are_sent(platform: Platform) -> None:
    owner = await platform.create_caller()
    await _sent(platform, owner, title="before")
    colleague = await platform.create_colleague(owner, Role.OWNER)
    async with _stream(platform, owner) as lines:
        await _sent(platform, colleague, title="not yours")
        sent = await _sent(platform, owner, title="one line", description="a\nb\r\nc\u2028d\x85e")
        [(event_id, body)] = await _events(lines, 1)
        assert (event_id, body) == (str(sent["id"]), sent)
        await _sent(platform, colleague, title="from a colleague", user_id=owner.user_id)
        [(_, body)] = await _events(lines, 1)
        assert body["title"] == "from a colleague"


async def test_who_listens_hears_that_their_jobs_have_changed_and_nobody_elses(platform: Platform) -> None:
    """Without a stream of its own for each job; where to go on stays the last notification."""
    owner, other = await platform.create_caller(), await platform.create_caller()
    sent = await _sent(platform, owner)
    async with _stream(platform, owner, **{"Last-Event-ID": str(sent["id"])}) as lines:
        async with platform.database.transaction() as session:
            await announce_jobs(session, other.user_id)
        later = await _sent(platform, owner, title="later")
        async with platform.database.transaction() as session:
            await announce_jobs(session, owner.user_id)
        assert await _events(lines, 1, name="jobs") == [(str(later["id"]), {})]


async def test_what_another_process_was_told_arrives(platform: Platform) -> None:
    owner = await platform.create_caller()
    async with (
        running_platform(make_settings(platform.settings.database_url)) as other,
        _stream(other, owner) as lines,
    ):
        for number in range(3):
            await _sent(platform, owner, title=str(number))
            [(_, body)] = await _events(lines, 1)
            assert body["title"] == str(number)


async def test_a_stream_is_resumed_without_loss_or_repetition(platform: Platform) -> None:
    owner = await platform.create_caller()
    ids = [(await _sent(platform, owner, title=str(number)))["id"] for number in range(4)]
    async with _stream(platform, owner, **{"Last-Event-ID": str(ids[1])}) as lines:
        assert [body["title"] for _, body in await _events(lines, 2)] == ["2", "3"]
        await _sent(platform, owner, title="4")
        assert [body["title"] for _, body in await _events(lines, 1)] == ["4"]
    # What is no id of ours stands for none: from now on.
    for nonsense in ("x", "-1", "1-2"):
        async with _stream(platform, owner, **{"Last-Event-ID": nonsense}) as lines:
            await _sent(platform, owner, title="now")
            assert [body["title"] for _, body in await _events(lines, 1)] == ["now"]


async def test_many_at_once_arrive_in_order_and_once(platform: Platform) -> None:
    owner = await platform.create_caller()
    async with _stream(platform, owner) as lines:
        await asyncio.gather(*(_sent(platform, owner, title=str(number)) for number in range(40)))
        events = await _events(lines, 40)
    ids = [int(event_id) for event_id, _ in events]
    assert ids == sorted(set(ids))
    assert {body["title"] for _, body in events} == {str(number) for number in range(40)}


async def test_a_stream_ends_when_its_token_does(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_events, "POLL_SECONDS", 3600.0)
    owner = await platform.create_caller()
    async with _stream(platform, owner) as lines:
        async with platform.database.transaction() as session:
            await session.execute(delete(Token).where(Token.user_id == owner.user_id))

        async def until_the_end() -> None:
            async for _ in lines:
                pass

        await asyncio.wait_for(until_the_end(), 240)


async def test_the_inbox_of_another_organization_of_the_user_is_named_in_the_query(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, guest = await platform.create_caller(), await platform.create_caller()
    async with platform.database.transaction() as session:
        organization = await session.get_one(Organization, owner.organization_id)
        user = await session.get_one(User, guest.user_id)
    path = f"{PATH}stream/?organization={owner.organization_slug}"
    async with platform.client(guest) as client:
        refused = await client.get(path)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_your_organization")
    await platform.add_member(organization, user, Role.MEMBER)
    monkeypatch.setattr(live_events, "POLL_SECONDS", 3600.0)
    async with _stream(platform, guest, path=path) as lines:
        await _sent(platform, guest, title="at home")
        await _sent(platform, owner, title="there", user_id=guest.user_id)
        assert [body["title"] for _, body in await _events(lines, 1)] == ["there"]
        async with platform.database.transaction() as session:
            there = (Membership.user_id == user.id, Membership.organization_id == organization.id)
            await session.execute(delete(Membership).where(*there))

        async def until_the_end() -> None:
            async for _ in lines:
                pass

        await asyncio.wait_for(until_the_end(), 240)


async def test_a_user_has_a_bounded_number_of_streams(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_endpoints, "MAX_STREAMS", 1)
    owner, other = await platform.create_caller(), await platform.create_caller()
    async with _stream(platform, owner), platform.client(owner) as client:
        refused = await client.get(f"{PATH}stream/")
        assert refused.status_code == 429 and "Retry-After" in refused.headers
        async with _stream(platform, other):
            pass
    async with _stream(platform, owner):
        pass
