"""Refusals: one shape whatever is wrong and whoever refuses, with a code and the fields that are at fault."""

import importlib
import pkgutil
import re
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

import platform_api
from platform_api.accounts.models import Role
from platform_api.core.errors import PlatformError
from platform_api.core.http.validation import MAX_FIELD_ERRORS, field_errors
from tests.lengths import at_length
from tests.platform_api.conftest import Caller, Platform, make_settings, running_platform
from tests.platform_api.core.operations import Operation, described, expect_error, operations

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "errors.md"
# Open to everybody, or waiting for events: what they answer to a good request is none of this module's business.
INVALID = "invalid_definition"
OPEN = (
    "GET /health",
    "GET /api/webhooks/",
    "GET /api/apps/graphql/",
    "DELETE /api/sessions/current/",
    "GET /api/set-up/",
)


def _codes() -> dict[str, set[int]]:
    """The statuses of each code that any error class of the control plane has."""
    for module in pkgutil.walk_packages(platform_api.__path__, "platform_api."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    codes: dict[str, set[int]] = {}
    kinds = [PlatformError]
    while kinds:
        kind = kinds.pop()
        codes.setdefault(kind.code, set()).add(kind.status_code)
        kinds += kind.__subclasses__()
    return codes


@pytest.mark.slow
def test_every_code_is_documented_with_its_statuses() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| ([\d, ]+) \|", PAGE.read_text(), re.M)
    documented = {code: {int(status) for status in statuses.split(", ")} for code, statuses in rows}
    assert documented == _codes()
    assert [code for code, _ in rows] == sorted({code for code, _ in rows}), "each once, in order"


@pytest.mark.slow
async def test_without_a_credential_every_operation_refuses_in_the_one_shape(shared_platform: Platform) -> None:
    document = await described(shared_platform)
    async with shared_platform.client() as client:
        for operation in operations(document):
            if not operation.name.startswith(OPEN):
                query = {name: "1" for name, one in operation.parameters["query"].items() if one.get("required")}
                expect_error(await client.request(operation.method, operation.url(), params=query), document)


@pytest.mark.slow
async def test_ids_of_nothing_are_refused_in_the_one_shape(shared_platform: Platform) -> None:
    document = await described(shared_platform)
    caller = await shared_platform.create_caller(is_operator=True)
    async with shared_platform.client(caller) as client:
        for operation in operations(document):
            if operation.parameters["path"]:
                for id_ in ("999999999", "no-such-thing", "%00", "9" * 400):
                    names = dict.fromkeys(operation.parameters["path"], id_)
                    reply = await client.request(operation.method, operation.url(**names), json={})
                    # Of installers of any app, or presets: some lists of something unknown are empty.
                    if reply.status_code >= 400:
                        expect_error(reply, document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


class Walk:
    """The platform with its description, for one module: describing takes a second."""

    def __init__(self, platform: Platform, document: dict[str, Any], caller: Caller) -> None:
        self.platform = platform
        self.document = document
        self.caller = caller
        self.with_bodies = [one for one in operations(document) if one.takes_body and one.name not in OPEN]
        self.with_queries = [
            one for one in operations(document) if one.parameters["query"] and not one.name.startswith(OPEN)
        ]


@pytest.fixture(scope="module")
async def walk(shared_platform: Platform) -> Walk:
    document = await described(shared_platform)
    return Walk(shared_platform, document, await shared_platform.create_caller())


def _property_names(walk: Walk, operation: Operation) -> list[str]:
    content = walk.document["paths"][operation.path][operation.method.lower()]["requestBody"]["content"]
    schema = next(iter(content.values()))["schema"]
    for _ in range(3):
        schema = next((one for one in schema.get("anyOf", []) if "$ref" in one), schema)
        if "$ref" in schema:
            schema = walk.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return sorted(schema.get("properties", {}))


@pytest.mark.slow
@settings(
    max_examples=at_length(3, full=60), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(values=st.lists(JSON, min_size=2, max_size=8), seed=st.integers())
async def test_whatever_a_body_holds_a_refusal_has_the_one_shape(walk: Walk, values: list[Any], seed: int) -> None:
    # Drawn before: what Hypothesis raises to stop an example must not pass through a coroutine.
    random = Random(seed)
    async with walk.platform.client(walk.caller) as client:
        for operation in walk.with_bodies:
            names = _property_names(walk, operation)
            own = {name: random.choice(values) for name in random.sample(names, k=min(3, len(names)))}
            body = random.choice([own, own, own, random.choice(values), b"{", b"\xff", b""])
            sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body}
            headers = {"Content-Type": "application/json"}
            reply = await client.request(operation.method, operation.url(), headers=headers, **sent)
            if reply.status_code >= 400:
                expect_error(reply, walk.document)


@pytest.mark.slow
async def test_a_query_parameter_of_the_wrong_type_is_named(walk: Walk) -> None:
    async with walk.platform.client(walk.caller) as client:
        for operation in walk.with_queries:
            for name, parameter in operation.parameters["query"].items():
                variants = parameter["schema"].get("anyOf", [parameter["schema"]])
                if any(variant.get("type") == "integer" for variant in variants):
                    reply = await client.request(operation.method, operation.url(), params={name: "x"}, json={})
                    body = expect_error(reply, walk.document)
                    assert reply.status_code == 422 and name in [field["path"] for field in body["fields"]], name


async def test_what_middleware_refuses_has_the_one_shape(platform_database_url: str) -> None:
    async with running_platform(make_settings(platform_database_url, max_body_bytes=1024)) as platform:
        document = await described(platform)
        caller = await platform.create_caller()

        async def chunks() -> Any:
            for _ in range(3):
                yield b"x" * 1000

        async with platform.client(caller) as client:
            announced = await client.post("/api/apps/", content=b"x" * 1025)
            chunked = await client.post("/api/apps/", content=chunks(), headers={"Content-Type": "application/json"})
            nothing = await client.get("/api/nothing/", headers={"X-Request-Id": "mine"})
            wrong = await client.put("/api/me/")
    for reply, code in (
        (announced, "too_large"),
        (chunked, "too_large"),
        (nothing, "not_found"),
        (wrong, "method_not_allowed"),
    ):
        assert expect_error(reply, document)["code"] == code
    assert nothing.json()["request_id"] == "mine"


async def test_up_to_twenty_fields_are_named(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        columns = [{"name": f"c{number}", "type": "nothing"} for number in range(30)]
        app = await shared_platform.create_app(caller)
        reply = await client.post(f"/api/apps/{app.id}/new_table/", json={"name": "t", "columns": columns})
    fields = reply.json()["fields"]
    assert [field["path"] for field in fields] == [f"columns.{number}.type" for number in range(MAX_FIELD_ERRORS)]
    assert reply.json()["detail"].endswith("and 25 more"), "the sentence names five"


class _Dog(BaseModel):
    kind: Literal["dog"]
    teeth: int


class _Bird(BaseModel):
    kind: Literal["bird"]
    wings: list[int]


class _Owner(BaseModel):
    pets: list[Annotated[_Dog | _Bird, Field(discriminator="kind")]]
    favourite: _Dog | int
    names: dict[str, int] = {}


@given(value=st.fixed_dictionaries({}, optional={"pets": st.lists(JSON), "favourite": JSON, "names": JSON}) | JSON)
def test_a_path_leads_to_a_value_that_was_sent_or_to_one_that_is_missing(value: Any) -> None:
    try:
        TypeAdapter(_Owner).validate_python(value)
    except ValidationError as error:
        for field, raw in zip(field_errors(error.errors(), value), error.errors(), strict=False):
            at: Any = value
            *parents, last = field.path.split(".") if field.path and "." not in str(raw["loc"]) else [""]
            if "." in "".join(map(str, raw["loc"])) or "" in raw["loc"]:
                continue  # a key that cannot be told from a path
            for part in parents:
                at = at[int(part)] if isinstance(at, list) else at[part]
            is_there = last == "" or (isinstance(at, list) and int(last) < len(at)) or last in at
            assert is_there or raw["type"] == "missing", (field, raw)


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ({"pets": [{"kind": "dog"}], "favourite": 1}, ["pets.0.teeth"]),
        ({"pets": [{"kind": "bird", "wings": [1, "x"]}], "favourite": 1}, ["pets.0.wings.1"]),
        ({"pets": [{"kind": "fish"}, 5], "favourite": 1}, ["pets.0", "pets.1"]),
        ({"pets": [], "favourite": "x"}, ["favourite", "favourite"]),
        ({"pets": [], "favourite": 1, "names": {"a": "x"}}, ["names.a"]),
        ([], [""]),
    ],
)
def test_a_path_names_no_variant_of_a_union(value: Any, paths: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(_Owner).validate_python(value)
    assert [field.path for field in field_errors(caught.value.errors(), value)] == paths


async def test_programs_find_out_what_they_can_do(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    member = await shared_platform.create_colleague(caller, Role.MEMBER)
    app = await shared_platform.create_app(caller)
    organization = f"/api/organizations/{caller.organization_slug}"
    base = f"/api/apps/{app.id}"
    table = {"name": "things", "columns": [{"name": "a", "type": "text"}]}
    wrong_default = [{"name": "b", "type": "text"}, {"name": "c", "type": "integer", "default": "x"}]
    key = [{"columns": ["nothing"]}]
    reference = [{"column": "b", "table": "nowhere"}]
    saved = {"base_version": 0, "files": {"main.py": "1"}}
    edit = {"name": "things"}
    password = {"current_password": "x", "new_password": "y" * 20}
    renamed = [{"name": "id", "type": "text"}]
    cases: list[tuple[str, str, dict[str, Any], str, list[str]]] = [
        ("POST", "/api/sessions/", {"email": caller.email, "password": "x"}, "wrong_credentials", []),
        ("POST", "/api/me/password/", password, "wrong_password", ["current_password"]),
        ("DELETE", f"{organization}/members/{caller.user_id}/", {}, "last_owner", []),
        ("POST", f"{organization}/members/", {"email": member.email, "role": "member"}, "already_member", ["email"]),
        ("POST", "/api/organizations/", {"name": "x", "slug": caller.organization_slug}, "name_taken", ["slug"]),
        ("POST", "/api/apps/", {"name": "x", "slug": app.slug}, "name_taken", ["slug"]),
        ("POST", f"{base}/source/", {**saved, "files": {"a.py": ""}}, "stale_version", ["base_version"]),
        ("POST", f"{base}/new_table/", table, "table_exists", ["name"]),
        ("POST", f"{base}/new_table/", {**table, "name": "1"}, "invalid_name", ["name"]),
        ("POST", f"{base}/new_table/", {"name": "t", "columns": wrong_default}, INVALID, ["columns.1.default"]),
        ("PUT", f"{base}/edit_table/", {**edit, "columns": wrong_default}, INVALID, ["columns.1.default"]),
        ("PUT", f"{base}/edit_table/", {**edit, "columns": renamed}, "invalid_name", ["columns.0.name"]),
        ("PUT", f"{base}/edit_table/", {**edit, "new_name": "1"}, "invalid_name", ["new_name"]),
        ("PUT", f"{base}/edit_table/", {**edit, "unique": key}, INVALID, ["unique"]),
        ("PUT", f"{base}/edit_table/", {**edit, "foreign_keys": reference}, INVALID, ["foreign_keys.0.column"]),
        ("PUT", f"{base}/table/things/configuration/", {"name": "1"}, "invalid_name", ["name"]),
        ("POST", "/api/apps/graphql/?app=1", {}, "bad_request", ["query"]),
    ]
    async with shared_platform.client(caller) as client:
        assert (await client.post(f"{base}/new_table/", json=table)).status_code == 200
        assert (await client.post(f"{base}/source/", json=saved)).status_code in (200, 201)
        for method, path, body, code, paths in cases:
            refusal = (await client.request(method, path, json=body)).json()
            assert (refusal["code"], [field["path"] for field in refusal["fields"]]) == (code, paths), refusal
    async with shared_platform.client(member) as client:
        assert (await client.post("/api/apps/", json={"name": "x"})).json()["code"] == "missing_role"


async def test_published_clients_find_the_message_of_graphql_where_they_look(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        body = (await client.post("/api/apps/graphql/?app=999999999", json={"query": "{a}"})).json()
    assert (body["error"], body["code"]) == (body["detail"], "not_found")


async def test_a_body_that_is_sent_as_a_form_is_told_its_content_type(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with shared_platform.client(caller) as client:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        refused = await client.post("/api/apps/", content=b'{"name": "Shop"}', headers=form)
        text = await client.post("/api/apps/", json="Shop")
    assert refused.status_code == 422
    assert refused.json()["detail"] == "the body must be JSON, sent with the header `Content-Type: application/json`"
    assert "Content-Type" not in text.json()["detail"]
