"""The form that is generated from a definition: shown to builders who are signed in, its values stored sealed."""

import re
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import select

from platform_api.accounts.models import Role
from platform_api.integrations.definitions.catalogue import built_in
from platform_api.integrations.definitions.form import form_schema
from platform_api.integrations.models import Connection
from platform_api.mock_shop.faults import Fault
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.integrations.conftest import RunningShop
from tests.platform_api.integrations.test_oauth import define
from tests.platform_api.integrations.test_oauth import definition as oauth_definition

pytestmark = pytest.mark.anyio

ORIGIN = {"Origin": "http://platform.test"}


async def _define(platform: Platform, caller: Caller, **definition: Any) -> None:
    async with platform.client(caller) as client:
        made = await client.post("/api/integrations/", json={"id": "form", "name": "Form", **definition})
        assert made.status_code == 201, made.text


async def _signed_in(client: httpx.AsyncClient, caller: Caller) -> None:
    body = {"email": caller.email, "password": Platform.password}
    assert (await client.post("/api/sessions/", json=body, headers=ORIGIN)).status_code == 200


def _inputs(page: str) -> dict[str, str]:
    """Names of the inputs, and their types."""
    found = re.findall(r"<input[^>]*>", page)
    names = {re.search(r'name="([^"]+)"', one): re.search(r'type="([^"]+)"', one) for one in found}
    return {name[1]: kind[1] if kind else "text" for name, kind in names.items() if name}


@pytest.mark.parametrize(
    ("auth", "fields"),
    [
        ({"type": "api_key", "name": "X-Api-Key"}, {"credentials.api_key": "password"}),
        ({"type": "basic"}, {"credentials.username": "text", "credentials.password": "password"}),
        (
            {"type": "hmac", "fields": ["body"]},
            {"credentials.key": "text", "credentials.secret": "password"},
        ),
        ({"type": "none"}, {}),
    ],
)
async def test_the_form_asks_for_what_the_definition_needs(
    shared_platform: Platform, auth: dict[str, Any], fields: dict[str, str]
) -> None:
    caller = await shared_platform.create_caller()
    await _define(shared_platform, caller, base_url="https://{shop}.example.com", auth=auth)
    async with shared_platform.client() as client:
        away = await client.get("/accounts/connect/form/")
        assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=%2Faccounts%2Fconnect%2Fform%2F")
        await _signed_in(client, caller)
        page = await client.get("/accounts/connect/form/")
    assert page.status_code == 200
    assert _inputs(page.text) == {"name": "text", "placeholders.shop": "text", **fields}


async def test_an_account_is_connected_and_tried(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    auth = {"type": "api_key", "location": "header", "name": "X-Api-Key"}
    await _define(shared_platform, caller, base_url=shop.url, auth=auth, status_check_url="/me")
    values = {"name": "<b>anna</b>", "credentials.api_key": "shop-key-anna"}
    async with shared_platform.client() as client:
        await _signed_in(client, caller)
        answer = await client.post("/accounts/connect/form/", data=values, headers=ORIGIN)
        assert answer.status_code == 200 and "<h1>Connected</h1>" in answer.text, answer.text
        assert "&lt;b&gt;anna&lt;/b&gt;" in answer.text and "shop-key-anna" not in answer.text
        twice = await client.post("/accounts/connect/form/", data=values, headers=ORIGIN)
        assert twice.status_code == 409 and "already" in twice.text
        assert "shop-key-anna" not in twice.text, "a secret is not sent back"
        wrong = {"name": "bert", "credentials.api_key": "no-such-key"}
        refused = await client.post("/accounts/connect/form/", data=wrong, headers=ORIGIN)
        assert refused.status_code == 422 and "answered 401" in refused.text and "no-such-key" not in refused.text
        shop.shop.faults.add(Fault("status", path="/me", status=503))
        away = {"name": "erik", "credentials.api_key": "shop-key-bert"}
        untried = await client.post("/accounts/connect/form/", data=away, headers=ORIGIN)
        assert "a first call failed" in untried.text and "answered 503" in untried.text
        missing = await client.post("/accounts/connect/form/", data={"name": "carl"}, headers=ORIGIN)
        assert missing.status_code == 422 and "&#39;api_key&#39; is missing" in missing.text
        nameless = await client.post("/accounts/connect/form/", data={"credentials.api_key": "k-1"}, headers=ORIGIN)
        assert nameless.status_code == 422 and "name: " in nameless.text and "k-1" not in nameless.text
        broken = {"name": "dora", "credentials.api_key": "secret\r\nX-Injected: 1"}
        injected = await client.post("/accounts/connect/form/", data=broken, headers=ORIGIN)
        assert injected.status_code == 422 and "X-Injected" not in injected.text
    async with shared_platform.database.transaction() as session:
        stored = (
            await session.scalars(
                select(Connection).where(Connection.organization_id == caller.organization_id).order_by(Connection.id)
            )
        ).all()
    assert [one.name for one in stored] == ["<b>anna</b>", "erik"]
    assert all(b"shop-key" not in one.sealed_credentials for one in stored)


async def test_a_sign_in_at_the_provider_is_led_to(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    await define(shared_platform, caller, shop.url)
    async with shared_platform.client() as client:
        await _signed_in(client, caller)
        page = await client.get("/accounts/connect/shop/")
        assert _inputs(page.text) == {} and "Continue to Shop" in page.text
        led = await client.post("/accounts/connect/shop/", data={}, headers=ORIGIN)
        assert led.status_code == 303 and led.headers["location"].startswith("http://platform.test/connect/")
        assert (await client.get(led.headers["location"])).status_code == 200


async def test_without_an_oauth_client_no_sign_in_is_offered(shared_platform: Platform, shop: RunningShop) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        made = await client.post("/api/integrations/", json=oauth_definition(shop.url))
        assert made.status_code == 201, made.text
        assert (await client.get("/api/integrations/shop/")).json()["oauth_client"] is False
    async with shared_platform.client() as client:
        await _signed_in(client, caller)
        page = await client.get("/accounts/connect/shop/")
        assert page.status_code == 409 and "<form" not in page.text and "no OAuth client" in page.text
        refused = await client.post("/accounts/connect/shop/", data={}, headers=ORIGIN)
        assert refused.status_code == 409 and "<form" not in refused.text
    other = await shared_platform.create_caller()
    await define(shared_platform, other, shop.url)
    for organization, has_client in ((other, True), (caller, False)):
        async with shared_platform.client(organization) as client:
            seen = (await client.get("/api/integrations/", params={"per_page": 100})).json()["results"]
            told = {one["integration_id"]: one["oauth_client"] for one in seen}
            assert (told["shop"], told["github"], told["openai"]) == (has_client, False, None)
            assert (await client.get("/api/integrations/shop/")).json()["oauth_client"] is has_client


async def test_only_builders_of_the_organization_and_only_from_our_own_pages(shared_platform: Platform) -> None:
    owner, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    member = await shared_platform.create_caller(role=Role.MEMBER)
    auth = {"type": "bearer"}
    await _define(shared_platform, owner, base_url="https://api.example.com", auth=auth)
    values = {"name": "x", "credentials.token": "t-123"}
    path = "/accounts/connect/form/"
    async with shared_platform.client() as client:
        assert (await client.post(path, data=values, headers=ORIGIN)).status_code == 401
        await _signed_in(client, owner)
        for elsewhere in ({"Origin": "http://evil.test"}, {}):
            assert (await client.post(path, data=values, headers=elsewhere)).status_code == 403
        assert (await client.get("/accounts/connect/no-such/")).status_code == 404
        foreign = {"organization": stranger.organization_slug}
        assert (await client.get(path, params=foreign)).status_code == 403
    async with shared_platform.client() as client:
        await _signed_in(client, stranger)
        assert (await client.get(path)).status_code == 404
        assert (await client.post(path, data=values, headers=ORIGIN)).status_code == 404
    async with shared_platform.client() as client:
        await _signed_in(client, member)
        refused = await client.get("/accounts/connect/github/")
        assert refused.status_code == 403 and "builder" in refused.text


@pytest.mark.slow
def test_the_form_of_every_built_in_integration_is_a_json_schema() -> None:
    for definition in built_in().values():
        schema = form_schema(definition)
        Draft202012Validator.check_schema(schema)
        sample = {
            group: "x" if content["type"] == "string" else dict.fromkeys(content["properties"], "x")
            for group, content in schema["properties"].items()
        }
        assert Draft202012Validator(schema).is_valid(sample), definition.id
