"""The web console in a real browser, on the real control plane behind a socket."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest
from playwright.async_api import Browser, async_playwright, expect

from platform_api.web.templating import CONSOLE
from tests.console.visitor import AXE, Visitor, visiting
from tests.platform_api.conftest import (  # noqa: F401  # fixtures of the platform
    Platform,
    anyio_backend,
    copy_platform_database,
    migrated_template,
    module_database_url,
    platform,
    platform_database_url,
    shared_platform,
)
from tests.platform_api.graphql.serving import serve_app

# Only a fault takes this long: on a busy machine a page may stand still for half a minute.
expect.set_options(timeout=120_000)

Visit = Callable[..., AbstractAsyncContextManager[Visitor]]


@pytest.fixture(scope="module")
async def browser(anyio_backend: str) -> AsyncIterator[Browser]:  # noqa: F811
    """The system's Chromium; skips without one, and where the console is not built."""
    executable = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if executable is None:
        pytest.skip("no Chromium is installed")
    if not (CONSOLE / "index.html").exists():
        pytest.skip("the web console is not built (`make console` says why)")
    if not AXE.exists():
        pytest.skip("what the console's tests need is not installed (`make lint` says why)")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield launched
        await launched.close()


@pytest.fixture(scope="module")
async def console_url(shared_platform: Platform) -> AsyncIterator[str]:  # noqa: F811
    """Where the platform of this module can be reached."""
    async with serve_app(shared_platform.app) as url:
        yield url


@pytest.fixture
def visit(browser: Browser, console_url: str) -> Visit:
    """Opens a browser profile on the platform: `async with visit(scheme="dark") as visitor`."""
    return partial(visiting, browser, console_url)
