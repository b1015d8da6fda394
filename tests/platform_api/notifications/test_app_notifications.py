"""Notifications of an app, as the published client sends them."""

import pytest

from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


async def test_a_notification_of_an_app_arrives_with_its_buttons(shared_platform: Platform) -> None:
    owner, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    body = {
        "title": "Ready",
        "description": "",
        "kind": "success",
        "event_key": "report",
        "data": {"n": 1},
        "actions": [{"title": "Open", "app_path": "/#/alerts"}, {"title": "Web", "url": "https://example.com/x"}],
    }
    async with shared_platform.client(owner) as client:
        sent = await client.post(f"/apps/{app.id}/notifications/", json=body)
        assert (sent.status_code, sent.json()["ok"]) == (201, True)
        [stored] = (await client.get("/api/notifications/")).json()["results"]
        assert (stored["title"], stored["kind"], stored["app_id"]) == ("Ready", "success", app.id)
        assert stored["data"] == {"n": 1, "event_key": "report"}
        assert [action["url"] for action in stored["actions"]] == [
            f"/apps/{app.slug}/#/alerts",
            "https://example.com/x",
        ]
        wrong = {**body, "actions": [{"title": "Open", "url": "javascript:alert(1)"}]}
        assert (await client.post(f"/apps/{app.id}/notifications/", json=wrong)).status_code == 422
        elsewhere = {**body, "organization_id": stranger.organization_id}
        assert (await client.post(f"/apps/{app.id}/notifications/", json=elsewhere)).status_code == 403
    async with shared_platform.client(stranger) as client:
        assert (await client.post(f"/apps/{app.id}/notifications/", json=body)).status_code == 404
