"""Builds the event of a webhook's run: the sender's request, without what is not the sender's."""

from collections.abc import Iterable
from typing import Any

from platform_api.accounts.authentication import read_authorization
from platform_api.accounts.tokens import is_well_formed
from platform_api.core.errors import PlatformError
from platform_api.webhooks.bodies import ParsedBody, storable
from platform_api.webhooks.forms import parse_query
from platform_api.webhooks.signatures.signed_text import Delivery

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


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Returns headers by lower-case name; what is sent several times is joined by commas, as HTTP defines it."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def event_of(
    delivery: Delivery,
    body: ParsedBody,
    *,
    hidden_headers: frozenset[str] = frozenset(),
    hidden_parameters: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Returns the event, without hidden headers and parameters, cookies, connection headers and our credentials.

    `body` is parsed JSON when the content is JSON (`raw_body` is its text), text when it is text, else base64;
    `body_type` says which, and `body_error` why a body was not read as its content type says. `form` holds the fields
    of a form, a list where one was given several times, `files` the files of a multipart form.
    """
    connection_headers = {name.strip().lower() for name in delivery.headers.get("connection", "").split(",")}
    dropped = _HOP_BY_HOP | _OURS | hidden_headers | connection_headers
    headers = {
        name: storable(value)
        for name, value in delivery.headers.items()
        if name not in dropped
        and not name.startswith("x-hasura-")
        and not (name == "authorization" and _is_ours(value))
    }
    return {
        "method": delivery.method,
        "path": delivery.path,
        "query": {
            storable(name): [storable(value) for value in values] if len(values) > 1 else storable(values[0])
            for name, values in parse_query(delivery.query_string).items()
            if name not in hidden_parameters
        },
        "headers": headers,
        "body": body.value,
        "body_type": body.kind,
        "body_error": body.error,
        "raw_body": body.raw,
        "form": body.form,
        "files": body.files,
    }


def _is_ours(authorization: str) -> bool:
    """Returns true for a token of this platform, which no script may see."""
    try:
        return is_well_formed(read_authorization(authorization))
    except PlatformError:
        return False
