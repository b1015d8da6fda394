"""The web pages: GraphiQL per app, the API documentation, and that nothing is loaded from elsewhere."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from platform_api.accounts.tokens import issue_runner_token
from platform_api.apps.models import InstallStatus
from platform_api.core.health import HealthChecks
from platform_api.web import console
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio

ORIGIN = {"Origin": "http://platform.test"}
_LOADED = re.compile(r"""(?:src|href)="([^"]+)\"""")


async def test_a_person_who_signs_in_opens_graphiql(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    playground = f"/api/apps/graphql/?app={app.id}&table=orders"
    async with shared_platform.client(headers={"Accept": "text/html"}) as client:
        sent_away = await client.get(playground)
        away = f"/sign-in?next={quote(playground, safe='')}"
        assert (sent_away.status_code, sent_away.headers["location"]) == (303, away)
        body = {"email": caller.email, "password": Platform.password}
        assert (await client.post("/api/sessions/", json=body, headers=ORIGIN)).status_code == 200
        page = await client.get(playground)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert f'data-endpoint="/api/apps/{app.id}/v1/graphql"' in page.text
        assert f"app_{app.id}_orders(limit: 10)" in page.text


async def test_the_playground_of_an_app_is_for_those_who_may_use_it(shared_platform: Platform) -> None:
    owner, guest, stranger = [await shared_platform.create_caller() for _ in range(3)]
    app = await shared_platform.create_app(owner, is_public=True)
    await shared_platform.install(app, guest, status=InstallStatus.SUSPENDED)
    url = f"/api/apps/graphql/?app={app.slug}"
    async with shared_platform.client() as client:
        by_name = f"/api/apps/graphql/?app={owner.organization_slug}/{app.slug}&table=app_{app.id}_orders"
        own = await client.get(by_name, headers={**owner.headers, "Accept": "text/html"})
        assert (own.status_code, f"app_{app.id}_orders(" in own.text) == (200, True)
        assert owner.token not in own.text
        assert (await client.get(url, headers=guest.headers)).status_code == 403
        assert (await client.get(url, headers=stranger.headers)).status_code == 404
        nobody = await client.get(url)
    assert (nobody.status_code, "the token is missing" in nobody.json()["detail"]) == (401, True)


async def test_names_from_outside_are_never_markup(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    hostile = "<script>alert(1)</script>"
    async with shared_platform.client(caller) as client:
        app = (await client.post("/api/apps/", json={"name": hostile})).json()
        page = await client.get("/api/apps/graphql/", params={"app": app["id"], "table": hostile})
    assert hostile not in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


async def test_a_sign_in_from_another_site_is_refused(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    body = {"email": caller.email, "password": Platform.password}
    async with shared_platform.client() as client:
        foreign = await client.post("/api/sessions/", json=body, headers={"Origin": "http://evil.test"})
    assert (foreign.status_code, foreign.cookies) == (403, {})


async def test_without_the_console_the_first_page_says_what_is_missing(
    shared_platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(console, "CONSOLE", tmp_path / "not-built")
    async with shared_platform.client(headers={"Accept": "text/html"}) as client:
        first, other = await client.get("/"), await client.get("/acme/orders")
    assert (first.status_code, other.status_code) == (200, 404)
    for answer in (first, other):
        assert "make console" in answer.text and "Node 22.12" in answer.text


async def test_everything_a_page_loads_comes_from_the_platform(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    app = await shared_platform.create_app(caller)
    async with shared_platform.client(caller) as client:
        for page in ("/docs", f"/api/apps/graphql/?app={app.id}"):
            loaded = [url for url in _LOADED.findall((await client.get(page)).text) if "/static/" in url]
            assert loaded, page
            for url in loaded:
                asset = await client.get(url)
                assert asset.status_code == 200, url
                assert asset.headers["cache-control"].startswith("public, max-age=")
            assert not [url for url in _LOADED.findall((await client.get(page)).text) if "//" in url]
        vendored = await client.get("/static/vendor/graphiql-4.1.2/LICENSE")
        outside = await client.get("/static/../pages.py")
        climbing = await client.get("/static/%2e%2e/pages.py")
    assert "MIT" in vendored.text
    assert (outside.status_code, climbing.status_code) == (404, 404)


async def test_health_names_each_part_and_turns_503_when_one_fails(platform: Platform) -> None:
    async with platform.database.transaction() as session:
        runner = await issue_runner_token(session, name="r1")
    async with platform.client() as client:
        claimed = await client.post(
            "/api/runner/claim/",
            json={"runner_id": "r1", "slots": 1, "isolation": "bubblewrap"},
            headers={"Authorization": f"Bearer {runner.secret}"},
        )
        assert claimed.status_code == 200, claimed.text
        works = await client.get("/health")
        await client.post(
            "/api/runner/claim/",
            json={"runner_id": "r2", "slots": 1, "isolation": "landlock", "runs_as_root": True},
            headers={"Authorization": f"Bearer {runner.secret}"},
        )
        as_root = await client.get("/health")

        async def broken() -> str:
            raise OSError("away")

        platform.app.services[HealthChecks].add("cache", broken)
        fails = await client.get("/health")
    assert works.status_code == 200, works.text
    assert works.json()["status"] == "ok"
    assert works.json()["parts"]["database"] == "ok"
    assert works.json()["isolation"] == {"configured": "auto", "levels": ["bubblewrap"], "runners": 1, "as_root": 0}
    assert as_root.json()["isolation"] == {
        "configured": "auto",
        "levels": ["bubblewrap", "landlock"],
        "runners": 2,
        "as_root": 1,
    }
    assert (fails.status_code, fails.json()["parts"]["cache"], fails.json()["parts"]["database"]) == (
        503,
        "unavailable",
        "ok",
    )
    assert "away" not in fails.text
