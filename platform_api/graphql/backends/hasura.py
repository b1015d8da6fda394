"""A Hasura v2 server (or a separate `automio engine`) that executes GraphQL for us.

It trusts the admin secret, which never leaves this process, and so believes the role and the session variables that
are sent beside it. These are computed here; of a client's own headers none is passed on.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import aiohttp
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from hasura.engine import exact_json
from hasura.engine.session import Session
from platform_api.core.errors import Unavailable
from platform_api.graphql.backends.backend import Authenticate, GraphQLAnswer, RawHeaders
from platform_api.graphql.backends.hasura_websocket import HasuraWebSocket
from platform_api.graphql.requests import send_answer

log = structlog.stdlib.get_logger()

_TIMEOUT = aiohttp.ClientTimeout(total=300, connect=5)
_PASSED_ON = (b"content-type", b"x-request-id")


def session_headers(session: Session, *, admin_secret: str) -> dict[str, str]:
    """How Hasura is told a session: by the admin secret and the session's variables as headers."""
    return {**session.variables, "x-hasura-role": session.role, "x-hasura-admin-secret": admin_secret}


class HasuraBackend:
    """Passes documents on, with a session of our own making."""

    def __init__(self, base_url: str, *, admin_secret: str, client: aiohttp.ClientSession) -> None:
        self._base_url = base_url.rstrip("/")
        self._admin_secret = admin_secret
        self._client = client

    async def execute(self, body: bytes, session: Session) -> GraphQLAnswer:
        headers = session_headers(session, admin_secret=self._admin_secret)
        return await self._post("/v1/graphql", body, {**headers, "content-type": "application/json"})

    @property
    def is_transactional(self) -> bool:
        return False

    async def execute_within(
        self, database_session: AsyncSession, payload: dict[str, Any], session: Session
    ) -> GraphQLAnswer:
        return await self.execute(exact_json.dumps(payload), session)

    async def serve_admin(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An administrator's request goes on as it is: the Hasura itself checks the secret it carries."""
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
                return GraphQLAnswer(response.status, answer, _passed_on(response.raw_headers))
        except (aiohttp.ClientError, TimeoutError) as error:
            log.error("graphql.hasura_unavailable", error=str(error) or type(error).__name__)
            raise Unavailable(
                "the GraphQL engine cannot be reached at the moment; try again", headers={"Retry-After": "1"}
            ) from error


def _passed_on(headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    return tuple((name.lower(), value) for name, value in headers if name.lower() in _PASSED_ON)
