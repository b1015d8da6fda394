"""The API's description: every operation is in it, named and summed up."""

import pytest

from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio

VERBS = """
Add Answer Call Cancel Change Claim Compare Connect Count Create Decide Declare Define Delete Disconnect Download
Export Forget Give Implement Import Install List Make Mark Open Preview Read Record Release Remove Rename Renew
Replace Report Return Revoke Run Save Send Set Sign Start Store Stream Summarize Suspend Tag Test Try Uninstall
Withdraw
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
    async with shared_platform.client() as client:
        described = (await client.get("/openapi.json")).json()
    for path, item in described["paths"].items():
        for method, operation in item.items():
            assert "422" not in operation["responses"], f"{method} {path}: FastAPI's own shape, which we never answer"
            # An operation that answers HTML or a stream describes its refusals under that type.
            [refusal] = operation["responses"]["4XX"]["content"].values()
            assert refusal["schema"] == {"$ref": "#/components/schemas/ErrorBody"}, f"{method} {path}"
    assert described["components"]["schemas"]["ErrorBody"]["required"] == ["detail", "code", "fields", "request_id"]
