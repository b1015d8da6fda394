"""What a refusal on the GraphQL endpoints names: the missing header; the role, scope or column that is not open."""

import pytest

from platform_api.accounts.models import Role, Scope
from platform_api.core.types import AppId
from tests.platform_api.conftest import Platform
from tests.platform_api.graphql.shop import Shop, open_shop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(shared_platform: Platform) -> Shop:
    return await open_shop(shared_platform)


def addresses(shop: Shop) -> list[str]:
    return [f"/api/apps/{shop.app}/v1/graphql", "/v1/graphql", f"/api/apps/graphql/?app={shop.app}"]


async def test_a_401_names_the_header_that_is_missing(shop: Shop) -> None:
    for headers in ({}, {"Authorization": ""}, {"Authorization": "App-Token "}, {"X-Organization-Id": "1"}):
        async with shop.platform.client(headers=headers) as client:
            for address in addresses(shop):
                answer = await client.post(address, json={"query": "{ __typename }"})
                assert answer.status_code == 401
                assert "send `Authorization: App-Token <token>`" in answer.text, (address, headers)
                assert answer.headers["www-authenticate"] == "App-Token"


async def test_a_403_names_the_role_the_scope_or_the_app(shop: Shop) -> None:
    async with shop.platform.client(shop.owner, headers={"X-Hasura-Role": "app_1_boss"}) as client:
        answer = await client.post(addresses(shop)[0], json={"query": "{ __typename }"})
        assert answer.status_code == 403
        assert f"the role 'app_1_boss' is not open to this token; it has the role 'app_{shop.app}'" in answer.text
    builder = await shop.platform.create_colleague(shop.owner, Role.OWNER, scopes=[Scope.BUILD])
    other = await shop.platform.create_app(shop.owner)
    elsewhere = await shop.platform.create_colleague(shop.owner, Role.OWNER, app_id=AppId(other.id))
    for caller, named in (
        (builder, "this needs a token with the scope data; this one has: build"),
        (elsewhere, f"this token is bound to app {other.id}; it cannot be used for app {shop.app}"),
    ):
        async with shop.platform.client(caller) as client:
            for address in (addresses(shop)[0], addresses(shop)[2]):
                answer = await client.post(address, json={"query": "{ __typename }"})
                assert (answer.status_code, named in answer.text) == (403, True), answer.text
    member = await shop.platform.create_colleague(shop.owner, Role.MEMBER)
    assert (await shop.post(member, "{ __typename }")).status_code == 200


@pytest.mark.parametrize(
    ("column", "document", "type_suffix"),
    [
        ("secret", "{ ORDERS { secret } }", ""),
        ("secret", "{ ORDERS(where: {secret: {_eq: 1}}) { id } }", "_bool_exp"),
        ("secret", "mutation { insert_ORDERS_one(object: {secret: 1}) { id } }", "_insert_input"),
        ("id", "mutation { update_ORDERS(where: {}, _set: {id: 1}) { affected_rows } }", "_set_input"),
        (
            "organization_id",
            "mutation { update_ORDERS(where: {}, _set: {organization_id: 1}) { affected_rows } }",
            "_set_input",
        ),
    ],
)
async def test_a_column_that_is_not_open_is_named_with_its_table(
    shop: Shop, column: str, document: str, type_suffix: str
) -> None:
    error = await shop.fail(shop.owner, document)
    assert error["message"] == f"field '{column}' not found in type: '{shop.orders}{type_suffix}'"
    assert error["extensions"]["path"].endswith(column)
    update = "mutation { update_ORDERS(where: {}, _set: {delivered: true}) { affected_rows } }"
    assert (await shop.run(shop.owner, update))[f"update_{shop.orders}"] == {"affected_rows": 0}
