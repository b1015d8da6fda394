"""A shop whose owner limits what members may do, and a member."""

from dataclasses import dataclass
from typing import Any

import httpx

from platform_api.accounts.models import Organization
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.graphql.shop import Shop


@dataclass(frozen=True)
class Limited:
    """The shop, and a member of its owner's organization."""

    shop: Shop
    member: Caller

    @property
    def base(self) -> str:
        return f"/api/apps/{self.shop.app}/table"

    async def limit(self, table: str = "orders", base_revision: int = 0, **permission: Any) -> Any:
        """Limits members; returns the stored permission."""
        body = {"base_revision": base_revision, **permission}
        answer = await self.send(self.shop.owner, "PUT", f"{table}/permissions/member/", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def send(self, caller: Caller, method: str, path: str, body: Any = None) -> httpx.Response:
        async with self.shop.platform.client(caller) as client:
            return await client.request(method, f"{self.base}/{path}", json=body)


async def organization_of(platform: Platform, caller: Caller) -> Organization:
    """The caller's organization."""
    async with platform.database.transaction() as session:
        organization = await session.get(Organization, caller.organization_id)
        assert organization is not None
        return organization
