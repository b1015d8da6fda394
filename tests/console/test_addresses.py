"""Addresses of the console: words that cannot stand for an organization or an app."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from playwright.async_api import expect

from platform_api.app import API_ROUTERS, PAGE_ROUTERS
from tests.console.conftest import Visit
from tests.platform_api.conftest import Platform

SOURCE = Path(__file__).parents[2] / "console" / "src"


def _words(name: str) -> set[str]:
    text = (SOURCE / "routing" / "references.ts").read_text()
    (declared,) = re.findall(rf"{name}: .*? = new Set\(\[(.*?)\]\);", text, re.DOTALL)
    return set(re.findall(r'"([^"]+)"', declared))


def _paths(router: APIRouter) -> Iterator[str]:
    for route in router.routes:
        # A router that is part of another one stands in it as a whole, without the other one's prefix.
        if (included := getattr(route, "original_router", None)) is not None:
            yield from (router.prefix + path for path in _paths(included))
        else:
            yield route.path  # type: ignore[attr-defined]


def test_the_server_serves_nothing_where_the_console_expects_an_organization() -> None:
    served = {path.split("/")[1] for router in (*API_ROUTERS, *PAGE_ROUTERS) for path in _paths(router)}
    assert {"client", "integrations"} < served
    assert served - {""} <= _words("notOrganizations")


def test_pages_of_an_organization_are_no_apps() -> None:
    text = "".join(file.read_text() for file in SOURCE.glob("features/*/routes.tsx"))
    pages = re.findall(r'getParentRoute: \(\) => organizationRoute,\s*path: "([^"/$]+)', text)
    assert pages and set(pages) <= _words("notApps")


@pytest.mark.anyio
async def test_pages_outside_of_organizations_are_no_paths_of_the_api(shared_platform: Platform) -> None:
    text = "".join(file.read_text() for file in SOURCE.glob("features/*/routes.tsx"))
    pages = re.findall(r'getParentRoute: \(\) => outsideRoute,\s*path: "([^"]+)', text)
    assert {"sign-in", "set-up", "invite/$token"} <= set(pages)
    assert {page.split("/")[0] for page in pages} <= _words("notOrganizations")
    async with shared_platform.client(headers={"Accept": "text/html"}) as client:
        for page in pages:
            answer = await client.get(f"/{page.replace('$', '')}", params={"code": "x", "token": "y"})
            assert answer.headers["content-type"].startswith("text/html"), (page, answer.text)


@pytest.mark.anyio
async def test_an_organization_named_like_a_path_is_reached_by_its_id(
    shared_platform: Platform, visit: Visit
) -> None:
    user = await shared_platform.create_user()
    organization = await shared_platform.create_organization(owner=user, slug="apps")
    async with visit() as visitor:
        await visitor.open("/")
        await visitor.sign_in(user.email, Platform.password)
        await expect(visitor.page.get_by_role("heading", name="Apps", exact=True)).to_be_visible()
        await expect(visitor.page).to_have_url(f"{visitor.base_url}/{organization.id}")
        await visitor.page.reload()
        await expect(visitor.page.get_by_role("heading", name="Apps", exact=True)).to_be_visible()
