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


async def test_what_cannot_be_stored_is_told_by_the_field_that_was_sent(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    web = {"title": "Web", "url": "https://example.com/x"}
    cases: list[tuple[str, dict[str, object]]] = [
        ("actions.1.url", {"actions": [web, {"title": "Open", "url": "javascript:alert(1)"}]}),
        ("actions.1.app_path", {"actions": [web, {"title": "Open", "app_path": "/a b"}]}),
        ("title", {"title": "two\nlines"}),
        ("data", {"data": {"x": "y" * 20_000}}),
        ("data", {"data": {"x": 10**30}}),
    ]
    async with shared_platform.client(owner) as client:
        for path, fields in cases:
            refused = await client.post(f"/apps/{app.id}/notifications/", json={"title": "Ready", **fields})
            answered = refused.json()
            assert (refused.status_code, answered["fields"][0]["path"]) == (422, path), answered
            assert answered["detail"] == f"{path}: {answered['fields'][0]['message']}"
            assert "pydantic" not in refused.text and "validation error" not in refused.text
