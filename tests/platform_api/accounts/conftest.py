"""What the tests of accounts share: platforms that send mail to a server on loopback."""

from collections.abc import AsyncIterator

import pytest

from tests.platform_api.conftest import Platform, make_settings, running_platform
from tests.platform_api.smtp import Inbox, smtp_server


@pytest.fixture(scope="module")
async def inbox(anyio_backend: str) -> Inbox:
    return Inbox()


@pytest.fixture(scope="module")
async def mailing(module_database_url: str, inbox: Inbox) -> AsyncIterator[Platform]:
    """A platform that sends mail, for all tests of a module."""
    async with smtp_server(inbox) as port:
        settings = make_settings(module_database_url, smtp_url=f"smtp://127.0.0.1:{port}?from=platform@example.com")
        async with running_platform(settings) as platform:
            yield platform
