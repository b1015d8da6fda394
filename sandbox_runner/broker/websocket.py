"""Forwards GraphQL subscriptions: relays messages between a WebSocket to the jail and one to the control plane."""

import asyncio
import json
from collections.abc import Mapping

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType, web
from yarl import URL

_MESSAGE_BYTES = 4 * 1024 * 1024
_INIT = "connection_init"


async def forward_websocket(
    request: web.BaseRequest, session: ClientSession, url: URL, headers: Mapping[str, str]
) -> web.StreamResponse:
    """Relays messages until one side closes; uses a sub-protocol that the client requested."""
    requested = [
        name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if name.strip()
    ]
    try:
        async with session.ws_connect(
            url, headers=headers, protocols=requested, max_msg_size=_MESSAGE_BYTES, autoping=True
        ) as platform:
            protocols = [platform.protocol] if platform.protocol else []
            jail = web.WebSocketResponse(protocols=protocols, max_msg_size=_MESSAGE_BYTES)
            await jail.prepare(request)
            await _join(jail, platform, authorization=headers["Authorization"])
            return jail
    except ClientError:
        detail = {"detail": "the platform did not accept the WebSocket"}
        return web.json_response(detail, status=502)


async def _join(jail: web.WebSocketResponse, platform: ClientWebSocketResponse, *, authorization: str) -> None:
    upward = asyncio.create_task(_upward(jail, platform, authorization))
    downward = asyncio.create_task(_downward(platform, jail))
    try:
        await asyncio.wait({upward, downward}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (upward, downward):
            task.cancel()
        await asyncio.gather(upward, downward, return_exceptions=True)
        if platform.close_code is not None and platform.close_code != 1006:
            await jail.close(code=platform.close_code)
        else:
            await jail.close()


async def _upward(jail: web.WebSocketResponse, platform: ClientWebSocketResponse, authorization: str) -> None:
    is_first = True
    async for message in jail:
        if message.type is WSMsgType.TEXT:
            await platform.send_str(_with_authorization(message.data, authorization) if is_first else message.data)
            is_first = False
        elif message.type is WSMsgType.BINARY:
            await platform.send_bytes(message.data)


async def _downward(platform: ClientWebSocketResponse, jail: web.WebSocketResponse) -> None:
    async for message in platform:
        if message.type is WSMsgType.TEXT:
            await jail.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await jail.send_bytes(message.data)


def _with_authorization(text: str, authorization: str) -> str:
    """Replaces the headers in the first message of both GraphQL protocols, which a run must not choose."""
    try:
        message = json.loads(text)
    except ValueError:
        return text
    if not isinstance(message, dict) or message.get("type") != _INIT:
        return text
    return json.dumps({**message, "payload": {"headers": {"Authorization": authorization}}})
