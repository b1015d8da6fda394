"""Operations of the API as its description has them, and requests to them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from tests.platform_api.conftest import Platform


@dataclass(frozen=True)
class Operation:
    """One operation, with its parameters by place (`path`, `query`, `header`) and name."""

    method: str
    path: str
    parameters: Mapping[str, Mapping[str, Any]]
    takes_body: bool

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, **values: str) -> str:
        """The path with `values`; what is not given is an id of nothing."""
        return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], "999999999"), self.path)


async def described(platform: Platform) -> dict[str, Any]:
    """The OpenAPI document as clients get it."""
    async with platform.client() as client:
        document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """All operations of a document, in its order."""
    return [
        Operation(
            method.upper(),
            path,
            {
                place: {one["name"]: one for one in item.get("parameters", []) if one["in"] == place}
                for place in ("path", "query", "header")
            },
            "requestBody" in item,
        )
        for path, methods in document["paths"].items()
        for method, item in methods.items()
    ]


def schemas(document: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document."""
    if isinstance(document, dict):
        yield document
        for value in document.values():
            yield from schemas(value)
    elif isinstance(document, list):
        for value in document:
            yield from schemas(value)


def expect_error(reply: httpx.Response, document: Mapping[str, Any]) -> dict[str, Any]:
    """Asserts that a refusal has the shape that the description promises; returns its body."""
    where = f"{reply.request.method} {reply.request.url}: {reply.status_code} {reply.text[:300]}"
    assert 400 <= reply.status_code < 500, where
    assert reply.headers["content-type"] == "application/json", where
    body: dict[str, Any] = reply.json()
    schema = {"$ref": "#/components/schemas/ErrorBody", "components": document["components"]}
    assert [error.message for error in Draft202012Validator(schema).iter_errors(body)] == [], where
    assert body["request_id"] == reply.headers["x-request-id"], where
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", body["code"]), where
    assert body["detail"].strip(), where
    assert all(field["message"].strip() for field in body["fields"]), where
    return body
