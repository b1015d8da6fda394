"""Bounds what the operations of WebSockets take: of the loop's time, in bytes of a message, in open subscriptions."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping

from starlette.types import Message, Receive, Send

from hasura.engine.engine import Engine
from hasura.engine.errors import EngineError
from hasura.engine.plan import OperationKind
from hasura.engine.session import Session
from platform_api.graphql.backends.backend import Authenticate
from platform_api.graphql.heavy.budget import LoopBudget

_TOO_BIG = 1009
_MAX_PAUSE_SECONDS = 5.0


class OpenSubscriptions:
    """Counts the subscriptions of each tenant that are open in this process."""

    def __init__(self, max_each: int) -> None:
        self._max_each = max_each
        self._open: Counter[str] = Counter()

    def add(self, tenant: str) -> Callable[[], None]:
        """Counts one; returns what ends it. Raises EngineError when the tenant has too many."""
        if self._open[tenant] >= self._max_each:
            raise EngineError(
                f"the organization has {self._max_each} subscriptions open, which is its limit; end some first",
                code="rate-limit-exceeded",
            )
        self._open[tenant] += 1
        is_open = True

        def end() -> None:
            nonlocal is_open
            if is_open:
                is_open = False
                self._open[tenant] -= 1
                if not self._open[tenant]:
                    del self._open[tenant]

        return end


class BoundedOperations:
    """Gives a connection the engine's operations, within the bounds of the session's tenant."""

    def __init__(
        self, engine: Engine, budget: LoopBudget, subscriptions: OpenSubscriptions, *, max_document: int
    ) -> None:
        self._engine = engine
        self._budget = budget
        self._subscriptions = subscriptions
        self._max_document = max_document

    async def run_operation(self, payload: object, session: Session) -> bytes:
        """Returns the answer to one request."""
        work = self._engine.run_operation(payload, session)
        return await (work if session.tenant is None else self._budget.run(session.tenant, work))

    def operation_kind(self, payload: object, session: Session) -> OperationKind:
        """Returns what kind of operation a request is. Raises EngineError."""
        if session.tenant is None:
            return self._engine.operation_kind(payload, session)
        query = payload.get("query") if isinstance(payload, dict) else None
        if isinstance(query, str) and len(query) > self._max_document:
            raise EngineError(
                f"a document over a WebSocket has at most {self._max_document} characters, not {len(query)}; put"
                " values into the variables, or send it over HTTP",
                code="validation-failed",
            )
        with self._budget.charged(session.tenant):
            return self._engine.operation_kind(payload, session)

    def subscribe(self, payload: object, session: Session, deliver: Callable[[bytes], None]) -> Callable[[], object]:
        """Starts a subscription and returns what ends it. Raises EngineError."""
        if session.tenant is None:
            return self._engine.subscribe(payload, session, deliver)
        uncount = self._subscriptions.add(session.tenant)
        try:
            with self._budget.charged(session.tenant):
                stop = self._engine.subscribe(payload, session, deliver)
        except BaseException:
            uncount()
            raise

        def end() -> None:
            uncount()
            stop()

        return end

    def render_error(self, error: EngineError, session: Session | None) -> bytes:
        """Returns `{"errors": [...]}`."""
        return self._engine.render_error(error, session)


class BoundedSocket:
    """Reads a connection's messages no quicker than its tenant has time of the loop, and none beyond `max_bytes`."""

    def __init__(
        self, receive: Receive, send: Send, authenticate: Authenticate, *, budget: LoopBudget, max_bytes: int
    ) -> None:
        self._receive = receive
        self._send = send
        self._authenticate = authenticate
        self._budget = budget
        self._max_bytes = max_bytes
        self._tenant: str | None = None

    async def authenticate(self, headers: Mapping[str, str], payload: Mapping[str, object] | None) -> Session:
        session = await self._authenticate(headers, payload)
        self._tenant = session.tenant
        return session

    async def receive(self) -> Message:
        """Returns the next event; a message that is too long closes the connection."""
        await self._wait_until_time_is_left()
        # What has arrived already is received without waiting, be it a hundred messages.
        await asyncio.sleep(0)
        event = await self._receive()
        if event["type"] == "websocket.receive":
            length = len(event.get("text") or event.get("bytes") or b"")
            if length > self._max_bytes:
                reason = f"a message has at most {self._max_bytes} bytes; send large requests over HTTP"
                await self._send({"type": "websocket.close", "code": _TOO_BIG, "reason": reason})
                return {"type": "websocket.disconnect", "code": _TOO_BIG}
            # Other connections of the tenant may have used its time up while this one had nothing to read. Nothing
            # is awaited between this and the charge for what was received.
            await self._wait_until_time_is_left()
        return event

    async def _wait_until_time_is_left(self) -> None:
        if self._tenant is not None:
            while pause := self._budget.seconds_until_left(self._tenant):  # noqa: ASYNC110 - time gives it back
                await asyncio.sleep(min(pause, _MAX_PAUSE_SECONDS))
