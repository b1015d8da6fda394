"""The first start: one organization, one owner, a token that can set up everything else."""

import asyncio

import httpx
import pytest

from platform_api.accounts.bootstrap import bootstrap
from platform_api.app import create_app
from tests.platform_api.conftest import BASE_URL, make_settings

pytestmark = pytest.mark.anyio


async def test_the_first_start_makes_one_organization_however_many_processes_try(platform_database_url: str) -> None:
    made = await asyncio.gather(*(bootstrap(platform_database_url, base_url=BASE_URL) for _ in range(3)))
    [admin] = [found for found in made if found is not None]
    assert (admin["organization_id"], admin["base_url"]) == (1, BASE_URL)
    assert await bootstrap(platform_database_url, base_url=BASE_URL) is None


async def test_its_token_sets_up_a_second_organization_with_its_own_users_and_tokens(
    platform_database_url: str,
) -> None:
    admin = await bootstrap(platform_database_url, base_url=BASE_URL)
    assert admin is not None
    app = create_app(make_settings(platform_database_url))
    headers = {"Authorization": f"App-Token {admin['token']}"}
    async with (
        app.api.router.lifespan_context(app.api),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL, headers=headers) as client,
    ):
        credentials = {"email": "second@example.com", "password": "long enough 1"}
        assert (await client.post("/api/users/", json=credentials)).status_code == 201
        assert (await client.post("/api/organizations/", json={"name": "Second"})).json()["id"] == 2
        joined = await client.post(
            "/api/organizations/2/members/", json={"email": credentials["email"], "role": "owner"}
        )
        assert joined.status_code == 201
        token = (await client.post("/api/tokens/", json={"organization_id": 2})).json()["token"]
        second = {"Authorization": f"App-Token {token}"}
        assert (await client.get("/api/me/", headers=second)).json()["organization"]["id"] == 2
        created = await client.post("/api/apps/", json={"name": "theirs"}, headers=second)
        assert created.status_code == 201
        assert (await client.get(f"/api/apps/{created.json()['id']}/")).status_code == 404
        signed_in = await client.post("/api/sessions/", json={"email": admin["email"], "password": admin["password"]})
        assert signed_in.status_code == 200
