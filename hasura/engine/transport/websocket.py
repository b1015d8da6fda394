"""Serves GraphQL over websockets, both protocols: `graphql-transport-ws` and the older `graphql-ws`.

One connection carries many operations. Answers are written by one task in the order in which they came about; a
client that does not read is disconnected when too much waits for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from hasura.engine import exact_json
from hasura.engine.errors import AccessDenied, EngineError, Unexpected
from hasura.engine.execution.operations import parse_request
from hasura.engine.logging import log
from hasura.engine.plan import OperationKind
from hasura.engine.session import Session
from hasura.engine.transport.asgi import Headers, Receive, Scope, Send, decode_headers, headers_in

TRANSPORT, LEGACY = "graphql-transport-ws", "graphql-ws"
_INIT_SECONDS = 10.0
_KEEP_ALIVE_SECONDS = 5.0
_MAX_WAITING_MESSAGES = 1000
_INTERNAL_ERROR, _BAD_REQUEST, _FORBIDDEN = 1011, 4400, 4403
# Bytes for the reason in a frame that closes a connection, beside its code.
_MAX_REASON_BYTES = 123

# What the caller of `serve_websocket` decides: whose session it is, from the upgrade request's headers, those in the
# `connection_init` payload added, and that payload. Raises AccessDenied.
Authenticate = Callable[[Headers, dict[str, Any]], Awaitable[Session]]

# How the answer to an operation that failed begins. Unlike over HTTP, Hasura adds null data to it over a WebSocket.
_FAILED = b'{"errors":'


class Operations(Protocol):
    """Lists what a connection needs of the engine."""

    async def run_operation(self, payload: object, session: Session) -> bytes:
        """Returns the answer to one request."""
        ...

    def operation_kind(self, payload: object, session: Session) -> OperationKind:
        """Returns what kind of operation a request is. Raises EngineError."""
        ...

    def subscribe(self, payload: object, session: Session, deliver: Callable[[bytes], None]) -> Callable[[], object]:
        """Starts a subscription and returns what ends it. Raises EngineError."""
        ...

    def render_error(self, error: EngineError, session: Session | None) -> bytes:
        """Returns `{"errors": [...]}`."""
        ...


@dataclass(frozen=True, slots=True)
class _Dialect:
    """Holds the words in which the two protocols differ."""

    subprotocol: str
    start: str
    stop: str
    data: str


_DIALECTS = {
    TRANSPORT: _Dialect(TRANSPORT, start="subscribe", stop="complete", data="next"),
    LEGACY: _Dialect(LEGACY, start="start", stop="stop", data="data"),
}


class _Closed(Exception):
    """Ends the connection with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")


async def serve_websocket(
    engine: Operations, scope: Scope, receive: Receive, send: Send, *, authenticate: Authenticate
) -> None:
    """Serves one websocket connection from its upgrade to its end."""
    await receive()
    offered = scope.get("subprotocols") or []
    chosen = next((name for name in offered if name in _DIALECTS), None)
    if offered and chosen is None:
        await send({"type": "websocket.close", "code": 4406, "reason": "Subprotocol not acceptable"})
        return
    await send({"type": "websocket.accept", "subprotocol": chosen})
    dialect = _DIALECTS[chosen or LEGACY]
    await _Connection(engine, decode_headers(scope), receive, send, authenticate, dialect).serve()


class _Connection:
    def __init__(
        self,
        engine: Operations,
        headers: Headers,
        receive: Receive,
        send: Send,
        authenticate: Authenticate,
        dialect: _Dialect,
    ) -> None:
        self._engine = engine
        self._headers = headers
        self._receive = receive
        self._send = send
        self._authenticate = authenticate
        self._dialect = dialect
        self._data_infix = b',"type":"' + dialect.data.encode() + b'","payload":'
        self._session: Session | None = None
        self._out: asyncio.Queue[bytes | _Closed] = asyncio.Queue(_MAX_WAITING_MESSAGES)
        # What ends each running operation.
        self._running: dict[str, Callable[[], object]] = {}

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        writer = loop.create_task(self._write())
        reader = loop.create_task(self._read())
        keep_alive = loop.create_task(self._keep_alive())
        try:
            await asyncio.wait([reader, writer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for stop in tuple(self._running.values()):
                stop()
            tasks = (reader, writer, keep_alive)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self) -> None:
        # One task writes; it waits without a timeout, which would cost more than the writing.
        while True:
            message = await self._out.get()
            if isinstance(message, _Closed):
                await self._send({"type": "websocket.close", "code": message.code, "reason": message.reason})
                return
            await self._send({"type": "websocket.send", "text": message.decode()})

    async def _keep_alive(self) -> None:
        message = b'{"type":"ka"}' if self._dialect.subprotocol == LEGACY else b'{"type":"ping"}'
        while True:
            await asyncio.sleep(_KEEP_ALIVE_SECONDS)
            if self._session is not None and self._out.empty():
                self._enqueue(message)

    async def _read(self) -> None:
        try:
            deadline = asyncio.get_running_loop().time() + _INIT_SECONDS
            while True:
                wait = None if self._session is not None else deadline - asyncio.get_running_loop().time()
                try:
                    async with asyncio.timeout(wait):
                        event = await self._receive()
                except TimeoutError:
                    raise _Closed(4408, "Connection initialisation timeout") from None
                if event["type"] == "websocket.disconnect":
                    return
                await self._handle(event.get("text") or (event.get("bytes") or b"").decode(errors="replace"))
        except _Closed as closed:
            await self._close(closed)
        except Exception:
            log.exception("a websocket failed unexpectedly")
            await self._close(_Closed(_INTERNAL_ERROR, "internal server error"))

    async def _close(self, closed: _Closed) -> None:
        await self._out.put(closed)
        await asyncio.sleep(60)  # the writer closes, which ends this task

    async def _handle(self, text: str) -> None:
        message = self._parse(text)
        if message is None:
            return
        kind = message.get("type")
        if kind == "connection_init":
            await self._initialise(message.get("payload") or {})
        elif kind == self._dialect.start:
            self._start(message)
        elif kind == self._dialect.stop and isinstance(message.get("id"), str):
            self._end(message["id"])
        elif kind == "ping" and self._dialect.subprotocol == TRANSPORT:
            self._put({"type": "pong"})
        elif kind == "pong" and self._dialect.subprotocol == TRANSPORT:
            pass
        elif kind == "connection_terminate" and self._dialect.subprotocol == LEGACY:
            raise _Closed(1000, "terminated")
        else:
            self._refuse_message(f"unexpected message of type {kind!r}")

    def _parse(self, text: str) -> dict[str, Any] | None:
        try:
            message, reason = exact_json.loads(text), ""
        except EngineError as exc:
            message, reason = None, f": {exc.message}"
        if not isinstance(message, dict):
            self._refuse_message("a message is a JSON object" + reason)
            return None
        return message

    def _refuse_message(self, reason: str) -> None:
        if self._dialect.subprotocol == TRANSPORT:
            raise _Closed(_BAD_REQUEST, reason)
        self._put({"type": "connection_error", "payload": reason})

    async def _initialise(self, payload: Any) -> None:
        if self._session is not None and self._dialect.subprotocol == TRANSPORT:
            raise _Closed(4429, "Too many initialisation requests")
        payload = payload if isinstance(payload, dict) else {}
        given = payload.get("headers")
        added = headers_in(given) if isinstance(given, dict) else {}
        try:
            self._session = await self._authenticate({**self._headers, **added}, payload)
        except EngineError as exc:
            if self._dialect.subprotocol == LEGACY:
                self._put({"type": "connection_error", "payload": exc.message})
            raise _Closed(_FORBIDDEN if isinstance(exc, AccessDenied) else _BAD_REQUEST, exc.message) from exc
        self._put({"type": "connection_ack"})
        if self._dialect.subprotocol == LEGACY:
            self._put({"type": "ka"})

    def _start(self, message: dict[str, Any]) -> None:
        identifier = message.get("id")
        if not isinstance(identifier, str):
            self._refuse_message("an operation needs an `id`")
            return
        if self._session is None:
            if self._dialect.subprotocol == TRANSPORT:
                raise _Closed(4401, "Unauthorized")
            self._put({"type": "connection_error", "payload": "start received before the connection is initialised"})
            return
        if identifier in self._running:
            if self._dialect.subprotocol == TRANSPORT:
                raise _Closed(4409, f"Subscriber for {identifier} already exists")
            self._put_error(identifier, EngineError("an operation already exists with this id: " + identifier))
            return
        try:
            self._begin(identifier, message.get("payload"), self._session)
        except EngineError as exc:
            self._put_error(identifier, exc)
        except Exception:
            log.exception("an operation failed unexpectedly before it began")
            self._put_error(identifier, Unexpected("internal server error"))

    def _begin(self, identifier: str, payload: object, session: Session) -> None:
        parse_request(payload)
        if self._engine.operation_kind(payload, session) is OperationKind.SUBSCRIPTION:
            self._running[identifier] = self._engine.subscribe(
                payload, session, lambda answer: self._put_data(identifier, answer)
            )
            return
        task = asyncio.get_running_loop().create_task(self._run_once(identifier, payload, session))
        self._running[identifier] = task.cancel

    async def _run_once(self, identifier: str, payload: object, session: Session) -> None:
        answer = await self._engine.run_operation(payload, session)
        self._running.pop(identifier, None)
        self._put_data(identifier, answer)
        self._put({"id": identifier, "type": "complete"})

    def _end(self, identifier: str) -> None:
        stop = self._running.pop(identifier, None)
        if stop is not None:
            stop()
            if self._dialect.subprotocol == LEGACY:
                self._put({"id": identifier, "type": "complete"})

    def _put_error(self, identifier: str, error: EngineError) -> None:
        rendered = orjson.loads(self._engine.render_error(error, self._session))
        payload = rendered["errors"] if self._dialect.subprotocol == TRANSPORT else rendered["errors"][0]
        self._put({"id": identifier, "type": "error", "payload": payload})

    def _put_data(self, identifier: str, answer: bytes) -> None:
        # The answer is JSON already; only its envelope is written here.
        if answer.startswith(_FAILED):
            answer = b'{"data":null,' + answer[1:]
        self._enqueue(b'{"id":' + orjson.dumps(identifier) + self._data_infix + answer + b"}")

    def _put(self, message: dict[str, Any]) -> None:
        self._enqueue(orjson.dumps(message))

    def _enqueue(self, message: bytes) -> None:
        try:
            self._out.put_nowait(message)
        except asyncio.QueueFull:
            # The client does not read: what waits for it is dropped, and it should connect again.
            self._out.get_nowait()
            self._out.put_nowait(_Closed(4008, "too many messages wait for this client"))
