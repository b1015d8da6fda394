"""Which requests a run may make: every documented path, and every way around the list."""

import pytest

from sandbox_runner.broker.routes import RouteRefused, forwarded

PERMITTED = [
    ("POST", "/api/apps/graphql/?app=3&table=orders", "/api/apps/graphql/?app=3&table=orders"),
    ("GET", "/api/apps/graphql/?app=org/app&table=x", "/api/apps/graphql/?app=org/app&table=x"),
    ("POST", "/v1/graphql", "/v1/graphql"),
    ("POST", "/api/apps/3/v1/graphql", "/api/apps/3/v1/graphql"),
    ("POST", "/api/apps/acme/orders/v1/graphql", "/api/apps/acme/orders/v1/graphql"),
    ("GET", "/api/apps/", "/api/apps/"),
    ("GET", "/api/apps/3/", "/api/apps/3/"),
    ("GET", "/api/apps/3/tables/", "/api/apps/3/tables/"),
    ("POST", "/api/apps/table-tags/3/orders/add/", "/api/apps/table-tags/3/orders/add/"),
    ("GET", "/api/apps/3/files/?name_prefix=a", "/api/apps/3/files/?name_prefix=a"),
    ("POST", "/api/apps/shop/files", "/api/apps/shop/files/"),
    ("POST", "/api/apps/3/files/from-url/", "/api/apps/3/files/from-url/"),
    ("GET", "/api/apps/3/files/usage/", "/api/apps/3/files/usage/"),
    ("PATCH", "/api/apps/3/files/5/", "/api/apps/3/files/5/"),
    ("DELETE", "/api/apps/3/files/5/", "/api/apps/3/files/5/"),
    ("GET", "/api/apps/3/files/5/content/", "/api/apps/3/files/5/content/"),
    ("POST", "/apps/3/files/5/link/", "/api/apps/3/files/5/link/"),
    ("POST", "/notifications", "/api/notifications/"),
    ("GET", "/api/integrations/?page=1&per_page=5", "/api/integrations/?page=1&per_page=5"),
    ("GET", "/api/integrations/allegro-x/?connection_id=5", "/api/integrations/allegro-x/?connection_id=5"),
    ("GET", "/api/integrations/allegro/get_connections/", "/api/integrations/allegro/get_connections/"),
    ("POST", "/api/integrations/allegro/call/", "/api/integrations/allegro/call/"),
    ("POST", "/api/integrations/allegro/parallel_call/", "/api/integrations/allegro/parallel_call/"),
    ("POST", "/api/integrations/mailer/notify-me/", "/api/integrations/mailer/notify-me/"),
    ("GET", "/api/plugins/plugins/get_list/marketplace/", "/api/plugins/plugins/get_list/marketplace/"),
    ("GET", "/api/actions/?app=3", "/api/actions/?app=3"),
    ("POST", "/api/actions/5/run/", "/api/actions/5/run/"),
    ("GET", "/api/actions/runs/5/status/", "/api/actions/runs/5/status/"),
    ("GET", "/api/actions/run-code-stream/?task_id=a", "/api/actions/run-code-stream/?task_id=a"),
    ("GET", "/cache/get/rates/?cache_type=app", "/cache/get/rates/?cache_type=app"),
    ("GET", "/cache/get/a/b%20c/", "/cache/get/a/b%20c/"),
    ("GET", "/cache/get/a//b/", "/cache/get/a//b/"),
    ("DELETE", "//cache//delete//a%2F%2Fb//", "/cache/delete//a//b//"),
    ("GET", "/cache/get/%C4%85%3F%25/", "/cache/get/%C4%85%3F%25/"),
    ("POST", "/cache/set/?x=1", "/cache/set/?x=1"),
    ("POST", "/cache/set-progress/task-1/", "/cache/set-progress/task-1/"),
    # the doubled slash of generated calls, a missing slash, a missing prefix
    ("GET", "//api/integrations/", "/api/integrations/"),
    ("GET", "/api/integrations", "/api/integrations/"),
    ("POST", "/integrations/allegro/call/", "/api/integrations/allegro/call/"),
    ("GET", "/actions/?app=1", "/api/actions/?app=1"),
]


@pytest.mark.parametrize(("method", "target", "expected"), PERMITTED)
def test_documented_tenant_paths_are_forwarded(method: str, target: str, expected: str) -> None:
    assert forwarded(method, target).target == expected


REFUSED = [
    "/api/runner/claim/",
    "/runner/claim/",
    "/api/runner/runs/1/finish/",
    "/api/admin/",
    "/api/accounts/users/",
    "/api/organizations/1/tokens/",
    "/api/tokens/",
    "/v1/metadata",
    "/v2/query",
    "/v1/version",
    "/docs",
    "/openapi.json",
    "/health",
    "/healthz",
    "/metrics",
    "/",
    "/api/",
    "/api/apps/3/installs/",
    "/api/apps/3/source/",
    "/api/apps/3/files/x/content/",
    "/api/apps/3/files/5/content/../../../source/",
    "/api/files/",
    "/api/notifications/5/",
    "/api/notifications/read-all/",
    "/api/notifications/stream/",
    "/api/secrets/",
    # around the list
    "/api/apps/../runner/claim/",
    "/api/apps/%2e%2e/runner/claim/",
    "/api/apps/%2E%2E%2Frunner/claim/",
    "/api/apps/.%2e/runner/claim/",
    "/api/apps/./../runner/claim/",
    "/api/integrations/..%2f..%2frunner%2fclaim/",
    "/api/integrations/x/call/../../../runner/claim/",
    "//api//runner//claim/",
    "/api%2frunner%2fclaim/",
    "/%61pi/runner/claim/",
    "/api/%72unner/claim/",
    "/api;x=1/runner/claim/",
    "/api/runner;x/claim/",
    "/api/apps/3;/",
    "/api/apps/graphql/..;/runner/",
    "/api\\runner\\claim/",
    "/api/apps/3%5c..%5crunner/",
    "/api/apps/3%00/",
    "/api/apps/3%0d%0aHost:%20x/",
    "/cache/get/../../api/runner/claim/",
    "/cache/get/%2e%2e/%2e%2e/api/runner/claim/",
    "/cache/get/..%2f..%2fapi%2frunner/",
    "/API/RUNNER/claim/",
    "http://127.0.0.1:8080/api/apps/",
    "*",
    "/api/apps/%ff/",
    "/api/apps/%252e%252e/runner/",
]


@pytest.mark.parametrize("target", REFUSED)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_everything_else_is_refused(method: str, target: str) -> None:
    with pytest.raises(RouteRefused):
        forwarded(method, target)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("DELETE", "/api/apps/3/"),
        ("POST", "/api/apps/"),
        ("PUT", "/api/apps/3/edit_table/"),
        ("GET", "/api/notifications/"),
        ("PUT", "/api/apps/3/files/5/"),
        ("PATCH", "/cache/set/"),
        ("CONNECT", "/v1/graphql"),
        ("GET", "/v1/graphql"),
        ("TRACE", "/api/actions/"),
    ],
)
def test_a_permitted_path_with_another_method_is_refused(method: str, target: str) -> None:
    with pytest.raises(RouteRefused):
        forwarded(method, target)


def test_the_cache_is_asked_with_a_bearer_token_and_the_rest_with_an_app_token() -> None:
    assert forwarded("GET", "/cache/get/a/").authorization == "Bearer"
    assert forwarded("GET", "/api/actions/").authorization == "App-Token"


def test_websockets_are_forwarded_to_graphql_only() -> None:
    assert forwarded("GET", "/v1/graphql", is_websocket=True).path == "/v1/graphql"
    with pytest.raises(RouteRefused):
        forwarded("GET", "/api/actions/", is_websocket=True)


def test_a_fragment_is_dropped_from_the_query() -> None:
    assert forwarded("GET", "/api/actions/?app=3#x").target == "/api/actions/?app=3"
