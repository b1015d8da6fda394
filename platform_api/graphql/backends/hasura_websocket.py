"""Forwards a client's GraphQL WebSocket to Hasura with a session that the platform computed.

The client's `connection_init` never reaches Hasura: it is authenticated here and replaced. Every other message is
parsed and serialized again, so that Hasura cannot read it differently than it was read here.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from starlette.types import Receive, Scope, Send

from hasura.engine import exact_json
from hasura.engine.errors import EngineError
from hasura.engine.session import Session
from hasura.engine.transport.asgi import decode_headers
from platform_api.graphql.backends.backend import Authenticate

TRANSPORT_WS = "graphql-transport-ws"
LEGACY_WS = "graphql-ws"

_INIT_SECONDS = 10.0

_INTERNAL_ERROR = 1011
_INVALID_MESSAGE = 4400
_FORBIDDEN = 4403
_NO_SUBPROTOCOL = 4406
_INIT_TIMEOUT = 4408
_SECOND_INIT = 4429


class _Disconnected(Exception):
    """Reports that the client has disconnected."""


class _Refusal(Exception):
    """Disconnects the client with a code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:120].decode(errors="ignore")


class HasuraWebSocket:
    """Serves one client's connection."""

    def __init__(
        self,
        url: str,
        *,
        client: aiohttp.ClientSession,
        headers_of: Callable[[Session], Mapping[str, str]],
        authenticate: Authenticate,
    ) -> None:
        self._url = url
        self._client = client
        self._headers_of = headers_of
        self._authenticate = authenticate

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves the connection from the handshake to its end."""
        await receive()  # websocket.connect
        protocol = next((name for name in (TRANSPORT_WS, LEGACY_WS) if name in scope.get("subprotocols", ())), None)
        if protocol is None:
            await send({"type": "websocket.close", "code": _NO_SUBPROTOCOL})
            return
        await send({"type": "websocket.accept", "subprotocol": protocol})
        try:
            session = await self._open(scope, receive, send, protocol)
            await self._connect(session, protocol, receive, send)
        except _Refusal as refusal:
            await send({"type": "websocket.close", "code": refusal.code, "reason": refusal.reason})
        except _Disconnected:
            return

    async def _open(self, scope: Scope, receive: Receive, send: Send, protocol: str) -> Session:
        try:
            async with asyncio.timeout(_INIT_SECONDS):
                message = await _next_message(receive)
        except TimeoutError as error:
            raise _Refusal(_INIT_TIMEOUT, "Connection initialisation timeout") from error
        if message.get("type") != "connection_init":
            raise _Refusal(_INVALID_MESSAGE, "the first message must be connection_init")
        payload = message.get("payload")
        headers = decode_headers(scope)
        try:
            return await self._authenticate(headers, payload if isinstance(payload, dict) else None)
        except EngineError as error:
            if protocol == LEGACY_WS:
                await _send(send, {"type": "connection_error", "payload": {"message": error.message}})
            raise _Refusal(_FORBIDDEN, error.message) from error

    async def _connect(self, session: Session, protocol: str, receive: Receive, send: Send) -> None:
        try:
            upstream = await self._client.ws_connect(self._url, protocols=[protocol], max_msg_size=0)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _Refusal(_INTERNAL_ERROR, "the GraphQL engine cannot be reached at the moment") from error
        async with upstream:
            await upstream.send_json(
                {"type": "connection_init", "payload": {"headers": dict(self._headers_of(session))}}
            )
            tasks = [
                asyncio.create_task(_to_hasura(receive, upstream)),
                asyncio.create_task(_to_client(upstream, send)),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


async def _to_hasura(receive: Receive, upstream: aiohttp.ClientWebSocketResponse) -> None:
    while True:
        message = await _next_message(receive)
        if message.get("type") == "connection_init":
            raise _Refusal(_SECOND_INIT, "Too many initialisation requests")
        with contextlib.suppress(ConnectionError):  # the other direction notices that Hasura has disconnected
            await upstream.send_str(exact_json.dumps(message).decode())


async def _to_client(upstream: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    async for message in upstream:
        if message.type is aiohttp.WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
    raise _Refusal(upstream.close_code or _INTERNAL_ERROR, "the GraphQL engine ended the connection")


async def _next_message(receive: Receive) -> dict[str, Any]:
    event = await receive()
    if event["type"] == "websocket.disconnect":
        raise _Disconnected
    try:
        message = exact_json.loads(event.get("text") or event.get("bytes") or b"")
    except EngineError as error:
        raise _Refusal(_INVALID_MESSAGE, "messages must be JSON") from error
    if not isinstance(message, dict):
        raise _Refusal(_INVALID_MESSAGE, "messages must be JSON objects")
    return message


async def _send(send: Send, message: Mapping[str, Any]) -> None:
    await send({"type": "websocket.send", "text": exact_json.dumps(message).decode()})
