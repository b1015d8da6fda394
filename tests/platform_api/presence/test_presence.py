"""Who sees whom at a document: colleagues, in whatever process; not strangers, not those who have gone."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from platform_api.accounts.models import Membership, Role, Scope
from platform_api.presence import connection, service
from platform_api.presence.models import Place, Visit
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.graphql.serving import serve_app

pytestmark = pytest.mark.anyio

TABLE = "table/orders"


@pytest.fixture(scope="module")
async def url(shared_platform: Platform) -> AsyncIterator[str]:
    async with serve_app(shared_platform.app) as served:
        yield served


class Visitor:
    """Has a document open as a window does: answers what it is asked."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def people(self, *, answers: bool = True) -> list[str]:
        """Waits until it is told who else is there; returns their names."""
        return [person["name"] for person in (await self.told("people", answers=answers))["people"]]

    async def edits(self) -> list[list[dict[str, str]]]:
        """Waits until it is told who else is there; returns which cells each of them edits."""
        return [person["edits"] for person in (await self.told("people"))["people"]]

    async def edit(self, cell: object) -> None:
        """Says which cell is edited here."""
        await self._socket.send(json.dumps({"type": "edit", "cell": cell}))

    async def told(self, kind: str, *, answers: bool = True) -> dict[str, Any]:
        """Waits for a message."""
        async with asyncio.timeout(120):
            while True:
                message: dict[str, Any] = json.loads(await self._socket.recv())
                if message["type"] == kind:
                    return message
                if answers:
                    await self._socket.send('{"type":"pong"}')

    async def closed(self) -> int:
        """Waits until the other end closes; returns the code."""
        try:
            while True:
                await self.people(answers=False)
        except ConnectionClosed as error:
            assert error.rcvd is not None
            return error.rcvd.code


@asynccontextmanager
async def visiting(
    url: str, app: object, caller: Caller, document: str = TABLE, **options: Any
) -> AsyncIterator[Visitor]:
    address = f"{url.replace('http', 'ws')}/api/apps/{app}/presence/?document={document}"
    headers = options.pop("headers", caller.headers)
    async with connect(address, additional_headers=headers, **options) as socket:
        yield Visitor(socket)


async def name_of(platform: Platform, caller: Caller) -> str:
    async with platform.client(caller) as client:
        user = (await client.get("/api/me/")).json()["user"]
    return str(user["name"] or user["email"])


async def test_colleagues_see_each_other_until_they_leave(shared_platform: Platform, url: str) -> None:
    ann = await shared_platform.create_caller()
    bob = await shared_platform.create_colleague(ann, Role.MEMBER)
    app = await shared_platform.create_app(ann)
    bobs_name = await name_of(shared_platform, bob)
    async with visiting(url, app.id, ann) as here, visiting(url, app.slug, ann) as again:
        # Not oneself in another window.
        assert await here.people() == await again.people() == []
        async with visiting(url, app.id, bob) as there, visiting(url, app.id, bob, "table/customers") as elsewhere:
            assert await here.people() == [bobs_name]
            assert await there.people() == [await name_of(shared_platform, ann)]
            assert await elsewhere.people() == []
        assert await here.people() == []


async def test_colleagues_see_which_cell_is_edited_until_that_ends(shared_platform: Platform, url: str) -> None:
    ann = await shared_platform.create_caller()
    bob = await shared_platform.create_colleague(ann, Role.MEMBER)
    app = await shared_platform.create_app(ann)
    await _create_orders(shared_platform, ann, app.id)
    cell, other = ({"row": str(uuid4()), "column": column} for column in ("code", "note"))
    async with visiting(url, app.id, ann) as here:
        assert await here.people() == []
        async with visiting(url, app.id, bob) as there, visiting(url, app.id, bob) as second:
            while await here.edits() == []:
                pass
            await there.edit(cell)
            assert await here.edits() == [[cell]]
            await second.edit(other)
            assert sorted((await here.edits())[0], key=str) == sorted([cell, other], key=str)
            await second.edit(None)
            assert await here.edits() == [[cell]]
        # Who has gone edits nothing.
        while await here.edits() != []:
            pass


@pytest.mark.parametrize(
    ("permission", "is_told"),
    [
        ({"read": {"allowed": True, "columns": ["code"]}}, True),
        ({"read": {"allowed": True, "columns": ["code"], "rule": {"code": {"_eq": "A"}}}}, False),
        ({name: {"allowed": False} for name in ("read", "change", "delete")}, False),
    ],
)
async def test_nobody_learns_of_cells_that_they_may_not_see(
    shared_platform: Platform, url: str, permission: dict[str, Any], is_told: bool
) -> None:
    owner = await shared_platform.create_caller()
    builder = await shared_platform.create_colleague(owner, Role.BUILDER)
    member = await shared_platform.create_colleague(owner, Role.MEMBER)
    installer = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner, is_public=True)
    await shared_platform.install(app, installer)
    await _create_orders(shared_platform, owner, app.id)
    async with shared_platform.client(owner) as client:
        path = f"/api/apps/{app.id}/table/orders/permissions/member/"
        saved = await client.put(path, json={"base_revision": 0, **permission})
        assert saved.status_code == 200, saved.text
    row = str(uuid4())
    hidden, seen = {"row": row, "column": "note"}, {"row": row, "column": "code"}
    async with visiting(url, app.id, builder) as editing, visiting(url, app.id, installer) as elsewhere:
        for cell in (hidden, seen):
            await editing.edit(cell)
            async with visiting(url, app.id, owner) as watching:
                while await watching.edits() != [[cell]]:
                    pass
                # What the owner has been told by now, a member is told with the first message, or not at all.
                async with visiting(url, app.id, member) as limited:
                    edits = await limited.edits()
                    assert sorted(edits, key=len) == ([[], [seen]] if is_told and cell is seen else [[], []])
        assert await elsewhere.people() == []


async def test_an_edit_that_names_no_cell_is_refused_and_the_window_stays(
    shared_platform: Platform, url: str
) -> None:
    ann = await shared_platform.create_caller()
    app = await shared_platform.create_app(ann)
    cells: list[object] = [7, {"row": "x", "column": "code"}, {"row": str(uuid4()), "column": "a b"}]
    async with visiting(url, app.id, ann) as window, visiting(url, app.id, ann, "schema/orders") as schema:
        for cell in cells:
            await window.edit(cell)
            assert (await window.told("refused"))["detail"].startswith("cell")
        await schema.edit({"row": str(uuid4()), "column": "code"})
        assert (await schema.told("refused"))["detail"] == "cell: only a table has cells"
        await window.edit({"row": str(uuid4()), "column": "c" * 200})
        assert await window.closed() == 1009


async def _create_orders(platform: Platform, caller: Caller, app: int) -> None:
    columns = [{"name": name, "type": "text"} for name in ("code", "note")]
    async with platform.client(caller) as client:
        made = await client.post(f"/api/apps/{app}/new_table/", json={"name": "orders", "columns": columns})
    assert made.status_code == 200, made.text


async def test_nobody_of_another_organization_and_nobody_without_the_right(
    shared_platform: Platform, url: str
) -> None:
    owner, installer = await shared_platform.create_caller(), await shared_platform.create_caller()
    stranger = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner, is_public=True)
    await shared_platform.install(app, installer)
    member = await shared_platform.create_colleague(owner, Role.MEMBER)
    reader = await shared_platform.create_colleague(owner, Role.BUILDER, scopes=[Scope.RUN])
    async with visiting(url, app.id, owner) as here, visiting(url, app.id, installer) as there:
        assert await here.people() == await there.people() == []
        refused = [
            (stranger, TABLE, 4404),
            (installer, "source/actions/main.py", 4404),
            (installer, "schema/orders", 4404),
            (member, "source/actions/main.py", 4403),
            (reader, TABLE, 4403),
            (owner, "page/1", 4404),
            (owner, "table/", 4404),
        ]
        for caller, document, code in refused:
            async with visiting(url, app.id, caller, document) as window:
                assert await window.closed() == code, (document, code)
        async with visiting(url, app.id, owner, headers={}) as window:
            assert await window.closed() == 4401
        cookie = {"Cookie": "automio_session=made-up"}
        async with visiting(url, app.id, owner, headers=cookie, origin="https://evil.example") as window:
            assert await window.closed() == 4403
        named = f"{TABLE}&organization={owner.organization_slug}"
        async with visiting(url, app.id, stranger, named) as window:
            assert await window.closed() == 4403
        async with visiting(url, app.id, member):
            assert await here.people() == [await name_of(shared_platform, member)]
        assert await here.people() == []


async def test_a_window_that_does_not_answer_is_gone_within_seconds(shared_platform: Platform, url: str) -> None:
    ann = await shared_platform.create_caller()
    bob = await shared_platform.create_colleague(ann, Role.MEMBER)
    app = await shared_platform.create_app(ann)
    async with visiting(url, app.id, ann) as here, visiting(url, app.id, bob) as silent:
        while await here.people() == []:
            pass
        began = asyncio.get_running_loop().time()
        watching = asyncio.create_task(here.people())
        assert await silent.closed() == 4408
        assert await watching == []
        assert asyncio.get_running_loop().time() - began < 60


async def test_presences_of_a_process_that_died_are_forgotten(shared_platform: Platform, url: str) -> None:
    ann = await shared_platform.create_caller()
    bob = await shared_platform.create_colleague(ann, Role.MEMBER)
    app = await shared_platform.create_app(ann)
    place = Place(ann.organization_id, app.id, TABLE)
    async with visiting(url, app.id, ann) as here:
        assert await here.people() == []
        # As another process writes it, which then writes no more.
        async with shared_platform.database.transaction() as session:
            await service.renew(session, [Visit(uuid4(), place, bob.user_id)])
        assert await here.people() == [await name_of(shared_platform, bob)]
        assert await here.people() == []


async def test_who_leaves_the_organization_is_sent_away(
    shared_platform: Platform, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_CHECK_SECONDS", 0.2)
    ann = await shared_platform.create_caller()
    bob = await shared_platform.create_colleague(ann, Role.MEMBER)
    app = await shared_platform.create_app(ann)
    async with visiting(url, app.id, bob) as window:
        assert await window.people() == []
        async with shared_platform.database.transaction() as session:
            await session.execute(delete(Membership).where(Membership.user_id == bob.user_id))
        assert await window.closed() in (4401, 4403)


async def test_documents_are_bounded(shared_platform: Platform, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = await shared_platform.create_caller()
    bob = await shared_platform.create_colleague(ann, Role.MEMBER)
    other = await shared_platform.create_caller()
    app, others = await shared_platform.create_app(ann), await shared_platform.create_app(other)
    monkeypatch.setattr(service, "MAX_OF_USER", 2)
    monkeypatch.setattr(service, "MAX_OF_ORGANIZATION", 3)

    def opening(caller: Caller) -> AbstractAsyncContextManager[Visitor]:
        return visiting(url, (others if caller is other else app).id, caller)

    async with opening(ann) as one, opening(ann) as two:
        assert await one.people() == await two.people() == []
        async with opening(ann) as third:
            assert await third.closed() == 4429
        async with opening(bob) as bobs:
            await bobs.people()
            async with opening(bob) as beyond:
                assert await beyond.closed() == 4429
            async with opening(other) as elsewhere:
                assert await elsewhere.people() == []
