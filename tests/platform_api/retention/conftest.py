"""An app whose history is looked through."""

import pytest

from tests.platform_api.conftest import Platform
from tests.platform_api.runs.working import Workshop, create_workshop


@pytest.fixture
async def workshop(shared_platform: Platform) -> Workshop:
    return await create_workshop(shared_platform)
