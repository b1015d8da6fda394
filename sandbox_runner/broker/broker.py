"""Serves HTTP to the jail of a run and forwards its requests to the control plane."""

import asyncio
import contextlib
import io
import json
import socket

import structlog
from aiohttp import ClientConnectorError, ClientError, ClientResponse, ClientSession, web
from multidict import CIMultiDict
from pydantic import SecretStr
from yarl import URL

from sandbox_runner.broker.headers import request_headers, response_headers
from sandbox_runner.broker.pacing import Pace
from sandbox_runner.broker.routes import Forwarded, RouteRefused, forwarded
from sandbox_runner.broker.websocket import forward_websocket

log = structlog.stdlib.get_logger()

REQUEST_BYTES = 32 * 1024 * 1024
_MAX_DISCARDED_BYTES = 8 * REQUEST_BYTES
RESPONSE_BYTES = 64 * 1024 * 1024
_PER_SECOND, _BURST, _CONCURRENT = 500.0, 200, 16
_WAIT_FOR_PLATFORM_SECONDS = 20.0
_WAIT_STEP_SECONDS = 0.25
_SMALL_RESPONSE_BYTES = 256 * 1024
_EVENT_STREAM = "text/event-stream"
_MAX_CONNECTIONS = 16_384


class RequestTooLarge(Exception):
    """Reports that a script sent a larger request than the broker forwards."""


class RunBroker:
    """Forwards a run's requests with the run's token; refuses everything but the documented paths for scripts.

    `base_url` is the control plane's address, `session` an HTTP client shared by all runs. The token ends with the
    run and cannot be exchanged for another.
    """

    def __init__(self, session: ClientSession, *, base_url: str, run_token: SecretStr, run_id: int) -> None:
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._run_token = run_token
        self._run_id = run_id
        self._pace = Pace(per_second=_PER_SECOND, burst=_BURST, concurrent=_CONCURRENT)
        self._server = web.Server(self._answer, access_log=None, max_line_size=16_384, max_field_size=16_384)
        self._listening: asyncio.Server | None = None
        self._dispenser: socket.socket | None = None
        self._connections = 0
        self._accepting: set[asyncio.Task[None]] = set()

    async def serve_listener(self, listener: socket.socket) -> None:
        """Accepts the jail's connections on a listener from inside its network namespace."""
        self._listening = await asyncio.get_running_loop().create_server(self._server, sock=listener)

    def serve_dispenser(self, dispenser: socket.socket) -> None:
        """Sends the jail a connected socket for each byte it sends; for jails without their own network."""
        dispenser.setblocking(False)
        self._dispenser = dispenser
        asyncio.get_running_loop().add_reader(dispenser, self._dispense, dispenser)

    async def close(self) -> None:
        """Closes all connections and aborts open requests."""
        if self._dispenser is not None:
            asyncio.get_running_loop().remove_reader(self._dispenser)
        if self._listening is not None:
            self._listening.close()
        await self._server.shutdown(timeout=0)

    def _dispense(self, dispenser: socket.socket) -> None:
        try:
            request = dispenser.recv(1)
        except BlockingIOError:
            return
        if not request or self._connections >= _MAX_CONNECTIONS:
            asyncio.get_running_loop().remove_reader(dispenser)
            return
        self._connections += 1
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(dispenser, [b"c"], [theirs.fileno()])
            except OSError:
                ours.close()
                return
        task = asyncio.get_running_loop().create_task(self._connect(ours))
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        await asyncio.get_running_loop().connect_accepted_socket(self._server, connection)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        is_websocket = request.headers.get("Upgrade", "").lower() == "websocket"
        try:
            target = forwarded(request.method, request.raw_path, is_websocket=is_websocket)
        except RouteRefused as refusal:
            log.info("broker.refused", run_id=self._run_id, method=request.method, reason=str(refusal))
            return _refusal(403, str(refusal))
        authorization = f"{target.authorization} {self._run_token.get_secret_value()}"
        headers = request_headers(request.headers, authorization=authorization)
        if is_websocket:
            return await forward_websocket(request, self._session, self._url(target), headers)
        async with self._pace.request():
            try:
                return await self._forward(request, target, headers)
            except RequestTooLarge:
                return _refusal(413, f"a request of a script may be at most {REQUEST_BYTES // 2**20} MB")

    async def _forward(
        self, request: web.BaseRequest, target: Forwarded, headers: CIMultiDict[str]
    ) -> web.StreamResponse:
        body = await _limited_body(request) if request.can_read_body else None
        try:
            async with await self._ask(request.method, target, headers, body) as answer:
                return await _relay(request, answer)
        except (ClientError, TimeoutError) as error:
            log.warning("broker.platform_failed", run_id=self._run_id, error=str(error))
            return _refusal(502, "the platform did not answer this request; it may or may not have been carried out")

    async def _ask(
        self, method: str, target: Forwarded, headers: CIMultiDict[str], body: bytes | None
    ) -> ClientResponse:
        """Sends the request; waits for a while when the control plane is not listening, as during a restart."""
        deadline = asyncio.get_running_loop().time() + _WAIT_FOR_PLATFORM_SECONDS
        while True:
            try:
                return await self._session.request(
                    method,
                    self._url(target),
                    headers=headers,
                    data=io.BytesIO(body) if body else None,
                    allow_redirects=False,
                )
            except ClientConnectorError:
                # Without a connection nothing was sent, so it is safe to try again.
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(_WAIT_STEP_SECONDS)

    def _url(self, target: Forwarded) -> URL:
        return URL(self._base_url + target.target, encoded=True)


async def _limited_body(request: web.BaseRequest) -> bytes:
    """Reads the body; raises RequestTooLarge.

    Discards the rest of a body that is too large, up to a limit: a client sees the answer only after it has sent all.
    """
    body = bytearray()
    received = 0
    async for chunk in request.content.iter_any():
        received += len(chunk)
        if received <= REQUEST_BYTES:
            body += chunk
        elif received > _MAX_DISCARDED_BYTES:
            break
    if received > REQUEST_BYTES:
        raise RequestTooLarge
    return bytes(body)


async def _relay(request: web.BaseRequest, answer: ClientResponse) -> web.StreamResponse:
    headers = response_headers(answer.headers)
    length = answer.content_length
    if length is not None and length > RESPONSE_BYTES:
        return _refusal(
            502, f"the platform's answer is larger than {RESPONSE_BYTES // 2**20} MB, the limit for scripts"
        )
    if length is not None and length <= _SMALL_RESPONSE_BYTES:
        return web.Response(status=answer.status, headers=headers, body=await answer.read())
    relayed = web.StreamResponse(status=answer.status, headers=headers)
    await relayed.prepare(request)
    is_endless = answer.content_type == _EVENT_STREAM
    sent = 0
    async for chunk in answer.content.iter_any():
        sent += len(chunk)
        if sent > RESPONSE_BYTES and not is_endless:
            # The status was already sent: the connection can only be broken.
            if request.transport is not None:
                request.transport.abort()
            return relayed
        await relayed.write(chunk)
    with contextlib.suppress(ConnectionError):
        await relayed.write_eof()
    return relayed


def _refusal(status: int, detail: str) -> web.Response:
    return web.Response(status=status, text=json.dumps({"detail": detail}), content_type="application/json")
