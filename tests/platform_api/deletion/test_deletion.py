"""Deleting an app: what is told before, what goes with it, and who may do it."""

from typing import Any

import pytest

from platform_api.accounts.models import Role
from tests.platform_api.conftest import Platform
from tests.platform_api.runs.working import ProtocolRunner, create_runner_token, create_workshop

pytestmark = pytest.mark.anyio

ORDERS: dict[str, Any] = {"name": "orders", "columns": [{"name": "number", "type": "text"}]}
LINES = {
    "name": "lines",
    "columns": [{"name": "order", "type": "reference"}],
    "foreign_keys": [{"column": "order", "table": "orders"}],
}
BACK = {
    "name": "orders",
    "columns": [{"name": "first_line", "type": "reference"}],
    "foreign_keys": [{"column": "first_line", "table": "lines"}],
}


async def test_an_app_is_deleted_with_everything_in_it(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    caller, app = workshop.caller, workshop.app
    other = await create_workshop(shared_platform, caller=caller)
    installer = await shared_platform.create_caller()
    await shared_platform.install(app, installer)
    base = f"/api/apps/{app.id}"
    bound = await shared_platform.create_colleague(caller, Role.MEMBER, app_id=app.id)
    async with shared_platform.client(caller) as client:
        for table in (ORDERS, LINES):
            assert (await client.post(f"{base}/new_table/", json=table)).status_code == 200
        # The tables refer to each other in a circle.
        assert (await client.put(f"{base}/edit_table/", json=BACK)).status_code == 200
        insert = {
            "query": f'mutation {{ insert_app_{app.id}_orders(objects: [{{number: "A"}}]) {{ affected_rows }} }}'
        }
        assert "errors" not in (await client.post(f"{base}/v1/graphql", json=insert)).json()
        stored = await client.post(f"{base}/files/", files={"file": ("a.txt", b"abc", "text/plain")})
        assert stored.status_code == 201, stored.text
        started = await workshop.run()
        contents = (await client.get(f"{base}/contents/")).json()
        assert (contents["tables"], contents["files"], contents["file_bytes"]) == (2, 1, 3)
        assert (contents["actions"], contents["runs"], contents["open_runs"], contents["installs"]) == (1, 1, 1, 1)

        secret = await create_runner_token(shared_platform)
        async with shared_platform.client(headers={"Authorization": f"Bearer {secret}"}) as runner_client:
            runner = ProtocolRunner(runner_client)
            claim = await runner.claim_one()
            await runner.start(claim)
            deleted = await client.delete(f"{base}/")
            assert deleted.status_code == 204, deleted.text
            [held] = await runner.heartbeat(claim)
            assert held["held"] is False
            assert (await runner.finish(claim)).status_code == 409

        assert (await client.get(f"{base}/")).status_code == 404
        assert (await client.get(f"/api/actions/runs/{started['run_id']}/")).status_code == 404
        assert (await client.get(f"/api/apps/{other.app.id}/")).status_code == 200
        again = await client.post("/api/apps/", json={"name": "New", "slug": app.slug})
        assert again.status_code == 201
    async with shared_platform.client(bound) as client:
        assert (await client.get("/api/me/")).status_code == 401
    async with shared_platform.client(installer) as client:
        assert app.id not in [item["id"] for item in (await client.get("/api/apps/")).json()["results"]]
    connection = await shared_platform.database.connect()
    try:
        names = await connection.fetch("select relname from pg_class where relname like $1", f"app_{app.id}\\_%")
    finally:
        await connection.close()
    assert names == []


async def test_only_owners_of_its_organization_delete_an_app(shared_platform: Platform) -> None:
    workshop = await create_workshop(shared_platform)
    base = f"/api/apps/{workshop.app.id}/"
    builder = await shared_platform.create_colleague(workshop.caller, Role.BUILDER)
    installer, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    await shared_platform.install(workshop.app, installer)
    async with shared_platform.client(builder) as client:
        assert (await client.get(f"{base}contents/")).status_code == 200
        refused = await client.delete(base)
        assert (refused.status_code, refused.json()["code"]) == (403, "missing_role")
    for caller in (installer, stranger):
        async with shared_platform.client(caller) as client:
            assert (await client.get(f"{base}contents/")).status_code == 404
            assert (await client.delete(base)).status_code == 404
    async with shared_platform.client(workshop.caller) as client:
        assert (await client.get(base)).status_code == 200
