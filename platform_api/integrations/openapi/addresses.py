"""Turns the servers of a document into addresses that an integration can call."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urljoin

from platform_api.integrations.definitions.api_description import Server, ServerVariable

_VARIABLE = re.compile(r"\{([^{}]*)\}")
_FILLABLE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_ADDRESS = re.compile(r"https?://[^/?#@\s{}]*(\{[a-z][a-z0-9_]*\}[^/?#@\s{}]*)*(/[^?#\s]*)?", re.IGNORECASE)
_MAX_URL = 200
_MAX_SHOWN = 200


class UnusableServer(Exception):
    """Signals a server that cannot be called; the message says why."""


@dataclass(slots=True)
class Address:
    """Holds the URL of a server, with placeholders for the variables that a connection fills."""

    url: str
    placeholders: dict[str, ServerVariable] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def server_address(server: Server, *, relative_to: str | None, may_have: Collection[str] | None) -> Address:
    """Returns the address of a server, relative to a URL. Raises UnusableServer.

    A variable becomes a placeholder where it can be one, and, unless that is None, is in `may_have`; otherwise its
    default value stands there.
    """
    address = Address("")
    url = _VARIABLE.sub(lambda match: _placeholder(match, server, address, may_have), server.url)
    if url.startswith("//"):
        url = f"https:{url}"
    if not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", url):
        if relative_to is None:
            raise UnusableServer(f"the document has no absolute server URL (it says {server.url[:_MAX_SHOWN]!r})")
        url = urljoin(relative_to, url)
    url = url.partition("?")[0].partition("#")[0].rstrip("/")
    if len(url) > _MAX_URL or not _ADDRESS.fullmatch(url):
        raise UnusableServer(
            f"the server {server.url[:_MAX_SHOWN]!r} is no usable address: it must be http(s)://host[/path], of at"
            f" most {_MAX_URL} characters"
        )
    scheme, _, rest = url.partition("://")
    address.url = f"{scheme.lower()}://{rest}"
    return address


def _placeholder(match: re.Match[str], server: Server, address: Address, may_have: Collection[str] | None) -> str:
    """Returns a server variable as a placeholder, or its default where no placeholder is possible."""
    variable = server.variables.get(match[1], ServerVariable())
    name = placeholder_name(match[1])
    values = [value for value in (variable.default, *variable.choices) if value]
    is_scheme = match.start() == 0 and match.string[match.end() :].startswith("://")
    is_possible = not is_scheme and re.match(r"[a-z]", name) and all(map(_is_fillable, values))
    if match.start() and is_possible and (may_have is None or name in may_have):
        address.placeholders[name] = variable
        return "{" + name + "}"
    if not variable.default and not is_scheme:
        raise UnusableServer(f"the server variable {match[1][:_MAX_SHOWN]!r} has no default")
    address.notes.append(
        f"the server variable {match[1][:_MAX_SHOWN]!r} has its default value"
        f" {(variable.default or 'https')[:_MAX_SHOWN]!r}"
    )
    return variable.default or "https"


def _is_fillable(value: str) -> bool:
    return len(value) <= _MAX_URL and _FILLABLE.fullmatch(value) is not None


def placeholder_name(name: str) -> str:
    """Returns a name in the form of placeholders and credentials, as `shop_name` for `shopName`."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
