"""Decides which requests of a run are forwarded, as a pure function of method and raw request target.

The path is decoded once, matched against the permitted routes and then encoded again, so that nothing is forwarded
that the control plane could read differently (`..`, `%2e`, doubled or encoded slashes, `;`, backslashes). The deny
list comes first, then the allow list; all other paths are refused.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote_to_bytes

Authorization = Literal["App-Token", "Bearer"]

_NAME = r"[A-Za-z0-9_.@+~-]+"
_APP = rf"{_NAME}(?:/{_NAME})?"
_KEY = r".+"

# Never forwarded, whatever the routes say: paths for other credentials, or of the platform itself.
_DENIED = re.compile(
    r"/(?:api/)?(?:runner|admin|accounts|tokens|users|organizations|sign-in|auth|secrets|ops)(?:/|$)"
    r"|/v1/metadata|/v2/query|/v1alpha1|/v1/version|/docs|/redoc|/openapi\.json|/healthz?(?:/|$)|/metrics"
)


# Slashes belong to a cache key: `a//b` is not `a/b`.
_KEYED = re.compile(r"(/+cache/+(?:get|delete)/)(.+)")


@dataclass(frozen=True, slots=True)
class Route:
    """Describes a permitted request: its methods, and a pattern that must match the whole decoded path."""

    methods: frozenset[str]
    pattern: re.Pattern[str]
    authorization: Authorization = "App-Token"
    is_websocket: bool = False


@dataclass(frozen=True, slots=True)
class Forwarded:
    """Describes a request to the control plane: a canonical, encoded path, and the unchanged query string."""

    path: str
    query: str
    authorization: Authorization
    is_websocket: bool

    @property
    def target(self) -> str:
        """Returns path and query as a request target."""
        return f"{self.path}?{self.query}" if self.query else self.path


class RouteRefused(Exception):
    """Reports that a run may not make this request; the message says why."""


def _route(
    methods: str, path: str, *, authorization: Authorization = "App-Token", is_websocket: bool = False
) -> Route:
    pattern = path.replace("{name}", _NAME).replace("{app}", _APP).replace("{key}", _KEY)
    return Route(frozenset(methods.split()), re.compile(pattern + "/?"), authorization, is_websocket)


ROUTES: tuple[Route, ...] = (
    # GraphQL
    _route("GET POST", "/api/apps/graphql"),
    _route("POST", "/v1/graphql"),
    _route("GET", "/v1/graphql", is_websocket=True),
    _route("POST", "/api/apps/{app}/v1/graphql"),
    _route("GET", "/api/apps/{app}/v1/graphql", is_websocket=True),
    # apps and their tables (read only), and rows
    _route("GET", "/api/apps"),
    _route("GET", "/api/apps/{name}"),
    _route("GET", "/api/apps/{name}/(?:tables|user_tables)"),
    _route("DELETE", "/api/apps/{name}/table/{name}/delete-rows"),
    _route("GET POST", "/api/apps/table-tags/{name}/{name}/add"),
    # files and notifications
    _route("GET POST", "/api/apps/{name}/files"),
    _route("POST", "/api/apps/{name}/files/from-url"),
    _route("GET", "/api/apps/{name}/files/usage"),
    _route("POST", "/api/apps/{name}/files/(?:upload|upload-from-url)"),
    _route("GET", "/api/apps/{name}/files/(?:download|download-binary)"),
    _route("DELETE", "/api/apps/{name}/files/delete"),
    _route("GET PATCH DELETE", "/api/apps/{name}/files/[0-9]+"),
    _route("GET", "/api/apps/{name}/files/[0-9]+/content"),
    _route("POST", "/api/apps/{name}/files/[0-9]+/link"),
    _route("POST", "/api/notifications"),
    _route("POST", "/api/apps/{name}/notifications"),
    _route("GET POST DELETE", "/api/apps/{name}/api-cache"),
    _route("GET POST", "/api/apps/csv-(?:imports|exports)"),
    _route("POST", "/api/apps/csv-imports/preview"),
    _route("GET", "/api/apps/csv-(?:imports|exports)/{name}"),
    _route("GET", "/api/apps/csv-(?:imports|exports)/{name}/file"),
    _route("GET", "/api/apps/csv-imports/{name}/rejected"),
    _route("POST", "/api/apps/csv-(?:imports|exports)/{name}/cancel"),
    # starting and following syncs
    _route("GET", "/api/apps/{name}/syncs(?:/{name})?"),
    _route("GET", "/api/apps/{name}/syncs/{name}/runs"),
    _route("POST", "/api/apps/{name}/syncs/{name}/(?:run|cancel)"),
    # integrations
    _route("GET", "/api/integrations"),
    _route("GET", "/api/integrations/{name}"),
    _route("GET", "/api/integrations/{name}/(?:get_connections|table_connections)"),
    _route("POST", "/api/integrations/{name}/(?:call|parallel_call|parallel_call_for_connection)"),
    _route("GET", "/api/integrations/{name}/(?:invocations|results)/{name}"),
    _route("POST", "/api/integrations/mailer/notify-me"),
    # plugins
    _route("GET", "/api/plugins/plugins/get_list/{name}"),
    _route("GET", "/api/plugins/plugins/runtime"),
    _route("GET", "/api/plugins/plugin-interfaces/{name}/plugins"),
    # actions and runs
    _route("GET", "/api/actions"),
    _route("POST", "/api/actions/{name}/run"),
    _route("GET", "/api/actions/runs/{name}/status"),
    _route("GET", "/api/actions/{name}/run-request"),
    _route("POST", "/api/actions/runs/{name}/(?:cancel|stop)"),
    _route("GET", "/api/actions/run-code-stream"),
    _route("POST", "/api/webhooks/{name}/{name}"),
    # cache and progress; keys may contain any character
    _route("GET", "/cache/get/{key}", authorization="Bearer"),
    _route("POST", "/cache/set", authorization="Bearer"),
    _route("DELETE", "/cache/delete/{key}", authorization="Bearer"),
    _route("POST", "/cache/set-progress/{name}", authorization="Bearer"),
)

# Later releases of the published client leave out the prefix.
_PREFIXED_LATER = ("/apps", "/integrations", "/plugins", "/actions", "/webhooks", "/notifications")


def forwarded(method: str, target: str, *, is_websocket: bool = False) -> Forwarded:
    """Returns the request to forward for a run's request; raises RouteRefused."""
    raw_path, _, query = target.partition("?")
    query = query.partition("#")[0]
    path = _decoded(raw_path)
    if _DENIED.match(path):
        raise RouteRefused(f"scripts may not use {path}")
    matching = [route for route in ROUTES if route.pattern.fullmatch(path) and route.is_websocket == is_websocket]
    if not matching:
        raise RouteRefused(f"{path} is not a path that scripts may use")
    for route in matching:
        if method in route.methods:
            return Forwarded(_canonical(path), query, route.authorization, is_websocket)
    allowed = sorted({name for route in matching for name in route.methods})
    raise RouteRefused(f"scripts may use {path} with {', '.join(allowed)}, not with {method}")


def _decoded(raw_path: str) -> str:
    """Returns the path, decoded once, with the prefix `/api` and with single slashes except in cache keys."""
    if not raw_path.startswith("/"):
        raise RouteRefused("the request target must be a path")
    try:
        path = unquote_to_bytes(raw_path).decode()
    except UnicodeDecodeError as error:
        raise RouteRefused("the path is not UTF-8") from error
    if any(ord(character) < 0x20 or character == "\x7f" for character in path):
        raise RouteRefused("the path contains a control character")
    keyed = _KEYED.fullmatch(path)
    before_key, key = (keyed[1], keyed[2]) if keyed else (path, "")
    path = re.sub(r"/{2,}", "/", before_key) + key
    if any(segment in (".", "..") for segment in path.split("/")):
        raise RouteRefused("the path contains a `.` or `..` segment")
    if path.startswith(tuple(f"{prefix}/" for prefix in _PREFIXED_LATER)) or path in _PREFIXED_LATER:
        return f"/api{path}"
    return path


def _canonical(path: str) -> str:
    # The contract's paths end in a slash; the engine's own do not.
    whole = path if path.endswith("/") or path.endswith("/v1/graphql") else f"{path}/"
    return quote(whole, safe="/@+~")
