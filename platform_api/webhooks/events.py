"""What the script of a webhook's run is given: the request, as far as it is the sender's."""

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from platform_api.accounts.authentication import read_authorization
from platform_api.accounts.tokens import is_well_formed
from platform_api.core.errors import PlatformError
from platform_api.tables.column_types import is_storable

MOST_BODY_BYTES = 1024 * 1024
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OURS = frozenset({"cookie", "x-organization-id", "x-app-id"})
_JSON_TYPE = re.compile(r"(?:application|text)/(?:[a-z0-9.+-]*\+)?json", re.IGNORECASE)


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; what is sent several times is joined by commas, as HTTP has it."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def event_of(
    *,
    method: str,
    path: str,
    query: Mapping[str, list[str]],
    headers: Mapping[str, str],
    body: bytes,
    left_out: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The event. Headers without the ones in `left_out`, cookies, those of the connection and credentials of ours.

    `body` is parsed JSON when the content is JSON, text when it is UTF-8, else base64; `body_type` says which.
    """
    named = {name.strip().lower() for name in headers.get("connection", "").split(",")}
    dropped = _HOP_BY_HOP | _OURS | left_out | named
    kept = {
        name: _storable(value)
        for name, value in headers.items()
        if name not in dropped
        and not name.startswith("x-hasura-")
        and not (name == "authorization" and _is_ours(value))
    }
    body_type, value = _body(headers.get("content-type", ""), body)
    return {
        "method": method,
        "path": path,
        "query": {
            _storable(name): [_storable(value) for value in values] if len(values) > 1 else _storable(values[0])
            for name, values in query.items()
        },
        "headers": kept,
        "body": value,
        "body_type": body_type,
    }


def parse_json(content_type: str, body: bytes) -> Any:
    """The body when it is JSON, None otherwise."""
    kind, value = _body(content_type, body)
    return value if kind == "json" else None


def _body(content_type: str, body: bytes) -> tuple[str, Any]:
    if not body:
        return "none", None
    if _JSON_TYPE.fullmatch(content_type.partition(";")[0].strip()):
        try:
            value = orjson.loads(body)
            # PostgreSQL's JSON holds no zero character; in the event, the value lies a little deeper.
            if b"\\u0000" not in orjson.dumps({"event": [value]}):
                return "json", value
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            pass
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\x00"
    if is_storable(text):
        return "text", text
    return "base64", base64.b64encode(body).decode()


def _storable(text: str) -> str:
    return text if is_storable(text) else text.encode(errors="replace").decode().replace("\x00", "")


def _is_ours(authorization: str) -> bool:
    """Whether this is a token of this platform, which has no business with a script."""
    try:
        return is_well_formed(read_authorization(authorization))
    except PlatformError:
        return False
