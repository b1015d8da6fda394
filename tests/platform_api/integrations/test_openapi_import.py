"""Integrations out of OpenAPI and Swagger documents: what is taken over, what is refused, and where it says so."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
import yaml

from platform_api.integrations.definitions.definition import RESERVED_IDS
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform

pytestmark = pytest.mark.anyio

OPERATION = {"responses": {"200": {"description": "fine"}}}


def document(**changes: Any) -> dict[str, Any]:
    """An OpenAPI 3.0 document of a small shop."""
    return {
        "openapi": "3.0.3",
        "info": {"title": "Corner Shop", "version": "2.1.0", "description": "Sells things."},
        "externalDocs": {"url": "https://docs.example.com"},
        "servers": [
            {
                "url": "https://{region}.shop.example.com/v1",
                "variables": {"region": {"default": "eu", "enum": ["eu", "us"]}},
            }
        ],
        "security": [{"key": []}],
        "paths": {
            "/orders/{id}": {
                "parameters": [{"$ref": "#/components/parameters/Id"}],
                "get": {"operationId": "getOrder", "summary": "One order", **OPERATION},
                "put": {
                    "operationId": "putOrder",
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}},
                    },
                    **OPERATION,
                },
            },
            "/orders": {
                "get": {
                    "operationId": "listOrders",
                    "parameters": [{"name": "page", "in": "query", "schema": {"type": "integer"}}],
                    **OPERATION,
                }
            },
        },
        "components": {
            "parameters": {"Id": {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}},
            "schemas": {
                "Order": {
                    "type": "object",
                    "required": ["total"],
                    "properties": {
                        "total": {"type": "number"},
                        "state": {"type": "string", "enum": ["new", "sent"]},
                        "parent": {"$ref": "#/components/schemas/Order"},
                    },
                }
            },
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        },
        **changes,
    }


def with_schemes(*security: dict[str, list[str]], **schemes: Any) -> dict[str, Any]:
    changed = document(security=list(security))
    changed["components"]["securitySchemes"] = schemes
    return changed


def swagger(**changes: Any) -> dict[str, Any]:
    return {
        "swagger": "2.0",
        "info": {"title": "Old Shop", "version": "1"},
        "host": "old.example.com",
        "basePath": "/api/",
        "schemes": ["http", "https"],
        "securityDefinitions": {
            "login": {
                "type": "oauth2",
                "flow": "accessCode",
                "authorizationUrl": "https://old.example.com/authorize",
                "tokenUrl": "https://old.example.com/token",
                "scopes": {"read": "Reads", "write": "Writes"},
            }
        },
        "security": [{"login": ["read"]}],
        "paths": {
            "/upload": {
                "post": {
                    "consumes": ["multipart/form-data"],
                    "parameters": [
                        {"name": "file", "in": "formData", "type": "file", "required": True},
                        {"name": "q", "in": "query", "type": "string"},
                    ],
                    **OPERATION,
                }
            },
            "/items": {
                "post": {
                    "parameters": [
                        {
                            "name": "body",
                            "in": "body",
                            "required": True,
                            "schema": {"type": "object", "properties": {"name": {"type": "string"}}},
                        }
                    ],
                    **OPERATION,
                }
            },
        },
        **changes,
    }


class Documents(BaseHTTPRequestHandler):
    """Serves `pages`; what was asked for is kept."""

    disable_nagle_algorithm = True
    pages: dict[str, bytes] = {}  # noqa: RUF012 - shared on purpose
    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = self.pages.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "application/yaml")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    listening = ThreadingHTTPServer(("127.0.0.1", 0), Documents)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    listening.server_close()
    thread.join(10)


@pytest.fixture
async def owner(shared_platform: Platform) -> AsyncIterator[Caller]:
    yield await shared_platform.create_caller()


async def send(platform: Platform, caller: Caller, **body: Any) -> httpx.Response:
    async with platform.client(caller, timeout=240) as client:
        return await client.post("/api/integrations/import/", json=body)


async def imported(platform: Platform, caller: Caller, given: Any, **body: Any) -> dict[str, Any]:
    answer = await send(platform, caller, document=given, **body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def refusal(platform: Platform, caller: Caller, given: Any, **body: Any) -> str:
    answer = await send(platform, caller, document=given, **body)
    assert answer.status_code == 422, answer.text
    return str(answer.json()["detail"])


async def test_a_document_becomes_a_definition_with_its_operations(shared_platform: Platform, owner: Caller) -> None:
    told = await imported(shared_platform, owner, document())
    definition = told["definition"]
    assert (told["is_new"], told["operation_count"], told["notes"]) == (True, 3, [])
    assert (definition["id"], definition["name"], definition["version"]) == ("corner-shop", "Corner Shop", "2.1.0")
    assert definition["base_url"] == "https://{region}.shop.example.com/v1"
    assert definition["auth"] == {"type": "api_key", "location": "header", "name": "X-Key", "prefix": ""}
    assert definition["docs_url"] == "https://docs.example.com"
    assert told["placeholders"] == {"region": {"default": "eu", "choices": ["eu", "us"]}}
    async with shared_platform.client(owner) as client:
        listed = (await client.get("/api/integrations/corner-shop/operations/")).json()
        assert listed["count"] == 3
        assert [(one["method"], one["path"]) for one in listed["results"]] == [
            ("GET", "/orders/{id}"),
            ("PUT", "/orders/{id}"),
            ("GET", "/orders"),
        ]
        [_, put, many] = listed["results"]
        [parameter] = put["parameters"]
        assert (parameter["name"], parameter["location"], parameter["required"]) == ("id", "path", True)
        assert put["request_body"]["content"] == "application/json"
        shape = put["request_body"]["shape"]
        assert shape["required"] == ["total"] and shape["properties"]["state"]["enum"] == ["new", "sent"]
        assert many["parameters"][0]["type"] == "integer"
        made = await client.post(
            "/api/integrations/corner-shop/connections/",
            json={"name": "a", "credentials": {"api_key": "k"}, "placeholders": {"region": "us"}},
        )
        assert made.status_code == 201, made.text


async def test_operations_are_searched_and_paged(shared_platform: Platform, owner: Caller) -> None:
    await imported(shared_platform, owner, document())
    stranger = await shared_platform.create_caller()
    path = "/api/integrations/corner-shop/operations/"
    async with shared_platform.client(owner) as client:
        for search, wanted in (("list", 1), ("one order", 1), ("get orders", 2), ("100%", 0), ("", 3)):
            assert (await client.get(path, params={"search": search})).json()["count"] == wanted, search
        page = (await client.get(path, params={"page": 2, "per_page": 2})).json()
        assert len(page["results"]) == 1 and page["previous"] and page["next"] is None
        assert (await client.get("/api/integrations/github/operations/")).json()["count"] == 0
    async with shared_platform.client(stranger) as client:
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump], ids=["json", "yaml"])
@pytest.mark.parametrize("version", ["3.0.3", "3.1.0"])
async def test_documents_are_pasted_as_json_or_yaml(
    shared_platform: Platform, owner: Caller, write: Any, version: str
) -> None:
    told = await imported(shared_platform, owner, write(document(openapi=version)))
    assert told["operation_count"] == 3


async def test_yaml_dates_status_codes_and_aliases_are_what_they_mean(
    shared_platform: Platform, owner: Caller
) -> None:
    text = """
openapi: 3.0.0
info: {title: Dates, version: 2020-01-01}
servers: [{url: 'https://d.example.com'}]
paths:
  /a:
    get: &get
      responses: {200: {description: fine}}
  /b: {get: *get}
"""
    told = await imported(shared_platform, owner, text)
    assert (told["definition"]["version"], told["operation_count"]) == ("2020-01-01", 2)


async def test_a_swagger_document_is_understood(shared_platform: Platform, owner: Caller) -> None:
    told = await imported(shared_platform, owner, swagger())
    definition = told["definition"]
    assert definition["base_url"] == "https://old.example.com/api"
    auth = definition["auth"]
    assert (auth["type"], auth["grant"], auth["scopes"]) == ("oauth2", "authorization_code", ["read"])
    assert auth["authorize_url"] == "https://old.example.com/authorize"
    upload, items = told["operations"]
    assert upload["request_body"]["content"] == "multipart/form-data"
    assert [one["name"] for one in upload["parameters"]] == ["q"]
    assert items["request_body"]["required"] is True and items["request_body"]["shape"]["properties"]


@pytest.mark.parametrize(
    ("scheme", "wanted"),
    [
        ({"type": "http", "scheme": "Basic"}, {"type": "basic"}),
        ({"type": "http", "scheme": "bearer"}, {"type": "bearer"}),
        ({"type": "apiKey", "in": "query", "name": "k"}, {"type": "api_key", "location": "query", "name": "k"}),
        (
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": {"a": ""}}}},
            {
                **{"type": "oauth2", "grant": "client_credentials", "scopes": ["a"]},
                "token_url": "https://{region}.shop.example.com/token",
            },
        ),
    ],
)
async def test_security_schemes_become_auth(
    shared_platform: Platform, owner: Caller, scheme: dict[str, Any], wanted: dict[str, Any]
) -> None:
    told = await imported(shared_platform, owner, with_schemes({"s": []}, s=scheme))
    auth = told["definition"]["auth"]
    assert {name: auth[name] for name in wanted} == wanted


async def test_what_is_not_taken_over_is_noted(shared_platform: Platform, owner: Caller) -> None:
    cookie = {"type": "apiKey", "in": "cookie", "name": "sid"}
    told = await imported(shared_platform, owner, with_schemes({"s": []}, s=cookie))
    assert told["definition"]["auth"]["type"] == "none"
    assert "none of these authentications is supported" in told["notes"][0] and "give `auth`" in told["notes"][0]
    # Of two ways, the one that a definition can have.
    both = with_schemes({"s": []}, {"t": []}, s=cookie, t={"type": "http", "scheme": "bearer"})
    assert (await imported(shared_platform, owner, both, id="both"))["definition"]["auth"]["type"] == "bearer"


async def test_server_variables_that_no_connection_could_give_stand_at_their_defaults(
    shared_platform: Platform, owner: Caller
) -> None:
    servers = [
        {
            "url": "{scheme}://{shopName}.example.com/{basePath}",
            "variables": {
                "scheme": {"default": "https", "enum": ["http", "https"]},
                "shopName": {"default": "demo"},
                "basePath": {"default": "api/v2"},
            },
        },
        {"url": "https://other.example.com"},
    ]
    told = await imported(shared_platform, owner, document(servers=servers))
    assert told["definition"]["base_url"] == "https://{shop_name}.example.com/api/v2"
    assert list(told["placeholders"]) == ["shop_name"]
    assert any("other.example.com" in one for one in told["notes"])


async def test_the_request_overrides_the_document(shared_platform: Platform, owner: Caller) -> None:
    told = await imported(
        shared_platform,
        owner,
        document(servers=[{"url": "/v2"}]),
        id="mine",
        name="Mine",
        base_url="https://mine.example.com",
        auth={"type": "bearer"},
    )
    definition = told["definition"]
    assert (definition["id"], definition["name"], definition["auth"]) == ("mine", "Mine", {"type": "bearer"})
    assert definition["base_url"] == "https://mine.example.com"
    missing = await refusal(shared_platform, owner, document(servers=[{"url": "/v2"}]))
    assert "give `base_url`" in missing
    assert "reserved" in await refusal(shared_platform, owner, document(), id="import")


async def test_a_dry_run_stores_nothing(shared_platform: Platform, owner: Caller) -> None:
    told = await imported(shared_platform, owner, document(), dry_run=True)
    assert (told["dry_run"], told["is_new"], len(told["operations"])) == (True, True, 3)
    async with shared_platform.client(owner) as client:
        assert (await client.get("/api/integrations/corner-shop/")).status_code == 404


async def test_importing_again_changes_operations_and_keeps_connections(
    shared_platform: Platform, owner: Caller
) -> None:
    await imported(shared_platform, owner, document())
    async with shared_platform.client(owner) as client:
        definition = (await send(shared_platform, owner, document=document(), id="corner-shop", dry_run=True)).json()
        tuned = {**definition["definition"], "retry": {"attempts": 7}, "name": "Tuned"}
        assert (await client.put("/api/integrations/corner-shop/", json=tuned)).status_code == 200
        body = {"name": "a", "credentials": {"api_key": "k"}, "placeholders": {"region": "eu"}}
        made = await client.post("/api/integrations/corner-shop/connections/", json=body)
        assert made.status_code == 201
    fewer = document()
    del fewer["paths"]["/orders"]
    refused = await send(shared_platform, owner, document=fewer)
    assert refused.status_code == 409 and 'give "id": "corner-shop"' in refused.json()["detail"]
    told = await imported(shared_platform, owner, fewer, id="corner-shop")
    assert (told["is_new"], told["operation_count"]) == (False, 2)
    assert (told["definition"]["retry"]["attempts"], told["definition"]["name"]) == (7, "Tuned")
    async with shared_platform.client(owner) as client:
        assert (await client.get("/api/integrations/corner-shop/operations/")).json()["count"] == 2
        assert len((await client.get("/api/integrations/corner-shop/get_connections/")).json()) == 1


async def test_credentials_do_not_follow_a_document_to_another_address(
    shared_platform: Platform, owner: Caller
) -> None:
    await imported(shared_platform, owner, document(servers=[{"url": "https://good.example.com"}]))
    async with shared_platform.client(owner) as client:
        body = {"name": "a", "credentials": {"api_key": "k"}}
        await client.post("/api/integrations/corner-shop/connections/", json=body)
    moved = document(servers=[{"url": "https://evil.example.com"}])
    moved["paths"] = {}
    refused = await send(shared_platform, owner, document=moved, id="corner-shop")
    assert refused.status_code == 409 and "good.example.com" in refused.json()["detail"]
    async with shared_platform.client(owner) as client:
        assert (await client.get("/api/integrations/corner-shop/operations/")).json()["count"] == 3
    kept = await imported(shared_platform, owner, moved, id="corner-shop", base_url="https://good.example.com")
    assert kept["operation_count"] == 0


async def test_an_oauth_clients_secret_does_not_follow_to_another_token_endpoint(
    shared_platform: Platform, owner: Caller
) -> None:
    await imported(shared_platform, owner, swagger())
    async with shared_platform.client(owner) as client:
        body = {"client_id": "c", "client_secret": "s"}
        assert (await client.put("/api/integrations/old-shop/oauth/client/", json=body)).status_code == 200
    moved = swagger()
    moved["securityDefinitions"]["login"]["tokenUrl"] = "https://evil.example.com/token"
    refused = await send(shared_platform, owner, document=moved, id="old-shop")
    assert refused.status_code == 409 and "OAuth client" in refused.json()["detail"]
    assert (await send(shared_platform, owner, document=swagger(), id="old-shop")).status_code == 200


async def test_a_document_is_fetched_and_its_relative_addresses_belong_to_where_it_was(
    shared_platform: Platform, owner: Caller, server: str
) -> None:
    Documents.pages["/api/openapi.yaml"] = yaml.safe_dump(document(servers=[{"url": "../v3"}])).encode()
    answer = await send(shared_platform, owner, url=f"{server}/api/openapi.yaml")
    assert answer.status_code == 200, answer.text
    assert answer.json()["definition"]["base_url"] == f"{server}/v3"
    gone = await send(shared_platform, owner, url=f"{server}/nothing")
    assert gone.status_code == 400 and "404" in gone.json()["detail"]
    for body in ({}, {"url": server, "document": "x"}, {"url": "file:///etc/passwd"}, {"url": "http://u:p@h/"}):
        assert (await send(shared_platform, owner, **body)).status_code == 422


async def test_private_addresses_are_not_fetched_from(platform_database_url: str, server: str, owner: Caller) -> None:
    settings = make_settings(platform_database_url, allow_private_upstreams=False)
    Documents.asked.clear()
    async with running_platform(settings) as platform:
        answer = await send(platform, await platform.create_caller(), url=f"{server}/api/openapi.yaml")
    assert answer.status_code == 400 and "private or local address" in answer.json()["detail"]
    assert Documents.asked == []


async def test_openid_connect_is_looked_up(shared_platform: Platform, owner: Caller, server: str) -> None:
    Documents.pages["/.well-known/openid-configuration"] = json.dumps(
        {
            "authorization_endpoint": f"{server}/authorize",
            "token_endpoint": f"{server}/token",
            "userinfo_endpoint": f"{server}/userinfo",
            "code_challenge_methods_supported": ["S256"],
        }
    ).encode()
    scheme = {"type": "openIdConnect", "openIdConnectUrl": f"{server}/.well-known/openid-configuration"}
    told = await imported(shared_platform, owner, with_schemes({"s": ["orders"]}, s=scheme))
    auth = told["definition"]["auth"]
    assert (auth["authorize_url"], auth["token_url"]) == (f"{server}/authorize", f"{server}/token")
    assert auth["pkce"] is True
    assert auth["scopes"] == ["openid", "email", "orders"]
    assert auth["identity"]["url"] == f"{server}/userinfo"
    assert auth["client_authentication"] == "basic"
    for methods, chosen in (
        (["client_secret_basic", "client_secret_post", "private_key_jwt"], "post"),
        (["client_secret_basic", "private_key_jwt"], "basic"),
        (["private_key_jwt", "tls_client_auth"], "private_key_jwt"),
    ):
        described = json.loads(Documents.pages["/.well-known/openid-configuration"])
        described["token_endpoint_auth_methods_supported"] = methods
        Documents.pages["/.well-known/openid-configuration"] = json.dumps(described).encode()
        told = await imported(shared_platform, owner, with_schemes({"s": []}, s=scheme), id=f"by_{chosen}")
        assert told["definition"]["auth"]["client_authentication"] == chosen
    for field, value in (
        ("token_endpoint", 5),
        ("authorization_endpoint", "https://a.example/" + "a" * 300),
        ("token_endpoint_auth_methods_supported", [5, None]),
        ("code_challenge_methods_supported", 5),
    ):
        Documents.pages["/.well-known/openid-configuration"] = json.dumps({**described, field: value}).encode()
        told = await imported(shared_platform, owner, with_schemes({"s": []}, s=scheme), dry_run=True, id="odd")
        assert (told["definition"]["auth"]["type"] == "none") == field.endswith("_endpoint"), field
    scheme["openIdConnectUrl"] = f"{server}/gone"
    told = await imported(shared_platform, owner, with_schemes({"s": []}, s=scheme), id="gone")
    assert told["definition"]["auth"]["type"] == "none" and "not taken over" in told["notes"][0]


def broken(**paths: Any) -> dict[str, Any]:
    return document(paths={f"/{name}": item for name, item in paths.items()})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (document(openapi="4.0.0"), "version '4.0.0'"),
        ({"info": {}}, "no version"),
        ("[1, 2]", "not an OpenAPI document"),
        ("{", "not JSON: Expecting property name"),
        ("a: [", "not YAML"),
        ("a: !!python/object/apply:os.system [id]", "no version"),
        ("openapi: 3.0.0\npaths:\n\t/a: {}", "in line 3, column 1"),
        ("", "not an OpenAPI document"),
    ],
)
async def test_what_is_wrong_is_said_with_its_place(
    shared_platform: Platform, owner: Caller, given: Any, said: str
) -> None:
    assert said in await refusal(shared_platform, owner, given)


async def test_other_documents_are_never_fetched(shared_platform: Platform, owner: Caller, server: str) -> None:
    Documents.asked.clear()
    for reference in (f"{server}/schema.json", "file:///etc/passwd", "other.yaml#/a", "//host/x"):
        schema = {"type": "object", "properties": {"example": {"$ref": reference}}}
        body = {"content": {"application/json": {"schema": schema}}}
        given = broken(a={"post": {"requestBody": body, **OPERATION}})
        told = await imported(shared_platform, owner, given, dry_run=True)
        [note] = told["notes"]
        assert note.startswith("#/paths/~1a/post/requestBody") and "not fetched" in note and "`files`" in note
    # A base of another place, under which an inner reference would be looked up there.
    given = document(openapi="3.1.0")
    given["components"]["schemas"]["Far"] = {"$id": f"{server}/base/", "$ref": "#/nothing"}
    await send(shared_platform, owner, document=given)
    assert Documents.asked == []


async def test_documents_that_are_made_to_hurt_are_refused(shared_platform: Platform, owner: Caller) -> None:
    aliases = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))
    shop = "openapi: 3.0.0\nservers: [{url: https://a.example}]\npaths: {/a: {get: {}}}\n"
    told = await imported(shared_platform, owner, f"{shop}a0: &a0 [x, x]\n{aliases}", id="aliases")
    assert told["operation_count"] == 1
    merges = "\n".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 40)}]}}" for n in range(1, 8))
    told = await imported(shared_platform, owner, f"{shop}a0: &a0 {{x: 1}}\n{merges}", id="merges")
    assert told["operation_count"] == 1
    told = await imported(shared_platform, owner, f"{shop}a: &a [*a]", id="circle")
    assert any("stands within what it names" in note for note in told["notes"])
    assert "nested" in await refusal(shared_platform, owner, '{"a":' * 50_000 + "1" + "}" * 50_000)
    circle = document()
    circle["components"]["schemas"]["Order"] = {"$ref": "#/components/schemas/Order"}
    told = await imported(shared_platform, owner, circle, id="circles")
    assert told["operation_count"] == 3 and any("leads in a circle" in note for note in told["notes"])
    answer = await send(shared_platform, owner, document="x" * 34_000_000)
    assert answer.status_code == 413, answer.text
    assert (await imported(shared_platform, owner, document()))["operation_count"] == 3, "and the next is read"


@pytest.mark.slow
def test_every_word_of_a_route_that_stands_where_ids_do_is_reserved() -> None:
    from platform_api.app import create_app  # local: it takes seconds, which `make unit` has no use for

    paths = create_app(make_settings("postgresql:///unused")).api.openapi()["paths"]
    words = {path.split("/")[3] for path in paths if path.startswith("/api/integrations/")}
    assert {word for word in words if word and not word.startswith("{")} <= RESERVED_IDS
