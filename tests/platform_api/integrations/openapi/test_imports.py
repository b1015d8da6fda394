"""Imports over HTTP: several files, hosts besides the base URL, large documents, and how far an import has come."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.platform_api.conftest import Caller, Platform
from tests.platform_api.integrations.openapi.describing import api

pytestmark = pytest.mark.anyio

KEY = {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}}}


class Echo(BaseHTTPRequestHandler):
    """Answers with the path and the key of a request."""

    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = json.dumps({"path": self.path, "key": self.headers.get("X-Key"), "method": self.command}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_QUERY = do_POST

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[str]]:
    """The addresses of three servers."""
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Echo) for _ in range(3)]
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    yield [f"http://127.0.0.1:{server.server_port}" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()
    for thread in threads:
        thread.join(10)


@pytest.fixture
async def owner(shared_platform: Platform) -> AsyncIterator[Caller]:
    yield await shared_platform.create_caller()


async def send(platform: Platform, caller: Caller, **body: Any) -> httpx.Response:
    async with platform.client(caller, timeout=120) as client:
        return await client.post("/api/integrations/import/", json=body)


def uploads(main: str, upload: str) -> dict[str, Any]:
    """A document whose uploads go to another host."""
    return api(
        {
            "/items": {"get": {}, "query": {}},
            "/files/{id}": {"servers": [{"url": f"{upload}/upload"}], "post": {}},
            "/below": {"get": {"servers": [{"url": f"{main}/v2"}]}},
            "/same": {"get": {"servers": [{"url": f"{main}/"}]}},
        },
        servers=[{"url": main}],
        components=KEY,
        openapi="3.2.0",
    )


async def test_calls_go_to_the_servers_of_operations_and_nowhere_else(
    shared_platform: Platform, owner: Caller, hosts: list[str]
) -> None:
    main, upload, stranger = hosts
    imported = (await send(shared_platform, owner, document=uploads(main, upload))).json()
    assert imported["definition"]["other_base_urls"] == [f"{upload}/upload"]
    by_path = {operation["path"]: operation["server"] for operation in imported["operations"]}
    assert by_path == {"/items": None, "/files/{id}": f"{upload}/upload", "/below": f"{main}/v2", "/same": None}
    async with shared_platform.client(owner) as client:
        listed = (await client.get("/api/integrations/shop/operations/")).json()["results"]
        assert [operation["server"] for operation in listed if operation["server"]] == [
            f"{upload}/upload",
            f"{main}/v2",
        ]
        assert (await client.get("/api/integrations/shop/")).json()["other_base_urls"] == [f"{upload}/upload"]
        connection = {"name": "a", "credentials": {"api_key": "secret"}}
        assert (await client.post("/api/integrations/shop/connections/", json=connection)).status_code == 201

        async def call(endpoint: str, **more: Any) -> Any:
            body = {"endpoint": endpoint, **more}
            return (await client.post("/api/integrations/shop/call/", json=body)).json()

        answer = await call(f"{upload}/upload/files/{{id}}?a=1", method="POST", url_params={"id": "x/y"})
        assert answer["api_data"] == {"path": "/upload/files/x%2Fy?a=1", "key": "secret", "method": "POST"}
        assert (await call("/items", method="QUERY"))["api_data"]["method"] == "QUERY"
        assert (await call(f"{main}/v2/below"))["api_data"]["path"] == "/v2/below"
        for endpoint in (
            f"{stranger}/upload/files",
            f"{upload}/files",
            f"{upload}/upload/../files",
            f"{upload}/uploads",
            f"{upload}/upload@{stranger.removeprefix('http://')}",
            f"{upload.replace('://', '://user@')}/upload/files",
        ):
            refused = await call(endpoint)
            assert refused.get("code") == "bad_request", endpoint


async def test_the_placeholders_of_servers_are_filled(
    shared_platform: Platform, owner: Caller, hosts: list[str]
) -> None:
    main, upload, _ = hosts
    variables = {"host": {"default": "127.0.0.1"}}
    servers = [{"url": url.replace("127.0.0.1", "{host}") + "/v1", "variables": variables} for url in (main, upload)]
    paths = {
        "/a": {"get": {"servers": [servers[1]]}},
        "/b": {"get": {"servers": [{"url": servers[0]["url"] + "/c"}]}},
    }
    imported = (await send(shared_platform, owner, document=api(paths, servers=servers[:1], components=KEY))).json()
    async with shared_platform.client(owner) as client:
        connection = {"name": "a", "credentials": {"api_key": "secret"}}
        made = await client.post("/api/integrations/shop/connections/", json=connection)
        assert made.status_code == 201, made.text
        for operation, path in zip(imported["operations"], ("/v1/a", "/v1/c/b"), strict=True):
            body = {"endpoint": operation["server"] + operation["path"]}
            answer = (await client.post("/api/integrations/shop/call/", json=body)).json()
            assert answer.get("api_data") == {"path": path, "key": "secret", "method": "GET"}, answer


async def test_credentials_do_not_follow_a_document_to_further_hosts(
    shared_platform: Platform, owner: Caller, hosts: list[str]
) -> None:
    main, upload, stranger = hosts
    await send(shared_platform, owner, document=uploads(main, upload))
    async with shared_platform.client(owner) as client:
        connection = {"name": "a", "credentials": {"api_key": "secret"}}
        await client.post("/api/integrations/shop/connections/", json=connection)
    moved = await send(shared_platform, owner, document=uploads(main, stranger), id="shop")
    assert (moved.status_code, moved.json()["code"]) == (409, "credentials_in_use")
    fewer = await send(shared_platform, owner, document=api({}, servers=[{"url": main}], components=KEY), id="shop")
    assert fewer.status_code == 200 and fewer.json()["definition"]["other_base_urls"] == []


@pytest.mark.parametrize(
    ("urls", "said"),
    [
        (["ftp://a.example"], "http(s)://host"),
        (["https://u@a.example"], "http(s)://host"),
        (["https://a.example?q"], "http(s)://host"),
        (["https://{other}.example"], "must also stand in base_url"),
        (["https://a.example"] * 51, "50"),
    ],
)
async def test_further_addresses_are_checked(
    shared_platform: Platform, owner: Caller, urls: list[str], said: str
) -> None:
    async with shared_platform.client(owner) as client:
        body = {"id": "x", "name": "X", "base_url": "https://x.example", "other_base_urls": urls}
        refused = await client.post("/api/integrations/", json=body)
    assert refused.status_code == 422 and said in refused.json()["detail"], refused.text


async def test_server_variables_have_their_defaults(shared_platform: Platform, owner: Caller) -> None:
    variables = {"region": {"default": "eu", "enum": ["eu", "us"]}, "v": {"default": "v2"}}
    document = api(
        {
            "/a": {"servers": [{"url": "https://up-{region}.example/{v}", "variables": variables}], "get": {}},
            "/b": {"servers": [{"url": "/relative"}], "get": {}},
            "/c": {"servers": [{"url": "mailto:a@example.com"}], "get": {}},
        },
        servers=[{"url": "ws://x.example"}, {"url": "https://{region}.example", "variables": variables}],
    )
    imported = (await send(shared_platform, owner, document=document)).json()
    definition = imported["definition"]
    assert definition["base_url"] == "https://{region}.example"
    assert definition["inputs"]["region"]["default"] == "eu" and definition["inputs"]["region"]["choices"] == [
        "eu",
        "us",
    ]
    assert definition["other_base_urls"] == ["https://up-{region}.example/v2"]
    servers = [operation["server"] for operation in imported["operations"]]
    assert servers == ["https://up-{region}.example/v2", "https://{region}.example/relative", None]
    assert any("ws://x.example" in note for note in imported["notes"])
    assert any("mailto" in note for note in imported["notes"])


async def test_an_api_whose_operations_alone_have_servers_is_imported(
    shared_platform: Platform, owner: Caller
) -> None:
    document = api({"/a": {"get": {"servers": [{"url": "https://a.example"}]}}})
    del document["servers"]
    imported = (await send(shared_platform, owner, document=document)).json()
    assert imported["definition"]["base_url"] == "https://a.example"
    assert imported["operations"][0]["server"] is None


async def test_files_are_sent_with_a_document(shared_platform: Platform, owner: Caller) -> None:
    document = api({"/a": {"$ref": "../paths/a.yaml"}, "/b": {"$ref": "../paths/b.json#/b"}})
    files = {
        "./paths/a.yaml": "get: {parameters: [{$ref: '../api/openapi.yaml#/components/parameters/P'}]}",
        "paths\\b.json": {"b": {"get": {"operationId": "b"}}},
    }
    document["components"] = {"parameters": {"P": {"name": "p", "in": "query"}}}
    body = {"document": json.dumps(document), "files": files, "document_path": "api/openapi.yaml"}
    imported = (await send(shared_platform, owner, **body)).json()
    assert (imported["operation_count"], imported["notes"]) == (2, [])
    assert imported["operations"][0]["parameters"][0]["name"] == "p"
    refused = await send(shared_platform, owner, document=document, id="less")
    assert refused.status_code == 422 and "'../paths/a.yaml'" in refused.json()["detail"]
    for wrong in ({"files": []}, {"files": {"a": 1}}, {"files": {"": "a"}}, {"document": 5}, {"document": None}):
        refused = await send(shared_platform, owner, **{"document": document, **wrong})
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed"), wrong


async def test_a_body_that_is_no_json_is_refused(shared_platform: Platform, owner: Caller) -> None:
    async with shared_platform.client(owner) as client:
        for content in (b"", b"{", b'{"document": {"a": }}', b"[]", b'{"document": "a\xff"}', b"[" * 50_000):
            refused = await client.post(
                "/api/integrations/import/", content=content, headers={"Content-Type": "application/json"}
            )
            assert refused.status_code in (400, 422) and refused.json()["detail"], content[:20]
        # Numbers that JSON does not have are read as other documents are.
        content = json.dumps({"document": api({}, **{"x-a": float("nan")}), "dry_run": True}).encode()
        accepted = await client.post(
            "/api/integrations/import/", content=content, headers={"Content-Type": "application/json"}
        )
        assert accepted.status_code == 200, accepted.text


async def test_a_large_document_is_imported_and_one_that_is_too_large_is_not(
    shared_platform: Platform, owner: Caller
) -> None:
    document = json.dumps(api({"/a": {"get": {}}}, **{"x-data": ['"' * 1_000] * 14_000}))
    assert len(document) > 25_000_000
    imported = await send(shared_platform, owner, document=document)
    assert imported.status_code == 200 and imported.json()["operation_count"] == 1
    refused = await send(shared_platform, owner, document=api({}, **{"x-data": ["a" * 1_000] * 34_000}))
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    refused = await send(shared_platform, owner, document="a" * 34_000_000)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    refused = await send(shared_platform, owner, document="a" * 68_000_000)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


async def events(platform: Platform, caller: Caller, **body: Any) -> list[tuple[str, Any]]:
    """The events of an import."""
    answer = await send(platform, caller, streaming=True, **body)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8", answer.text
    fields = [line.partition(": ") for line in answer.text.splitlines() if line and not line.startswith(":")]
    kinds = [value for name, _, value in fields if name == "event"]
    return list(zip(kinds, [json.loads(value) for name, _, value in fields if name == "data"], strict=True))


async def test_an_import_tells_how_far_it_has_come(shared_platform: Platform, owner: Caller) -> None:
    paths = {f"/{number}": {"get": {"parameters": [{"name": "a", "in": "query"}] * 20}} for number in range(8_000)}
    told = await events(shared_platform, owner, document=json.dumps(api(paths)))
    assert {kind for kind, _ in told[:-1]} == {"progress"}
    stages = [data["stage"] for _, data in told[:-1]]
    assert list(dict.fromkeys(stages)) == ["waiting", "reading", "operations", "storing"]
    counted = [data["done"] for _, data in told[:-1] if data["stage"] == "operations"]
    assert counted == sorted(counted) and told[stages.index("operations")][1]["total"] == 8_000
    kind, imported = told[-1]
    assert (kind, imported["operation_count"], imported["is_new"]) == ("end", 8_000, True)
    async with shared_platform.client(owner) as client:
        assert (await client.get("/api/integrations/shop/operations/")).json()["count"] == 8_000


async def test_an_import_that_is_refused_ends_with_the_error(shared_platform: Platform, owner: Caller) -> None:
    [*_, (kind, error)] = await events(shared_platform, owner, document="{")
    assert (kind, error["code"]) == ("error", "validation_failed")
    assert "in line 1, column 2" in error["detail"] and error["request_id"]
    await events(shared_platform, owner, document=api({}))
    [*_, (kind, error)] = await events(shared_platform, owner, document=api({}))
    assert (kind, error["code"]) == ("error", "name_taken")


async def test_a_dry_run_that_is_streamed_stores_nothing(shared_platform: Platform, owner: Caller) -> None:
    [*_, (kind, imported)] = await events(shared_platform, owner, document=api({}), dry_run=True)
    assert (kind, imported["dry_run"]) == ("end", True)
    async with shared_platform.client(owner) as client:
        assert (await client.get("/api/integrations/shop/")).status_code == 404


async def test_many_imports_of_one_organization_do_not_keep_another_from_its_own(
    shared_platform: Platform, owner: Caller
) -> None:
    other = await shared_platform.create_caller()
    many = [asyncio.create_task(send(shared_platform, owner, document=api({}), dry_run=True)) for _ in range(8)]
    answer = await send(shared_platform, other, document=api({"/a": {"get": {}}}))
    assert answer.status_code == 200
    answers = await asyncio.gather(*many)
    refused = [answer for answer in answers if answer.status_code != 200]
    assert 0 < len(refused) < 8
    assert {answer.json()["code"] for answer in refused} == {"too_many_requests"}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert (await send(shared_platform, owner, document=api({}), dry_run=True)).status_code == 200


async def test_a_document_that_repeats_itself_is_not_kept_many_times(
    shared_platform: Platform, owner: Caller
) -> None:
    parameters = [{"name": f"p{number}", "in": "query", "description": "x" * 500} for number in range(200)]
    paths: dict[str, Any] = {f"/{number}": {"$ref": "#/paths/~10"} for number in range(1, 400)}
    answer = await send(shared_platform, owner, document=api({"/0": {"get": {}, "parameters": parameters}, **paths}))
    assert answer.status_code == 200 and answer.json()["operation_count"] == 400
    assert any("parameters of all operations are too long" in note for note in answer.json()["notes"])
    outline = {"type": "object", "properties": {f"p{number}": {"$ref": "#/x-a"} for number in range(100)}}
    body = {"requestBody": {"content": {"application/json": {"schema": outline}}}}
    paths = {f"/{number}": {"post": body} for number in range(100)}
    answer = await send(shared_platform, owner, document=api(paths, **{"x-a": outline}), id="outlines")
    assert answer.status_code == 200 and any("this one is short" in note for note in answer.json()["notes"])


async def test_importing_again_keeps_the_inputs_that_were_changed(shared_platform: Platform, owner: Caller) -> None:
    document = api({}, servers=[{"url": "https://{a}.example", "variables": {"a": {"default": "x"}}}])
    document["info"]["title"] = "Calls"
    imported = (await send(shared_platform, owner, document=document)).json()
    assert imported["definition"]["id"] == "calls-api", "a reserved word gets another id"
    async with shared_platform.client(owner) as client:
        changed = {**imported["definition"], "inputs": {"a": {"default": "y"}}}
        assert (await client.put("/api/integrations/calls-api/", json=changed)).status_code == 200
    document["servers"] = [
        {"url": "https://{a}.{b}.example", "variables": {"a": {"default": "x"}, "b": {"default": "z"}}}
    ]
    inputs = (await send(shared_platform, owner, document=document, id="calls-api")).json()["definition"]["inputs"]
    assert {name: declared["default"] for name, declared in inputs.items()} == {"a": "y", "b": "z"}
