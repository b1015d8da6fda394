"""Reads the servers of a document, of a path or of an operation."""

from typing import Any

from platform_api.integrations.definitions.api_description import Server, ServerVariable
from platform_api.integrations.openapi.description.documents import Spot
from platform_api.integrations.openapi.description.notes import Notes
from platform_api.integrations.openapi.description.values import name_of, plain_text, texts_in

_MAX_SERVERS = 50
_MAX_VARIABLES = 20
_MAX_CHOICES = 50
_MAX_URL = 2_000


def read_servers(declared: Spot, notes: Notes) -> list[Server]:
    """Returns the servers of a list, without those that have no URL."""
    if declared.value is not None and not isinstance(declared.value, list):
        notes.add(declared.place, f"servers must be a list, not {name_of(declared.value)}; they are left out")
    servers: list[Server] = []
    for server in declared.elements():
        url = server.value if isinstance(server.value, str) else server.get("url")
        if not isinstance(url, str) or not url.strip() or len(url) > _MAX_URL:
            notes.add(server.place, "a server must have a `url`, a text; it is left out")
            continue
        servers.append(Server(url=url.strip(), variables=_variables(server.at("variables"))))
        if len(servers) == _MAX_SERVERS:
            break
    return servers


def _variables(declared: Spot) -> dict[str, ServerVariable]:
    return {
        name: ServerVariable(
            default=plain_text(variable.get("default"))[:_MAX_URL],
            choices=[text[:_MAX_URL] for text in map(plain_text, _listed(variable.get("enum"))) if text],
        )
        for name, variable in list(declared.items())[:_MAX_VARIABLES]
    }


def _listed(values: Any) -> list[Any]:
    return values[:_MAX_CHOICES] if isinstance(values, list) else []


def read_swagger_server(top: Spot, notes: Notes) -> Server:
    """Returns the server that `schemes`, `host` and `basePath` of Swagger 2 describe."""
    schemes = [scheme.lower() for scheme in texts_in(top.get("schemes"))]
    usable = [scheme for scheme in ("https", "http") if scheme in schemes]
    if schemes and not usable:
        notes.add(top.at("schemes").place, f"calls go by https or http, not by {schemes[0][:20]}; https is used")
    host, path = plain_text(top.get("host"))[:_MAX_URL], plain_text(top.get("basePath"))[:_MAX_URL] or "/"
    if path.startswith(("http://", "https://")):
        notes.add(top.at("basePath").place, "basePath must be a path, not a URL; it is used with its host")
        return Server(url=path)
    path = path if path.startswith("/") else f"/{path}"
    if not host:
        return Server(url=path)
    if "://" in host:
        notes.add(top.at("host").place, "host must be a name without http(s)://; it is used as it stands")
        return Server(url=host.rstrip("/") + path)
    return Server(url=f"{(usable or ['https'])[0]}://{host.rstrip('/')}{path}")
