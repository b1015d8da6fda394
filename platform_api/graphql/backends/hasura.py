"""Executes GraphQL on a Hasura v2 server, or on a separate `automio engine`.

It trusts the admin secret, which is never sent to clients, and with it the role and the session variables of a
request. These are computed here; none of the client's own headers is passed on.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import aiohttp
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from hasura.engine import exact_json
from hasura.engine.session import Session
from platform_api.core.errors import Unavailable, Unprocessable
from platform_api.graphql.backends.backend import Authenticate, GraphQLAnswer, RawHeaders, explanation_of, plan_lines
from platform_api.graphql.backends.hasura_websocket import HasuraWebSocket
from platform_api.graphql.requests import send_answer

log = structlog.stdlib.get_logger()

_TIMEOUT = aiohttp.ClientTimeout(total=300, connect=5)
_FORWARDED_HEADERS = (b"content-type", b"x-request-id")


def session_headers(session: Session, *, admin_secret: str) -> dict[str, str]:
    """Returns the headers that carry a session to Hasura: its variables, its role and the admin secret."""
    return {**session.variables, "x-hasura-role": session.role, "x-hasura-admin-secret": admin_secret}


class HasuraBackend:
    """Forwards documents with a session that the platform computed."""

    def __init__(self, base_url: str, *, admin_secret: str, client: aiohttp.ClientSession) -> None:
        self._base_url = base_url.rstrip("/")
        self._admin_secret = admin_secret
        self._client = client

    async def execute(self, body: bytes, session: Session) -> GraphQLAnswer:
        headers = session_headers(session, admin_secret=self._admin_secret)
        return await self._post("/v1/graphql", body, {**headers, "content-type": "application/json"})

    async def execute_read(
        self, read: Callable[[], Awaitable[bytes]], session: Session, *, announced_bytes: int | None
    ) -> GraphQLAnswer:
        return await self.execute(await read(), session)

    @property
    def is_transactional(self) -> bool:
        return False

    async def execute_within(
        self, database_session: AsyncSession, payload: dict[str, Any], session: Session
    ) -> GraphQLAnswer:
        return await self.execute(exact_json.dumps(payload), session)

    async def explain(self, payload: dict[str, Any], session: Session) -> list[str]:
        headers = {"x-hasura-admin-secret": self._admin_secret, "content-type": "application/json"}
        body = exact_json.dumps(explanation_of(payload, session))
        answer = await self._post("/v1/graphql/explain", body, headers)
        explained: Any = exact_json.loads(answer.body)
        if answer.status != 200:
            raise Unprocessable(str(explained.get("error", "the query cannot be explained")))
        return plan_lines(explained)

    async def serve_admin(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forwards an administrator's request as it is; Hasura checks the secret in it."""
        request = Request(scope, receive)
        headers = {
            name: value
            for name, value in request.headers.items()
            if name == "content-type" or name.startswith("x-hasura-")
        }
        await send_answer(send, await self._post(request.url.path, await request.body(), headers))

    async def serve_websocket(
        self, scope: Scope, receive: Receive, send: Send, *, authenticate: Authenticate
    ) -> None:
        socket = HasuraWebSocket(
            self._base_url + "/v1/graphql",
            client=self._client,
            headers_of=lambda session: session_headers(session, admin_secret=self._admin_secret),
            authenticate=authenticate,
        )
        await socket.serve(scope, receive, send)

    async def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> GraphQLAnswer:
        try:
            async with self._client.post(
                self._base_url + path, data=body, headers=headers, timeout=_TIMEOUT
            ) as response:
                answer = await response.read()
                return GraphQLAnswer(response.status, answer, _forwarded_headers(response.raw_headers))
        except (aiohttp.ClientError, TimeoutError) as error:
            log.error("graphql.hasura_unavailable", error=str(error) or type(error).__name__)
            raise Unavailable(
                "the GraphQL engine cannot be reached at the moment; try again", headers={"Retry-After": "1"}
            ) from error


def _forwarded_headers(headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    return tuple((name.lower(), value) for name, value in headers if name.lower() in _FORWARDED_HEADERS)
