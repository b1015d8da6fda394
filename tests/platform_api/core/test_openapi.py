"""The API's description: every operation is in it, named and summed up."""

import pytest

from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio


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
    assert described["components"]["schemas"]["ErrorBody"]["required"] == ["detail"]
