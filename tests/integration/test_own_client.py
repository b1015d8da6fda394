"""Our client against a running platform: what a script does, and what it is refused."""

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import gql
import httpx
import pytest

from automio import (
    AsyncAPI,
    GraphqlException,
    GraphQLRequest,
    IntegrationAccessDeniedError,
    IntegrationNotFound,
    NotFound,
    Unauthorized,
)
from automio._settings import settings_from
from automio.wrapper import API
from platform_api.supervisor.testing import Installation
from tests.integration.published_clients.preparation import Prepared, create_action, prepare
from tests.memory import quick_directory


@pytest.fixture(scope="module")
def prepared(shop_url: str) -> Iterator[Prepared]:
    # PostgreSQL's socket lies below it: pytest's own directories are too deep.
    with tempfile.TemporaryDirectory(prefix="amc-", dir=quick_directory()) as directory:
        environment = {"ALLOW_PRIVATE_UPSTREAMS": "true"}
        with Installation(Path(directory) / "data", environment=environment) as installation:
            yield prepare(installation, shop_url)


@pytest.fixture
def api(prepared: Prepared) -> Iterator[API]:
    with API(settings=settings_from(prepared.environment)) as made:
        yield made


@pytest.fixture
def table(prepared: Prepared) -> str:
    return f"app_{prepared.facts['app_id']}_orders"


def test_rows_are_written_read_and_refused(api: API, table: str) -> None:
    upsert = f"""mutation ($objects: [{table}_insert_input!]!) {{
        insert_{table}(objects: $objects, on_conflict: {{
            constraint: uq_{table}_orderId_org, update_columns: [buyerLogin]
        }}) {{ affected_rows }}
    }}"""
    for buyer in ("ada", "żółw"):
        rows = [{"orderId": f"own-{number}", "buyerLogin": buyer} for number in range(3)]
        answer = api.tables.graphql("orders", upsert, {"objects": rows})
        assert answer.data[f"insert_{table}"]["affected_rows"] == 3
    query = f"query ($id: String!) {{ {table}(where: {{orderId: {{_eq: $id}}}}) {{ buyerLogin }} }}"
    assert api.tables.graphql("orders", query, {"id": "own-1"}).data[table] == [{"buyerLogin": "żółw"}]
    with pytest.raises(GraphqlException, match="noSuchColumn"):
        api.tables.graphql("orders", f"{{ {table} {{ noSuchColumn }} }}")
    response = api.tables.apps_graphql_query("orders", "orders", GraphQLRequest(f"{{ {table} {{ noSuchColumn }} }}"))
    assert response.errors is not None and response.errors[0].code == "validation-failed"


def test_inserted_rows_carry_the_connection_they_came_through(api: API, table: str, prepared: Prepared) -> None:
    api.integrations.call("sample_shop", "GET", "/v1/orders", params={"per_page": 1})
    assert api.connection_id == prepared.facts["connection_id"]
    insert = f"""mutation ($objects: [{table}_insert_input!]!) {{
        insert_{table}(objects: $objects) {{ returning {{ connection_id }} }}
    }}"""
    answer = api.tables.graphql("orders", insert, {"objects": [{"orderId": "sticky"}]})
    assert answer.data[f"insert_{table}"]["returning"] == [{"connection_id": prepared.facts["connection_id"]}]


def test_a_gql_client_is_ready(api: API, table: str, prepared: Prepared) -> None:
    document = gql.gql(f"{{ {table}_aggregate {{ aggregate {{ count }} }} }}")
    assert api.tables.client().execute(document)[f"{table}_aggregate"]["aggregate"]["count"] >= 0

    async def ask() -> int:
        async with AsyncAPI(settings=settings_from(prepared.environment)) as other, other.tables.client() as session:
            answer = await session.execute(document)
            return int(answer[f"{table}_aggregate"]["aggregate"]["count"])

    assert asyncio.run(ask()) >= 0


def test_no_digit_of_a_number_is_lost(api: API, prepared: Prepared) -> None:
    app = prepared.facts["app_id"]
    columns = [{"name": "total", "type": "numeric"}, {"name": "number", "type": "bigint"}]
    headers = {"Authorization": f"Bearer {prepared.facts['owner_token']}"}
    address = f"{prepared.environment['API_BASE_URL']}/api/apps/{app}/new_table/"
    httpx.post(address, json={"name": "exact", "columns": columns}, headers=headers).raise_for_status()
    row = {"total": Decimal("12345678901234567.89"), "number": 2**63 - 1}
    insert = f"mutation ($row: app_{app}_exact_insert_input!) {{ insert_app_{app}_exact_one(object: $row) {{ id }} }}"
    api.tables.graphql("exact", insert, {"row": row})
    read = f"{{ app_{app}_exact {{ total number }} }}"
    assert api.tables.graphql("exact", read).data[f"app_{app}_exact"] == [row]
    assert api.tables.client().execute(gql.gql(read))[f"app_{app}_exact"] == [row]
    with closing(api.tables.client().subscribe(gql.gql(f"subscription {read}"))) as results:
        assert next(results)[f"app_{app}_exact"] == [row]


def test_a_subscription_shows_what_changes(api: API, table: str, prepared: Prepared) -> None:
    condition = 'where: {orderId: {_eq: "watched"}}'
    document = gql.gql(f"subscription {{ {table}({condition}) {{ buyerLogin }} }}")
    insert = f'mutation {{ insert_{table}_one(object: {{orderId: "watched", buyerLogin: "ada"}}) {{ id }} }}'
    delete = f"mutation {{ delete_{table}({condition}) {{ affected_rows }} }}"

    with closing(api.tables.client().subscribe(document)) as results:
        assert next(results) == {table: []}
        api.tables.graphql("orders", insert)
        assert next(results) == {table: [{"buyerLogin": "ada"}]}

    async def watch() -> None:
        async with AsyncAPI(settings=settings_from(prepared.environment)) as other, other.tables.client() as session:
            both = [session.subscribe(document), session.subscribe(document)]
            found = await asyncio.gather(*(anext(results) for results in both))
            assert found == [{table: [{"buyerLogin": "ada"}]}] * 2
            await session.execute(gql.gql(delete))
            assert await anext(both[0]) == {table: []}
            for results in both:
                await results.aclose()

    asyncio.run(watch())


def test_a_service_is_called_through_the_platform(api: API, prepared: Prepared) -> None:
    shop = api.integrations.get_integration("sample_shop")
    assert prepared.facts["connection_id"] in shop.connected_accounts
    data, response = api.integrations.call(shop, "GET", "/v1/orders", params={"page": 2, "per_page": 3})
    assert (response.status_code, len(data["items"]), data["page"]) == (200, 3, 2)
    data, response = api.integrations.call(shop, "GET", "/v1/nothing-here")
    assert (response.ok, response.status_code) == (False, 404)
    with pytest.raises(IntegrationNotFound):
        api.integrations.get_integration("no_such_integration")
    with pytest.raises((IntegrationAccessDeniedError, NotFound)):
        api.integrations.call(shop, "GET", "/v1/orders", connection_id=999_999)
    assert "sample_shop" in [item.integration_id for item in api.integrations.iterate_integrations(per_page=1)]
    assert [account.id for account in api.integrations.my_connections(shop)] == [prepared.facts["connection_id"]]


def test_a_run_is_followed_to_its_end(api: API, prepared: Prepared) -> None:
    run = api.actions.run("greet", user_input={"greeting": "zażółć"})
    assert "hello" in list(api.actions.stream_logs(run.task_id))
    status = api.actions.run_status(run.run_id)
    assert (status.status, status.result, status.is_finished) == ("completed", {"greeting": "zażółć"}, True)
    assert prepared.facts["action_id"] in [action.id for action in api.actions.list()]


INSIDE = """
import asyncio
from contextlib import closing
from decimal import Decimal

import gql

from automio import AsyncAPI
from automio.wrapper import API


async def squares():
    async with AsyncAPI() as api:
        await asyncio.gather(*(api.app_cache.set(f"square/{n}", n * n) for n in range(5)))
        return await asyncio.gather(*(api.app_cache.get(f"square/{n}") for n in range(5)))


def run(event):
    api = API()
    orders = f"app_{api.settings.app_id}_orders"
    document = gql.gql("subscription { %s(where: {orderId: {_eq: \\"inside\\"}}) { orderId } }" % orders)
    client = api.tables.client()
    with closing(client.subscribe(document)) as results:
        seen = [next(results)[orders]]
        insert = "mutation { insert_%s_one(object: {orderId: \\"inside\\"}) { id } }" % orders
        client.execute(gql.gql(insert))
        seen.append(next(results)[orders])
    api.task.set_progress(70, "nearly", "running")
    return {"seen": seen, "squares": asyncio.run(squares()), "actions": len(api.actions.list())}
"""


def test_everything_works_inside_the_jail(api: API, prepared: Prepared) -> None:
    owner = {"Authorization": f"App-Token {prepared.facts['owner_token']}"}
    with httpx.Client(base_url=prepared.environment["API_BASE_URL"], headers=owner, timeout=240) as platform:
        create_action(platform, prepared.facts["app_id"], "inside", INSIDE)
    run = api.actions.run("inside")
    log = list(api.actions.stream_logs(run.task_id))
    status = api.actions.run_status(run.run_id)
    assert status.status == "completed", (status, log)
    assert status.result["seen"] == [[], [{"orderId": "inside"}]]
    assert (status.result["squares"], status.progress) == ([0, 1, 4, 9, 16], 70)
    assert status.result["actions"] >= 3


def test_a_run_is_cancelled(api: API) -> None:
    run = api.actions.run("sleep")
    assert "asleep" in next(api.actions.stream_logs(run.task_id))
    api.actions.cancel(run.run_id)
    deadline = time.monotonic() + 240
    while not (status := api.actions.run_status(run.run_id)).is_finished:
        assert time.monotonic() < deadline, status
        time.sleep(0.05)
    assert status.status == "stopped"
    api.actions.cancel(run.run_id)


def test_both_caches_hold_any_value_under_any_key(api: API) -> None:
    for key in ("plain", "a/b", "a b", "what?", "#1", "100%", "ż", "..", "a//b", "/"):
        for cache in (api.app_cache, api.user_cache):
            assert cache.get(key) is None
            for value in ({"rates": [1.2, "ż"]}, None, 0, "text"):
                cache.set(key, value, ttl=60)
                entry = cache.get_entry(key)
                assert entry is not None and entry.value == value and 55 <= entry.ttl <= 60, (key, entry)
            cache.set(key, 1)
            entry = cache.get_entry(key)
            assert entry is not None and entry.ttl == -1
            assert cache.delete(key) is True
            assert cache.delete(key) is False
            assert cache.get_entry(key) is None
    api.app_cache.set("one", 1)
    assert api.user_cache.get("one") is None


def test_progress_and_notifications_are_taken(api: API) -> None:
    for status in ("pending", "in_progress", "running", "completed", "failed"):
        api.task.set_progress(12.5, "Working", status)  # type: ignore[arg-type]
    assert isinstance(api.notify_me("Done", text="all of it"), dict)


def test_tags_are_made_and_the_playground_is_served(api: API) -> None:
    tag = api.tables.create_tag("orders", "own-client")
    assert isinstance(tag.id, int) and tag["name"] == "own-client" and tag.created_at is not None
    assert "graphiql" in api.tables.apps_graphql_playground("orders", "orders").lower()


def test_a_wrong_token_is_told_at_once(prepared: Prepared) -> None:
    settings = settings_from(prepared.environment, token="amt_wrong")
    with API(settings=settings) as stranger, pytest.raises(Unauthorized) as caught:
        stranger.actions.list()
    assert caught.value.request_id is not None
