"""An app with a webhook action, and the ways tests call it."""

from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import select

from platform_api.apps.models import App
from platform_api.runs.models import Run
from tests.platform_api.conftest import Caller, Platform


@dataclass
class Desk:
    """An app with a webhook action."""

    platform: Platform
    caller: Caller
    app: App

    async def open(self, *, caller: Caller | None = None, **fields: Any) -> dict[str, Any]:
        """A new webhook."""
        async with self.platform.client(caller or self.caller) as client:
            made = await client.post(f"/api/apps/{self.app.id}/webhooks/", json={"action": "take", **fields})
        assert made.status_code == 201, made.text
        webhook: dict[str, Any] = made.json()
        return webhook

    async def call(self, webhook: dict[str, Any], method: str = "POST", **options: Any) -> httpx.Response:
        """A sender, who has no token."""
        query = options.pop("query", "")
        async with self.platform.client() as client:
            return await client.request(method, httpx.URL(webhook["url"]).path + query, **options)

    async def run(self, answer: httpx.Response) -> Run:
        assert answer.status_code == 200, answer.text
        async with self.platform.database.transaction() as session:
            return await session.get_one(Run, answer.json()["run_id"])

    async def runs(self) -> int:
        async with self.platform.database.transaction() as session:
            return len((await session.scalars(select(Run.id).where(Run.app_id == self.app.id))).all())


async def open_desk(platform: Platform, *, is_public: bool = False) -> Desk:
    caller = await platform.create_caller()
    app = await platform.create_app(caller, is_public=is_public)
    async with platform.client(caller) as client:
        for slug, kind in (("take", "webhook_action"), ("other", "app_action")):
            action = {"app": app.id, "name": slug, "slug": slug, "code": "print(1)", "action_type": kind}
            made = await client.post("/api/actions/", json={**action, "is_public": is_public})
            assert made.status_code == 201, made.text
    return Desk(platform, caller, app)
