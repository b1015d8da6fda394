"""An app from a file: all of it or nothing, once, and only where the caller builds."""

import json
import uuid
from typing import Any

import httpx
import pytest

from platform_api.accounts.models import Role, Scope
from platform_api.graphql.backends.backend import GraphQLAnswer
from platform_api.graphql.backends.embedded import EmbeddedBackend
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.csv.working import Shop

pytestmark = pytest.mark.anyio

PLAN: dict[str, Any] = {
    "table": "orders",
    "columns": [
        {"position": 1, "name": "code", "type": "text"},
        {"position": 2, "name": "amount", "type": "integer"},
        {"position": 3, "name": None},
        {"position": 4, "name": "column_4", "type": "text"},
    ],
    "key": ["code"],
}
FILE = "Code,Amount,Amount,السعر\nA,1,x,ا\nB,many,x,🛒\nA,2,x,ب\n"


async def create(platform: Platform, caller: Caller, content: str | bytes = FILE, **form: Any) -> httpx.Response:
    data = {"name": "Orders 2026", "plan": json.dumps(PLAN), **form}
    raw = content.encode() if isinstance(content, str) else content
    async with platform.client(caller, timeout=120) as client:
        return await client.post("/api/apps/from-file/", data=data, files={"file": ("orders.csv", raw)})


async def apps(platform: Platform, caller: Caller) -> list[dict[str, Any]]:
    async with platform.client(caller) as client:
        found: list[dict[str, Any]] = (await client.get("/api/apps/")).json()["results"]
        return found


async def test_a_file_becomes_an_app(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    answer = await create(shared_platform, caller)
    assert answer.status_code == 201, answer.text
    created = answer.json()
    assert (created["table"], created["app"]["name"]) == ("orders", "Orders 2026")
    [app] = await apps(shared_platform, caller)
    async with shared_platform.client(caller) as client:
        table = (await client.get(f"/api/apps/{app['id']}/table/orders/")).json()
    assert "column_4: السعر" in table["description"]
    assert [key["columns"] for key in table["unique"]] == [["code"]]
    shop = Shop(shared_platform, caller, app=None)  # type: ignore[arg-type]
    job = await shop.ended("csv-imports", created["csv_import"]["id"])
    assert (job["import_result"]["inserted"], job["to_repair"]) == (1, 2)
    async with shared_platform.client(caller) as client:
        graphql = {"query": f"{{ app_{app['id']}_orders {{ code amount column_4 }} }}"}
        rows = (await client.post(f"/api/apps/{app['id']}/v1/graphql", json=graphql)).json()["data"]
    assert rows[f"app_{app['id']}_orders"] == [{"code": "A", "amount": 1, "column_4": "ا"}]


async def test_a_request_that_is_sent_again_creates_nothing_new(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    key = str(uuid.uuid4())
    first, again = [await create(shared_platform, caller, key=key) for _ in range(2)]
    assert first.status_code == again.status_code == 201
    assert first.json()["csv_import"]["id"] == again.json()["csv_import"]["id"]
    assert first.json()["app"]["id"] == again.json()["app"]["id"]
    assert len(await apps(shared_platform, caller)) == 1
    # The same key of somebody else is another import.
    other = await shared_platform.create_caller()
    theirs = await create(shared_platform, other, key=key)
    assert theirs.status_code == 201
    assert theirs.json()["csv_import"]["task_id"] != first.json()["csv_import"]["task_id"]


@pytest.mark.parametrize(
    ("content", "form", "code"),
    [
        ('Code,Amount,x,y\n"A,1,2,3\n', {}, "file_unreadable"),
        (b"%PDF-1.7", {}, "file_unreadable"),
        (FILE, {"plan": json.dumps({**PLAN, "table": "x_aggregate"})}, "validation_failed"),
        (FILE, {"plan": ""}, "validation_failed"),
        (FILE, {"name": " "}, "validation_failed"),
        (FILE, {"plan": json.dumps({**PLAN, "columns": PLAN["columns"][2:3], "key": []})}, "file_unreadable"),
    ],
)
async def test_nothing_is_left_of_a_file_that_cannot_be_taken(
    shared_platform: Platform, content: str | bytes, form: dict[str, str], code: str
) -> None:
    caller = await shared_platform.create_caller()
    answer = await create(shared_platform, caller, content, **form)
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert await apps(shared_platform, caller) == []


async def test_the_place_of_the_fault_is_named(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    answer = (await create(shared_platform, caller, 'a,b,c,d\n1,2,3,4\n1,"2,3,4\n')).json()
    assert (answer["line"], answer["column"]) == (3, 3)
    assert answer["fields"][0]["path"] == "file" and answer["fields"][0]["message"].startswith("line 3, column 3: ")


async def test_who_may(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    member = await shared_platform.create_colleague(caller, Role.MEMBER)
    assert (await create(shared_platform, member)).status_code == 403
    narrow = await shared_platform.create_colleague(caller, Role.BUILDER, scopes=[Scope.BUILD])
    assert (await create(shared_platform, narrow)).status_code == 403
    assert await apps(shared_platform, caller) == []


async def test_an_engine_that_hears_of_the_table_late_is_waited_for(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = GraphQLAnswer(
        200, b'{"errors": [{"message": "no mutations exist", "extensions": {"code": "validation-failed"}}]}'
    )
    executed: list[object] = []
    execute = EmbeddedBackend.execute_within

    async def execute_late(self: EmbeddedBackend, *arguments: Any) -> GraphQLAnswer:
        executed.append(arguments)
        return late if len(executed) == 1 else await execute(self, *arguments)

    monkeypatch.setattr(EmbeddedBackend, "execute_within", execute_late)
    caller = await shared_platform.create_caller()
    created = (await create(shared_platform, caller)).json()
    shop = Shop(shared_platform, caller, app=None)  # type: ignore[arg-type]
    job = await shop.ended("csv-imports", created["csv_import"]["id"])
    assert (job["status"], job["import_result"]["inserted"]) == ("completed", 1), job
