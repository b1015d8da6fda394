"""Query parameters that an operation does not have are refused, where nobody else decides what is sent."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lengths import at_length
from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.core.operations import Operation, described, expect_error, operations

pytestmark = pytest.mark.anyio

# Others call these, or pass their addresses on.
ANY_QUERY = ("GET /health", "GET /api/files/", "/api/webhooks/", "GET /api/apps/graphql/")

# What the published clients send (their contract, section 5).
SENT = {
    "POST /api/apps/graphql/": "app table",
    "GET /api/integrations/": "page per_page",
    "GET /api/integrations/{integration_id}/": "connection_id",
    "GET /api/integrations/{integration_id}/table_connections/": "app_id table",
    "POST /api/integrations/{integration_id}/call/": "connection_id organization_id table",
    "POST /api/integrations/{integration_id}/parallel_call/": "connection_id table",
    "POST /api/integrations/{integration_id}/parallel_call_for_connection/": "connection_id organization_id table",
    "GET /api/plugins/plugin-interfaces/{namespace}/plugins/": "page per_page",
    "GET /api/actions/": "app",
    "GET /api/actions/run-code-stream/": "task_id app skip_existing",
    "GET /api/apps/csv-imports/": "app table",
    "GET /api/apps/csv-exports/": "app table",
}


def _is_open(operation: Operation) -> bool:
    return operation.name.startswith(ANY_QUERY) or operation.path.startswith(ANY_QUERY)


@pytest.fixture(scope="module")
async def document(shared_platform: Platform) -> dict[str, Any]:
    return await described(shared_platform)


@pytest.fixture(scope="module")
async def caller(shared_platform: Platform) -> Caller:
    return await shared_platform.create_caller()


def test_the_published_clients_send_what_is_known(document: dict[str, Any]) -> None:
    known = {operation.name: set(operation.parameters["query"]) for operation in operations(document)}
    for name, sent in SENT.items():
        assert set(sent.split()) <= known[name], name


@pytest.mark.slow
@settings(
    max_examples=at_length(4, full=30), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(name=st.text(min_size=1, max_size=80), value=st.text(max_size=5))
async def test_no_operation_takes_a_parameter_that_it_does_not_describe(
    shared_platform: Platform, document: dict[str, Any], caller: Caller, name: str, value: str
) -> None:
    async with shared_platform.client(caller) as client:
        for operation in operations(document):
            if _is_open(operation) or name in operation.parameters["query"]:
                continue
            # Where a page of the console has the address without the prefix, the operation has none.
            is_page = operation.path.startswith(("/api/set-up/", "/api/admin/"))
            for prefix in ("/api",) if is_page else ("/api", ""):
                path = operation.url().replace("/api", prefix, 1)
                body = expect_error(await client.request(operation.method, path, params={name: value}), document)
                assert body["code"] == "unknown_parameter", operation.name
                assert [field["path"] for field in body["fields"]] == [name[:50]]


@pytest.mark.slow
async def test_every_parameter_that_is_described_is_known(
    shared_platform: Platform, document: dict[str, Any], caller: Caller
) -> None:
    async with shared_platform.client(caller) as client:
        for operation in operations(document):
            if operation.parameters["query"] and not _is_open(operation):
                # One that is unknown, so that no operation does anything.
                params = [*((name, "1") for name in operation.parameters["query"]), ("zzz", "1")]
                body = (await client.request(operation.method, operation.url(), params=params)).json()
                assert [field["path"] for field in body["fields"]] == ["zzz"], operation.name


async def test_the_closest_name_is_proposed(shared_platform: Platform, caller: Caller) -> None:
    async with shared_platform.client(caller) as client:
        close = (await client.get("/api/actions/runs/?sate=failed")).json()
        far = (await client.get("/api/apps/?zzzzzz=1")).json()
        none = (await client.get("/api/me/?page=1")).json()
        many = (await client.get("/api/me/?" + "&".join(f"q{number}=1" for number in range(500)))).json()
    assert close["detail"] == "sate: is not a query parameter of this operation; did you mean state?"
    assert "page" in far["fields"][0]["message"] and "per_page" in far["fields"][0]["message"]
    assert none["fields"][0]["message"].endswith("which has none")
    assert len(many["fields"]) == 20 and len(many["detail"]) < 500


async def test_what_others_call_takes_any_query(shared_platform: Platform) -> None:
    async with shared_platform.client() as client:
        for path in ("/health?x=1", "/?utm_source=mail", "/docs?x=1", "/openapi.json?x=1"):
            assert (await client.get(path)).status_code == 200, path
        for path in ("/api/webhooks/some/secret/", "/api/files/"):
            assert (await client.get(f"{path}?x=1")).status_code in (404, 422), path
            assert "unknown_parameter" not in (await client.get(f"{path}?x=1")).text
        preflight = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
        asked = await client.options("/api/apps/graphql/?app=1&table=things", headers=preflight)
        assert "unknown_parameter" not in asked.text
