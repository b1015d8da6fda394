"""Installing another organization's app, and whose rows its scripts reach."""

import pytest

from platform_api.accounts.authentication import authenticate_token
from platform_api.accounts.models import Role
from platform_api.apps.access import get_usable_app, installed_organization_ids
from platform_api.apps.models import App
from platform_api.core.errors import PlatformError
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio


async def _reach(platform: Platform, app: App) -> set[int]:
    async with platform.database.transaction() as session:
        return set(await installed_organization_ids(session, app.id))


async def _use(platform: Platform, app: App, caller: Caller) -> str:
    async with platform.database.transaction() as session:
        actor = await authenticate_token(session, caller.token)
        try:
            await get_usable_app(session, actor, app.id)
        except PlatformError as error:
            return f"{error.status_code} {error.message}"
        return "usable"


async def test_an_owners_scripts_reach_exactly_the_organizations_that_installed_and_did_not_suspend(
    shared_platform: Platform,
) -> None:
    owner, guest, bystander = [await shared_platform.create_caller() for _ in range(3)]
    app = await shared_platform.create_app(owner, is_public=True)
    assert await _reach(shared_platform, app) == {owner.organization_id}
    url = f"/api/apps/{app.slug}/"
    async with shared_platform.client(guest) as client:
        summary = (await client.get(f"{url}access/")).json()
        assert summary["app"] == app.slug
        installed = await client.post(f"{url}install/", json={"access_digest": summary["digest"]})
        assert installed.status_code == 201, installed.text
        assert await _reach(shared_platform, app) == {owner.organization_id, guest.organization_id}
        assert await _use(shared_platform, app, guest) == "usable"
        assert (await client.get(url)).json()["activated"] is True

        assert (await client.patch(f"{url}install/", json={"status": "suspended"})).status_code == 200
        assert await _reach(shared_platform, app) == {owner.organization_id}
        assert "403 the app" in await _use(shared_platform, app, guest)
        assert (await client.get(url)).json()["activated"] is False

        await client.patch(f"{url}install/", json={"status": "active"})
        assert guest.organization_id in await _reach(shared_platform, app)

        assert (await client.delete(f"{url}install/")).status_code == 204
        assert await _reach(shared_platform, app) == {owner.organization_id}
        assert (await client.get(f"{url}install/")).status_code == 404
    assert (await _use(shared_platform, app, bystander)).startswith("404")
    assert await _use(shared_platform, app, owner) == "usable"


async def test_consent_is_to_what_was_shown(shared_platform: Platform) -> None:
    owner, guest = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner, is_public=True)
    async with shared_platform.client(guest) as client:
        reply = await client.post(f"/api/apps/{app.id}/install/", json={"access_digest": "0" * 64})
    assert (reply.status_code, "changed since you were shown it" in reply.json()["detail"]) == (409, True)


async def test_only_an_owner_installs_and_only_their_own_organization_is_affected(shared_platform: Platform) -> None:
    owner, guest, other = [await shared_platform.create_caller() for _ in range(3)]
    app = await shared_platform.create_app(owner, is_public=True)
    builder = await shared_platform.create_colleague(guest, Role.BUILDER)
    await shared_platform.install(app, guest)
    url = f"/api/apps/{app.id}/install/"
    async with shared_platform.client(builder) as client:
        assert (await client.patch(url, json={"status": "suspended"})).status_code == 403
        assert (await client.delete(url)).status_code == 403
    async with shared_platform.client(other) as client:
        assert (await client.patch(url, json={"status": "suspended"})).status_code == 404
        assert (await client.delete(url)).status_code == 404
    async with shared_platform.client(guest) as client:
        again = await client.post(url, json={"access_digest": "x"})
    assert again.status_code == 409
    assert guest.organization_id in await _reach(shared_platform, app)


async def test_the_owner_sees_who_installed_and_cannot_install_their_own(shared_platform: Platform) -> None:
    owner, guest = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner, is_public=True)
    await shared_platform.install(app, guest)
    async with shared_platform.client(owner) as client:
        installers = (await client.get(f"/api/apps/{app.id}/installs/")).json()
        own = await client.post(f"/api/apps/{app.id}/install/", json={"access_digest": "x"})
    assert [(found["organization"], found["status"]) for found in installers] == [(guest.organization_slug, "active")]
    assert own.status_code == 409


async def test_an_app_switched_off_by_its_owner_is_refused_by_name(shared_platform: Platform) -> None:
    owner, guest = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner, is_public=True)
    await shared_platform.install(app, guest)
    async with shared_platform.client(owner) as client:
        await client.put(f"/api/apps/{app.id}/", json={"name": "off", "is_active": False})
    assert await _use(shared_platform, app, guest) == f"403 the app {app.slug} is switched off by its owner"
