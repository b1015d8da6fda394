"""Every endpoint that OpenAPI lists is tried as another organization: nothing of the victim's answers or shows up.

An endpoint that is new is tried without anybody thinking of it. When it has a path parameter that `tenancy_world.py`
cannot fill, or a body that cannot be made from its schema, the test says so.
"""

import json
import re
from typing import Any

import httpx
import pytest

from platform_api.app import create_app
from platform_api.apps.models import App
from tests.platform_api.conftest import Platform, make_settings
from tests.platform_api.tenancy_world import World, build_world

pytestmark = pytest.mark.anyio

OPENAPI: dict[str, Any] = create_app(make_settings("postgresql:///unused")).api.openapi()
OPERATIONS = sorted(
    (f"{method.upper()} {path}", method, path)
    for path, item in OPENAPI["paths"].items()
    for method in item
    # The runner protocol has its own credential, which reaches every organization; tenants' tokens are refused.
    if not path.startswith("/api/runner/")
)
_DECLARATION: dict[str, Any] = {
    "integration_id": "mock_shop",
    "request": {"endpoint": "/"},
    "pagination": {"style": "single"},
    "table": "orders",
    "mapping": {"a": "a"},
    "key": ["a"],
}
SAMPLES: dict[str, Any] = {
    "PUT /api/drafts/": {"app": "{app}", "subject": "x", "base_revision": 0, "content": {}},
    "POST /api/organizations/{organization}/members/": {"email": "a@example.com", "role": "member"},
    # Signed in, one sends no account.
    "POST /api/invitations/{token}/accept/": None,
    "POST /api/apps/{app}/source/": {"base_version": 1, "files": {"main.py": ""}},
    "PUT /api/integrations/{integration_id}/": {
        "id": "{integration_id}",
        "name": "x",
        "base_url": "http://127.0.0.1:9",
    },
    "POST /api/apps/{app}/syncs/": {**_DECLARATION, "name": "x"},
    "POST /api/apps/{app}/syncs/preview/": _DECLARATION,
    "PUT /api/apps/{app}/syncs/{sync}/": {**_DECLARATION, "name": "x"},
    "POST /api/apps/{app}/actions/{action}/schedules/": {"name": "x", "schedule": {"every_minutes": 5}},
    "POST /api/apps/{app}/actions/{action}/schedules/preview/": {"schedule": {"every_minutes": 5}},
    "PATCH /api/apps/{app}/source/": {"base_version": 1, "changes": {"main.py": ""}},
}
"""Bodies for operations whose schema does not tell what would be acceptable; `{name}` is a value of the world."""

# Called by anybody without a token: the secret in the address is the credential.
UNAUTHENTICATED: set[str] = {
    "GET /api/invitations/{token}/",
    "GET /api/files/",
    "GET /api/webhooks/{app_slug}/{webhook_slug}/",
    "POST /api/webhooks/{app_slug}/{webhook_slug}/",
    "PUT /api/webhooks/{app_slug}/{webhook_slug}/",
}

NOTHING_THERE = {"GET /api/admin/health/", "GET /api/apps/{app}/install/", "GET /api/users/"}
"""Nothing of the victim's: nobody installs their own app; health and users are the operators'."""

DONE_BY_SCRIPTS = {
    "POST /api/integrations/mailer/notify-me/",
    "POST /api/notifications/",
    "POST /api/apps/{app}/notifications/",
    "POST /api/apps/{app}/api-cache/",
    "DELETE /api/apps/{app}/api-cache/",
    "POST /api/apps/{app}/files/",
    "POST /api/apps/{app}/files/from-url/",
    "POST /api/apps/{app}/files/upload/",
    "POST /api/apps/{app}/files/upload-from-url/",
    "DELETE /api/apps/{app}/files/delete/",
    "PATCH /api/apps/{app}/files/{file_id}/",
    "DELETE /api/apps/{app}/files/{file_id}/",
    "POST /api/apps/{app}/files/{file_id}/link/",
    "POST /api/apps/graphql/",
    "POST /api/apps/table-tags/{app}/{table_name}/add/",
    "DELETE /api/apps/table-tags/tag/{tag_id}/",
    "DELETE /api/apps/{app}/table/{table_name}/delete-rows/",
    "PATCH /api/apps/{app}/table/{table_name}/update-rows/",
    "POST /api/apps/{app}/table/{table_name}/count-rows/",
    "POST /api/apps/{app}/table/{table_name}/estimate-rows/",
    "POST /api/apps/{app}/table/{table_name}/group-rows/",
    "POST /api/apps/csv-imports/",
    "POST /api/apps/csv-imports/preview/",
    "POST /api/apps/csv-imports/uploads/",
    "POST /api/apps/csv-imports/{import_id}/cancel/",
    "POST /api/apps/csv-imports/{import_id}/repairs/",
    "POST /api/apps/csv-exports/",
    "POST /api/apps/csv-exports/{export_id}/cancel/",
    "POST /api/webhooks/{app_slug}/{webhook_slug}/",
    "PUT /api/webhooks/{app_slug}/{webhook_slug}/",
    "POST /api/apps/{app}/syncs/{sync}/run/",
    "POST /api/apps/{app}/syncs/{sync}/cancel/",
    "POST /api/actions/{action}/run/",
    "POST /api/apps/{app}/actions/{action}/schedules/preview/",
    "POST /api/actions/runs/{run}/cancel/",
    "POST /api/actions/runs/{run}/stop/",
    "POST /api/actions/runs/{run}/rerun/",
    "POST /api/actions/runs/cancel/",
    "POST /api/actions/runs/rerun/",
    "POST /api/integrations/{integration_id}/call/",
    "POST /api/integrations/{integration_id}/parallel_call/",
    "POST /api/integrations/{integration_id}/parallel_call_for_connection/",
}
"""What the script of a run may change or set going."""

OPEN = {
    "GET /health",
    "DELETE /api/sessions/current/",
    "POST /api/sessions/",
    "GET /api/set-up/",
    "POST /api/set-up/",
    "POST /api/password-resets/",
    "POST /api/password-resets/confirm/",
}
"""Answered without a token."""

ENDLESS = {
    "GET /api/actions/run-code-stream/",
    "GET /api/actions/runs/stream/",
    "GET /api/notifications/stream/",
    "GET /api/apps/{app}/tables/stream/",
}
"""Answers that last as long as the run does, or the reader stays."""

READS = [item for item in OPERATIONS if item[1] == "get" and item[0] not in NOTHING_THERE | ENDLESS]


def _named(path: str) -> dict[str, str]:
    """Path parameters and the segment before each."""
    return {name: before for before, name in re.findall(r"([^/{}]+|\})/\{(\w+)(?=\})", path)}


def _value(world: World, name: str, before: str) -> str | None:
    return world.parameters.get(f"{before}.{name}", world.parameters.get(name))


def _fill(world: World, operation: str, path: str) -> str:
    for name, before in _named(path).items():
        value = _value(world, name, before)
        assert value is not None, f"{operation}: tell tenancy_world.py what stands at {{{name}}}"
        path = path.replace(f"{{{name}}}", value)
    return path


def _query(world: World, described: dict[str, Any]) -> dict[str, str]:
    """Required query parameters, and any that names something of the victim's."""
    query = {}
    for parameter in described.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] != "query":
            continue
        if name in world.parameters:
            query[name] = world.parameters[name]
        elif parameter.get("required"):
            query[name] = str(_minimal(parameter["schema"]))
    return query


def _minimal(schema: dict[str, Any]) -> Any:
    """The least that a JSON schema accepts."""
    if "$ref" in schema:
        return _minimal(OPENAPI["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return _minimal(options[0])
    if (kind := schema.get("type")) == "object" or "properties" in schema:
        return {name: _minimal(schema["properties"][name]) for name in schema.get("required", [])}
    if kind == "array":
        return [_minimal(schema["items"])] if schema.get("minItems") else []
    samples: dict[Any, Any] = {"integer": schema.get("minimum", 1), "number": 1, "boolean": False}
    return samples.get(kind, "x" * max(schema.get("minLength", 1), 1))


def _body(world: World, operation: str, described: dict[str, Any]) -> Any:
    if operation in SAMPLES:
        sample = json.dumps(SAMPLES[operation])
        return json.loads(re.sub(r"\{(\w+)\}", lambda match: world.parameters[match[1]], sample))
    content = described.get("requestBody", {}).get("content", {})
    return _minimal(content["application/json"]["schema"]) if "application/json" in content else None


async def _send(client: httpx.AsyncClient, world: World, operation: str, method: str, path: str) -> httpx.Response:
    described = OPENAPI["paths"][path][method]
    body = _body(world, operation, described)
    options: dict[str, Any] = {} if body is None else {"json": body}
    return await client.request(
        method, _fill(world, operation, path), params=_query(world, described), timeout=240, **options
    )


def _names_something(world: World, method: str, path: str) -> bool:
    return bool(_named(path)) or bool(_query(world, OPENAPI["paths"][path][method]).keys() & world.parameters.keys())


@pytest.fixture(scope="module")
async def world(shared_platform: Platform) -> World:
    return await build_world(shared_platform)


# The stream of one's own notifications names nothing and has no end: its own tests read it.
REFUSED = [item for item in OPERATIONS if item[0] != "GET /api/notifications/stream/"]


@pytest.mark.parametrize(("operation", "method", "path"), REFUSED, ids=[name for name, _, _ in REFUSED])
async def test_another_organization_reaches_nothing(
    shared_platform: Platform, world: World, operation: str, method: str, path: str
) -> None:
    # An operator of the installation is a stranger too; only users are theirs to manage.
    stranger = await shared_platform.create_caller(is_operator=not path.startswith("/api/users/"))
    async with shared_platform.client(stranger) as client:
        reply = await _send(client, world, operation, method, path)
    assert reply.status_code < 500, reply.text
    assert world.marker not in reply.text.replace(world.parameters["organization"], ""), operation
    if _names_something(world, method, path) and operation not in UNAUTHENTICATED:
        assert reply.status_code in (403, 404), f"{operation}: {reply.status_code} {reply.text[:300]}"


@pytest.mark.parametrize(
    ("operation", "method", "path"),
    READS,
    ids=[name for name, _, _ in READS],
)
async def test_the_organization_itself_is_answered(
    shared_platform: Platform, world: World, operation: str, method: str, path: str
) -> None:
    """The allowed twin: the stranger above was refused for who they are, not because nothing is there."""
    async with shared_platform.client(world.victim) as client:
        reply = await _send(client, world, operation, method, path)
    assert reply.status_code == 200, f"{operation}: {reply.status_code} {reply.text[:300]}"


async def test_without_a_token_only_the_open_pages_answer(shared_platform: Platform, world: World) -> None:
    answered = set()
    async with shared_platform.client() as client:
        for operation, method, path in OPERATIONS:
            reply = await _send(client, world, operation, method, path)
            if reply.status_code != 401:
                answered.add(operation)
    assert answered - UNAUTHENTICATED == OPEN - {"POST /api/sessions/"}, "a sign-in with made-up words is a 401 too"


async def test_a_run_token_manages_and_builds_nothing(shared_platform: Platform, world: World) -> None:
    """A script in the sandbox gets at rows, the cache, integrations and runs; never at accounts, apps or tables."""
    async with shared_platform.database.transaction() as session:
        app = await session.get_one(App, int(world.parameters["app"]))
    narrow = await shared_platform.create_run_token(world.victim, app)
    changes = [item for item in OPERATIONS if item[1] != "get" and item[0] not in DONE_BY_SCRIPTS | OPEN]
    assert len(changes) >= 25
    async with shared_platform.client(headers={"Authorization": f"Bearer {narrow}"}) as client:
        for operation, method, path in changes:
            reply = await _send(client, world, operation, method, path)
            assert reply.status_code == 403, f"{operation}: {reply.status_code} {reply.text[:300]}"
