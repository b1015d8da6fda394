"""Holds the little of ASGI that the transports share."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from hasura.engine import exact_json

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = dict[str, str]

JSON_HEADERS = ((b"content-type", b"application/json; charset=utf-8"),)


class BodyTooLarge(Exception):
    """Says that the request's body is over the limit."""


class ClientGone(Exception):
    """Says that the client closed the connection before it had sent everything."""


def text_of(sent: bytes) -> str:
    """Returns a header, path or query string as text: UTF-8 as clients write it, else each byte as Latin-1."""
    try:
        return sent.decode()
    except UnicodeDecodeError:
        return sent.decode("latin-1")


def decode_headers(scope: Scope) -> Headers:
    """Returns the headers, their names in lower case."""
    return {text_of(name): text_of(value) for name, value in scope["headers"]}


def headers_in(payload: Mapping[str, object]) -> Headers:
    """Returns headers that a client wrote as JSON: null is none, what is no text stands for its JSON."""
    return {
        str(name).lower(): value if isinstance(value, str) else exact_json.dumps(value).decode()
        for name, value in payload.items()
        if value is not None
    }


async def read_body(receive: Receive, *, max_bytes: int) -> bytes:
    """Returns the whole body. Raises BodyTooLarge, ClientGone."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(body) > max_bytes:
            raise BodyTooLarge
        return body
    parts, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > max_bytes:
            raise BodyTooLarge
    return b"".join(parts)


async def answer(
    send: Send, status: int, body: bytes, headers: tuple[tuple[bytes, bytes], ...] = JSON_HEADERS
) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def answer_json(
    send: Send, status: int, value: object, headers: tuple[tuple[bytes, bytes], ...] = JSON_HEADERS
) -> None:
    await answer(send, status, exact_json.dumps(value), headers)
