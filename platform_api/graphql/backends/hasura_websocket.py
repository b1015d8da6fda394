"""A client's GraphQL WebSocket, passed on to a Hasura with a session of our own making.

The client's `connection_init` never reaches Hasura: we authenticate it and send our own. Every other message is
parsed and written anew before it goes on, so that nothing can look different to Hasura than it did to us.
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


class _Closed(Exception):
    """The client is gone."""


class _Refused(Exception):
    """The client is to be disconnected with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:120].decode(errors="ignore")


class HasuraWebSocket:
    """One client's connection."""

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
        """From the handshake to the end of the connection."""
        await receive()  # websocket.connect
        protocol = next((name for name in (TRANSPORT_WS, LEGACY_WS) if name in scope.get("subprotocols", ())), None)
        if protocol is None:
            await send({"type": "websocket.close", "code": _NO_SUBPROTOCOL})
            return
        await send({"type": "websocket.accept", "subprotocol": protocol})
        try:
            session = await self._open(scope, receive, send, protocol)
            await self._connect(session, protocol, receive, send)
        except _Refused as refused:
            await send({"type": "websocket.close", "code": refused.code, "reason": refused.reason})
        except _Closed:
            return

    async def _open(self, scope: Scope, receive: Receive, send: Send, protocol: str) -> Session:
        try:
            async with asyncio.timeout(_INIT_SECONDS):
                message = await _next_message(receive)
        except TimeoutError as error:
            raise _Refused(_INIT_TIMEOUT, "Connection initialisation timeout") from error
        if message.get("type") != "connection_init":
            raise _Refused(_INVALID_MESSAGE, "the first message must be connection_init")
        payload = message.get("payload")
        headers = decode_headers(scope)
        try:
            return await self._authenticate(headers, payload if isinstance(payload, dict) else None)
        except EngineError as error:
            if protocol == LEGACY_WS:
                await _send(send, {"type": "connection_error", "payload": {"message": error.message}})
            raise _Refused(_FORBIDDEN, error.message) from error

    async def _connect(self, session: Session, protocol: str, receive: Receive, send: Send) -> None:
        try:
            upstream = await self._client.ws_connect(self._url, protocols=[protocol], max_msg_size=0)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _Refused(_INTERNAL_ERROR, "the GraphQL engine cannot be reached at the moment") from error
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
            raise _Refused(_SECOND_INIT, "Too many initialisation requests")
        with contextlib.suppress(ConnectionError):  # the other direction notices that Hasura is gone
            await upstream.send_str(exact_json.dumps(message).decode())


async def _to_client(upstream: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    async for message in upstream:
        if message.type is aiohttp.WSMsgType.TEXT:
            await send({"type": "websocket.send", "text": message.data})
    raise _Refused(upstream.close_code or _INTERNAL_ERROR, "the GraphQL engine ended the connection")


async def _next_message(receive: Receive) -> dict[str, Any]:
    event = await receive()
    if event["type"] == "websocket.disconnect":
        raise _Closed
    try:
        message = exact_json.loads(event.get("text") or event.get("bytes") or b"")
    except EngineError as error:
        raise _Refused(_INVALID_MESSAGE, "messages must be JSON") from error
    if not isinstance(message, dict):
        raise _Refused(_INVALID_MESSAGE, "messages must be JSON objects")
    return message


async def _send(send: Send, message: Mapping[str, Any]) -> None:
    await send({"type": "websocket.send", "text": exact_json.dumps(message).decode()})
