"""Fixtures of the tests of permissions."""

import pytest

from platform_api.accounts.models import Role
from tests.platform_api.conftest import Platform
from tests.platform_api.graphql.shop import open_shop
from tests.platform_api.tables.permissions.limited import Limited, organization_of


@pytest.fixture
async def limited(shared_platform: Platform) -> Limited:
    """A shop and a member of its owner's organization."""
    shop = await open_shop(shared_platform)
    organization = await organization_of(shared_platform, shop.owner)
    return Limited(shop, await shared_platform.create_caller(organization=organization, role=Role.MEMBER))
