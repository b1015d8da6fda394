"""Fixtures of the webhooks' tests."""

import pytest

from tests.platform_api.conftest import Platform
from tests.platform_api.webhooks.desk import Desk, open_desk


@pytest.fixture
async def desk(shared_platform: Platform) -> Desk:
    return await open_desk(shared_platform)
