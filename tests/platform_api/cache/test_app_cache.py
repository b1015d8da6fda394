"""The cache below an app: the same entries as the cache service, and nobody else's."""

import pytest

from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


async def test_values_are_stored_read_and_deleted_by_scope(shared_platform: Platform) -> None:
    owner, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    url = f"/apps/{app.id}/api-cache/"
    async with shared_platform.client(owner) as client:
        for scope in ("app", "organization"):
            entry = {"scope": scope, "key": "rates/€"}
            absent = await client.request("GET", url, json=entry)
            assert absent.json() == {"value": None, "exists": False}
            exact = (
                b'{"scope": "%s", "key": "k", "value": {"n": 12345678901234567890.50}, "ttl": 60}' % scope.encode()
            )
            headers = {"Content-Type": "application/json"}
            assert (await client.post(url, content=exact, headers=headers)).json() == {"ok": True}
            read = await client.request("GET", url, json={"scope": scope, "key": "k"})
            assert read.content == b'{"value":{"n": 12345678901234567890.50},"exists":true}'
        assert (await client.request("DELETE", url, json={"scope": "app", "key": "k"})).json() == {"ok": True}
        assert (await client.request("DELETE", url, json={"scope": "app", "key": "k"})).json() == {"ok": False}
        kept = await client.request("GET", url, json={"scope": "organization", "key": "k"})
        assert kept.json()["exists"] is True, "the two scopes do not see each other's keys"
        refused = await client.request("GET", url, json={"scope": "all", "key": "k"})
        assert (refused.status_code, refused.json()["fields"][0]["path"]) == (400, "scope")
    async with shared_platform.client(stranger) as client:
        assert (await client.request("GET", url, json={"scope": "organization", "key": "k"})).status_code == 404
