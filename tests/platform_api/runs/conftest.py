"""A runner, and a queue in which only the test's own runs wait."""

from collections.abc import AsyncIterator

import pytest

from tests.platform_api.conftest import Platform
from tests.platform_api.runs.working import ProtocolRunner, create_runner_token


@pytest.fixture
async def platform(shared_platform: Platform) -> Platform:
    """The module's platform without the runs of earlier tests: a claim takes whatever waits."""
    async with shared_platform.database.transaction() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("delete from platform.runs")
        await connection.exec_driver_sql("delete from platform.runners")
        # With slots enough that none is kept from the test's organization.
        await connection.exec_driver_sql(
            "insert into platform.runners (id, isolation, slots, seen_at) values ('idle', 'bubblewrap', 100, now())"
        )
    return shared_platform


@pytest.fixture
async def runner(platform: Platform) -> AsyncIterator[ProtocolRunner]:
    token = await create_runner_token(platform)
    async with platform.client(headers={"Authorization": f"Bearer {token}"}) as client:
        yield ProtocolRunner(client)
