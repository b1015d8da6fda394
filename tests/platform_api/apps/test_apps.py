"""Apps over HTTP: contract §11, references, and what other organizations cannot reach."""

import pytest

from platform_api.accounts.models import Role, Scope
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


async def test_an_app_is_created_listed_read_and_changed_in_the_contracts_shape(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        created = await client.post(
            "/api/apps/", json={"name": "Order Book", "description": "d", "is_public": True, "unknown": 1}
        )
        assert created.status_code == 201, created.text
        app = created.json()
        assert (app["name"], app["organization"], app["slug"]) == (
            "Order Book",
            caller.organization_slug,
            "order-book",
        )
        assert app["activated"] is True

        changed = await client.put(f"/api/apps/{app['id']}/", json={"name": "Orders"})
        assert changed.status_code == 200
        assert (changed.json()["name"], changed.json()["description"]) == ("Orders", "d"), "what is left out stays"

        changed = await client.put(f"/api/apps/{app['id']}/", json={"icon": "cart", "name": None})
        assert changed.status_code == 200, changed.text
        assert (changed.json()["name"], changed.json()["icon"]) == ("Orders", "cart"), "also the name stays"

        for reference in (app["id"], "order-book"):
            assert (await client.get(f"/api/apps/{reference}/")).json() == changed.json()
        listed = (await client.get("/api/apps/")).json()
    assert listed == {"count": 1, "next": None, "previous": None, "next_cursor": None, "results": [changed.json()]}


async def test_a_list_of_apps_comes_in_pages(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    slugs = [(await shared_platform.create_app(caller)).slug for _ in range(5)]
    async with shared_platform.client(caller) as client:
        first = (await client.get("/api/apps/?per_page=2")).json()
        second = (await client.get(first["next"])).json()
        third = (await client.get(second["next"])).json()
    seen = [app["slug"] for page in (first, second, third) for app in page["results"]]
    assert seen == slugs
    assert third["next"] is None and third["previous"].endswith("page=2&per_page=2")
    assert {page["count"] for page in (first, second, third)} == {5}


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({}, 422, "name: field required"),
        ({"name": " "}, 422, "name: string should have at least 1 character"),
        ({"name": "x" * 151}, 422, "name: string should have at most 150 characters"),
        ({"name": "x", "slug": "a b"}, 422, "slug"),
        ({"name": "x", "slug": "12"}, 422, "slug"),
        ({"name": "x", "slug": "graphql"}, 409, "reserved word"),
        ({"name": "nul \x00"}, 422, "cannot be stored"),
        ({"name": "x", "forked_from": 2**40}, 404, "there is no app"),
    ],
)
async def test_a_bad_app_is_refused_with_the_reason(
    shared_platform: Platform, body: dict[str, object], status: int, detail: str
) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        reply = await client.post("/api/apps/", json=body)
    assert reply.status_code == status, reply.text
    assert detail in reply.json()["detail"]


async def test_a_slug_is_unique_on_the_platform_and_one_made_from_the_name_steps_aside(
    shared_platform: Platform,
) -> None:
    first, second = await shared_platform.create_caller(), await shared_platform.create_caller()
    async with shared_platform.client(first) as client:
        assert (await client.post("/api/apps/", json={"name": "Shop", "slug": "shop"})).status_code == 201
    async with shared_platform.client(second) as client:
        taken = await client.post("/api/apps/", json={"name": "Shop", "slug": "shop"})
        made = await client.post("/api/apps/", json={"name": "Shop"})
    assert (taken.status_code, "taken" in taken.json()["detail"]) == (409, True)
    assert made.status_code == 201
    assert made.json()["slug"].startswith("shop-")


async def test_a_second_app_of_one_name_needs_a_slug_of_its_own(shared_platform: Platform) -> None:
    caller, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        first = (await client.post("/api/apps/", json={"name": "Twice"})).json()
        refused = await client.post("/api/apps/", json={"name": "twice"})
        named = await client.post("/api/apps/", json={"name": "Twice", "slug": f"{first['slug']}-2"})
    async with shared_platform.client(stranger) as client:
        elsewhere = await client.post("/api/apps/", json={"name": "Twice"})
    assert (refused.status_code, refused.json()["code"]) == (409, "name_taken")
    assert [field["path"] for field in refused.json()["fields"]] == ["name"]
    assert f"({first['slug']})" in refused.json()["detail"] and "give a `slug`" in refused.json()["detail"]
    assert (named.status_code, elsewhere.status_code) == (201, 201)


async def test_a_private_app_does_not_exist_for_another_organization(shared_platform: Platform) -> None:
    owner, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    base = f"/api/apps/{app.id}/"
    async with shared_platform.client(stranger) as client:
        replies = [
            await client.get(base),
            await client.put(base, json={"name": "mine now"}),
            await client.get(f"{base}source/"),
            await client.post(f"{base}source/", json={"base_version": 0, "files": {"main.py": ""}}),
            await client.patch(f"{base}source/", json={"base_version": 0, "changes": {"main.py": ""}}),
            await client.get(f"{base}source/versions/"),
            await client.get(f"{base}source/diff/?from=0"),
            await client.get(f"{base}access/"),
            await client.post(f"{base}install/", json={"access_digest": "x"}),
            await client.get(f"{base}install/"),
            await client.patch(f"{base}install/", json={"status": "active"}),
            await client.delete(f"{base}install/"),
            await client.get(f"{base}installs/"),
        ]
        listed = (await client.get("/api/apps/")).json()
        public = (await client.get("/api/apps/?show=public")).json()
    assert {reply.status_code for reply in replies} == {404}, [reply.text for reply in replies]
    assert {reply.json()["detail"] for reply in replies} == {f"there is no app {app.id}"}
    assert listed["results"] == []
    assert app.id not in [found["id"] for found in public["results"]]


async def test_a_public_app_is_shown_but_neither_changed_nor_opened(shared_platform: Platform) -> None:
    owner, stranger = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner, is_public=True)
    async with shared_platform.client(stranger) as client:
        assert (await client.get(f"/api/apps/{app.slug}/")).json()["is_own"] is False
        assert (await client.put(f"/api/apps/{app.id}/", json={"name": "x"})).status_code == 404
        source = await client.get(f"/api/apps/{app.id}/source/")
        assert (await client.get(f"/api/apps/{app.id}/installs/")).status_code == 404
    assert (source.status_code, source.json()["detail"]) == (404, f"the source of {app.slug} is not open")


async def test_a_member_uses_apps_and_a_builder_changes_them(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    member = await shared_platform.create_colleague(owner, Role.MEMBER)
    builder = await shared_platform.create_colleague(owner, Role.BUILDER)
    narrow = await shared_platform.create_colleague(owner, Role.BUILDER, scopes=[Scope.DATA])
    url = f"/api/apps/{app.id}/"
    async with shared_platform.client() as client:
        assert (await client.get(url, headers=member.headers)).status_code == 200
        assert (await client.put(url, json={"name": "x"}, headers=member.headers)).status_code == 403
        assert (await client.put(url, json={"name": "x"}, headers=builder.headers)).status_code == 200
        refused = await client.put(url, json={"name": "x"}, headers=narrow.headers)
    assert (refused.status_code, "scope build" in refused.json()["detail"]) == (403, True)


async def test_a_token_bound_to_one_app_reaches_no_other(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    mine, other = await shared_platform.create_app(owner), await shared_platform.create_app(owner)
    bound = await shared_platform.create_colleague(owner, Role.BUILDER, app_id=mine.id)
    async with shared_platform.client(bound) as client:
        assert (await client.get(f"/api/apps/{mine.id}/")).status_code == 200
        refused = await client.get(f"/api/apps/{other.id}/")
        listed = (await client.get("/api/apps/")).json()["results"]
        created = await client.post("/api/apps/", json={"name": "another"})
    assert (refused.status_code, created.status_code) == (403, 403)
    assert [app["id"] for app in listed] == [mine.id]
