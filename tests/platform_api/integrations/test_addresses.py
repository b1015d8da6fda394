"""Addresses in definitions: only those of the web, said when they are saved and again when they are used."""

from typing import Any

import pytest
from sqlalchemy import update

from platform_api.integrations.definitions.addresses import check_address_or_path, check_icon, check_web_address
from platform_api.integrations.definitions.catalogue import built_in
from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.models import OwnIntegration
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio

HOSTILE = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)//https://good.example",
    "java\nscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/authorize",
    "ftp://good.example/",
    "file:///etc/passwd",
    "good.example/authorize",
    " https://good.example/",
    "https://good.example/\n",
    "https://good.example/a b",
    "https://good.example\\@evil.example/",
    "https://good.example/\x00",
    "https://good.example/\u2028",
    "https://user:password@good.example/",
    "https://user@good.example/",
    "https://{shop}@good.example/",
    "https:///authorize",
    "https://?x",
    "https://[good.example/",
    "https://good.example:port/",
    "https:/good.example/",
    "",
]
OAUTH2 = {"type": "oauth2", "authorize_url": "https://a.example/x", "token_url": "https://a.example/t"}
OAUTH1 = {
    "type": "oauth1",
    "request_token_url": "https://a.example/r",
    "authorize_url": "https://a.example/x",
    "token_url": "https://a.example/t",
}
IDENTITY = {"name": "login"}
FIELDS: list[tuple[str, dict[str, Any], str]] = [
    ("auth.authorize_url", OAUTH2, "authorize_url"),
    ("auth.token_url", OAUTH2, "token_url"),
    ("auth.request_token_url", OAUTH1, "request_token_url"),
    ("auth.authorize_url", OAUTH1, "authorize_url"),
    ("auth.token_url", OAUTH1, "token_url"),
]


@pytest.mark.parametrize("address", HOSTILE)
def test_what_is_no_address_of_the_web_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"must|is no address"):
        check_web_address(address)
    if address:
        with pytest.raises(ValueError, match=r"must|is no address"):
            check_address_or_path(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://a.example",
        "http://127.0.0.1:8080/x?y=z#w",
        "HTTPS://a.example/{tenant}/x",
        "https://{shop}.a.example:443/",
        "https://[::1]:8080/",
        "https://bücher.example/ä",
    ],
)
def test_addresses_of_the_web_are_taken_as_they_are(address: str) -> None:
    assert check_web_address(address) == check_address_or_path(address) == check_icon(address) == address


def test_icons_have_names_or_addresses() -> None:
    assert check_icon("shop") == "shop"
    for hostile in ("javascript:alert(1)", "data:image/svg+xml,x", "//evil.example/x.svg"):
        with pytest.raises(ValueError, match="must"):
            check_icon(hostile)


@pytest.mark.parametrize(("field", "auth", "name"), FIELDS, ids=lambda value: value if isinstance(value, str) else "")
async def test_each_address_is_refused_by_its_field_when_it_is_saved(
    shared_platform: Platform, field: str, auth: dict[str, Any], name: str
) -> None:
    caller = await shared_platform.create_caller()
    definition = {"id": "shop", "name": "Shop", "base_url": "https://a.example"}
    async with shared_platform.client(caller) as client:
        for address in HOSTILE:
            body = {**definition, "auth": {**auth, name: address}}
            reply = await client.post("/api/integrations/", json=body)
            assert reply.status_code == 422, (address, reply.text)
            assert [found["path"] for found in reply.json()["fields"]] == [field], reply.text
        saved = await client.post("/api/integrations/", json={**definition, "auth": auth})
        assert saved.status_code == 201, saved.text
        body = {**definition, "auth": {**auth, name: HOSTILE[0]}}
        assert (await client.put("/api/integrations/shop/", json=body)).status_code == 422


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("docs_url", {"docs_url": "javascript:alert(1)"}),
        ("website_url", {"website_url": "//evil.example"}),
        ("icon", {"icon": "data:image/svg+xml,<svg onload=alert(1)>"}),
        ("status_check_url", {"status_check_url": "javascript:alert(1)"}),
        ("base_url", {"base_url": "https://a.example\\b"}),
        ("base_url", {"base_url": "https://a.example/\x01"}),
        ("auth.identity.url", {"auth": {**OAUTH2, "identity": {**IDENTITY, "url": "data:text/plain,x"}}}),
        ("auth.identity.url", {"auth": {**OAUTH1, "identity": {**IDENTITY, "url": "//evil.example/me"}}}),
        ("after_connect.url", {"after_connect": {"url": "https://a\\b/x", "values": {"site": "id"}}}),
        (
            "auth.renewal.url",
            {"auth": {**OAUTH2, "renewal": {"url": "https://a\\b/", "params": {"a": "{access_token}"}}}},
        ),
    ],
)
async def test_the_other_addresses_are_refused_by_their_fields(
    shared_platform: Platform, path: str, changes: dict[str, Any]
) -> None:
    caller = await shared_platform.create_caller()
    body = {"id": "shop", "name": "Shop", "base_url": "https://a.example", **changes}
    async with shared_platform.client(caller) as client:
        reply = await client.post("/api/integrations/", json=body)
    assert reply.status_code == 422, reply.text
    assert [found["path"] for found in reply.json()["fields"]] == [path], reply.text


def test_the_catalogue_passes() -> None:
    for definition in built_in().values():
        assert IntegrationDefinition.model_validate(definition.model_dump()) == definition


async def _stored_before(platform: Platform, caller: Caller, **changes: Any) -> None:
    """What a release that did not check these addresses may have stored."""
    auth = {**OAUTH2, **changes.pop("auth", {})}
    body = {"id": "shop", "name": "Shop", "base_url": "https://a.example"}
    async with platform.client(caller) as client:
        assert (await client.post("/api/integrations/", json={**body, "auth": auth | OAUTH2})).status_code == 201
        client_keys = {"client_id": "id", "client_secret": "secret"}
        await client.put("/api/integrations/shop/oauth/client/", json=client_keys)
    async with platform.database.transaction() as session:
        stored = update(OwnIntegration).where(OwnIntegration.organization_id == caller.organization_id)
        await session.execute(stored.values(stored_definition={**body, "auth": auth, **changes}))


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "//evil.example"])
async def test_a_stored_address_leads_nobody_to_a_sign_in(shared_platform: Platform, address: str) -> None:
    caller = await shared_platform.create_caller()
    await _stored_before(shared_platform, caller, auth={"authorize_url": address})
    async with shared_platform.client(caller) as client:
        started = await client.post("/api/integrations/shop/oauth/start/")
        page = await client.get(started.json()["url"])
    assert page.status_code == 409, page.text
    assert "auth.authorize_url: must be an address" in page.text
    assert address not in page.text and "continue" not in page.text


async def test_stored_addresses_are_neither_shown_nor_lost(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    bad = "javascript:alert(1)"
    await _stored_before(shared_platform, caller, docs_url=bad, website_url=bad, icon=bad)
    async with shared_platform.client(caller) as client:
        shown = (await client.get("/api/integrations/shop/")).json()
    assert (shown["api_docs_url"], shown["website_url"], shown["icon"]) == (None, None, None)
    assert bad not in str(shown)
