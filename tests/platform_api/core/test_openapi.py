"""The API's description: every operation is in it, named and summed up."""

import re

import pytest
from openapi_spec_validator import validate

from tests.platform_api.conftest import Platform
from tests.platform_api.core.operations import described, schemas

pytestmark = pytest.mark.anyio

VERBS = """
Accept Add Answer Call Cancel Change Claim Compare Connect Count Create Decide Declare Define Delete Disconnect
Download Estimate Export Forget Give Implement Import Install Keep List Make Mark Open Plan Preview Read Record
Release Remove Rename Renew Replace Report Return Revoke Run Save Send Set Sign Start Stop Store Stream Summarize
Suspend Tag Test Try Uninstall Withdraw
"""
# A summary begins with a verb in its base form, since it says what a caller can do.


async def test_every_operation_has_a_summary_of_its_own_and_a_unique_name(shared_platform: Platform) -> None:
    async with shared_platform.client() as client:
        described = (await client.get("/openapi.json")).json()
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, item in described["paths"].items()
        for method, operation in item.items()
    ]
    assert len(operations) > 20
    # FastAPI makes a summary out of the function's name when there is none.
    made_up = [name for name, operation in operations if " " not in operation.get("summary", "")]
    assert made_up == []
    names = [operation["operationId"] for _, operation in operations]
    assert sorted(names) == sorted(set(names))


async def test_every_summary_says_what_to_do(shared_platform: Platform) -> None:
    async with shared_platform.client() as client:
        described = (await client.get("/openapi.json")).json()
    summaries = {
        f"{method.upper()} {path}": operation["summary"]
        for path, item in described["paths"].items()
        for method, operation in item.items()
    }
    assert {name: summary for name, summary in summaries.items() if summary.split()[0] not in VERBS.split()} == {}
    assert {name: summary for name, summary in summaries.items() if summary.endswith(".") or len(summary) > 90} == {}


async def test_the_contracts_paths_are_described_below_api_only(shared_platform: Platform) -> None:
    async with shared_platform.client() as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
    assert {"/api/apps/", "/api/apps/{app}/", "/api/tokens/", "/api/organizations/", "/health"} <= set(paths)
    assert {path for path in paths if not path.startswith("/api/")} <= {"/health"}


async def test_refusals_are_described_as_they_are(shared_platform: Platform) -> None:
    document = await described(shared_platform)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert "422" not in operation["responses"], f"{method} {path}: FastAPI's own shape, which we never answer"
            for status in ("4XX", "5XX"):
                content = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
                assert operation["responses"][status]["content"] == content, f"{method} {path}"
    assert document["components"]["schemas"]["ErrorBody"]["required"] == ["detail", "code", "fields", "request_id"]


@pytest.mark.slow
async def test_the_document_is_valid(shared_platform: Platform) -> None:
    validate(await described(shared_platform))


async def test_every_answer_is_described(shared_platform: Platform) -> None:
    """Generators of clients need a schema for each answer, and refuse what refers to nothing."""
    document = await described(shared_platform)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            results = {status: one for status, one in operation["responses"].items() if status.startswith("2")}
            assert results, f"{method} {path}"
            for status, result in results.items():
                content = result.get("content", {})
                assert content or status == "204", f"{method} {path} {status} describes no content"
                assert all(media.get("schema") for media in content.values()), f"{method} {path} {status}"
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    used = {schema["$ref"] for schema in schemas(document) if isinstance(schema.get("$ref"), str)}
    assert used <= known


async def test_the_names_of_models_are_names(shared_platform: Platform) -> None:
    names = (await described(shared_platform))["components"]["schemas"]
    # Two models of one name would be told apart by their modules, which clients should not see.
    leaked = [name for name in names if "__" in name or not re.fullmatch(r"[A-Za-z0-9_]+(-Input|-Output)?", name)]
    assert leaked == []
    assert [name for name in names if name.startswith("RunState")] == ["RunState"]


async def test_events_of_streams_are_described_with_their_data(shared_platform: Platform) -> None:
    document = await described(shared_platform)
    models = document["components"]["schemas"]

    def events(method: str, path: str) -> list[dict[str, object]]:
        content = document["paths"][path][method]["responses"]["200"]["content"]["text/event-stream"]
        items = content["schema"]["items"]
        return [models[one["$ref"].rpartition("/")[2]]["properties"] for one in items.get("anyOf", [items])]

    notification, jobs = events("get", "/api/notifications/stream/")
    assert jobs["event"]["const"] == "jobs"
    assert notification["event"]["const"] == "notification"
    assert notification["data"]["contentSchema"] == {"$ref": "#/components/schemas/NotificationRead"}
    line, progress, end = events("get", "/api/actions/run-code-stream/")
    assert {"id", "data"} <= set(line)
    assert progress["data"]["contentSchema"] == {"$ref": "#/components/schemas/ProgressEvent"}
    assert end["data"]["contentSchema"] == {"$ref": "#/components/schemas/EndEvent"}
    run, left = events("get", "/api/actions/runs/stream/")
    assert run["data"]["contentSchema"] == {"$ref": "#/components/schemas/RunRead"}
    assert left["data"]["contentSchema"] == {"$ref": "#/components/schemas/LeftRun"}
    progress, end = events("post", "/api/integrations/{integration_id}/parallel_call/")
    assert progress["data"]["contentSchema"] == {"$ref": "#/components/schemas/ParallelProgress"}
    assert end["data"]["contentSchema"] == {"$ref": "#/components/schemas/ParallelEnd"}
