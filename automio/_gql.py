"""Creates `gql` clients for an app's tables: documents over HTTP, subscriptions over their own web socket."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Any

from gql import Client, GraphQLRequest
from gql.client import AsyncClientSession
from gql.transport.async_transport import AsyncTransport
from gql.transport.httpx import HTTPXAsyncTransport, HTTPXTransport
from gql.transport.websockets import WebsocketsTransport
from graphql import ExecutionResult

from automio._http import READ_TIMEOUT, tls_context
from automio._json import decode_json
from automio._settings import AppId, Settings, app_in_path


class TablesClient(Client):
    """Offers a `gql.Client` for blocking code whose `subscribe` opens a web socket."""

    def __init__(self, settings: Settings, app: AppId) -> None:
        super().__init__(
            transport=HTTPXTransport(
                url=_url(settings, app),
                headers=_headers(settings),
                verify=tls_context(settings),
                timeout=READ_TIMEOUT,
                json_deserialize=decode_json,
            ),
            execute_timeout=None,
        )
        self._settings = settings
        self._app = app

    def subscribe(self, *arguments: Any, **keywords: Any) -> Generator[Any, None, None]:
        """Yields the results of a subscription as they arrive; closing the generator closes the web socket."""
        # Not gql's own blocking subscribe: closed early, it leaves tasks pending on a loop that nobody runs again.
        with asyncio.Runner() as runner:
            client, session = runner.run(_connected(self._settings, self._app))
            results = session.subscribe(*arguments, **keywords)
            try:
                while (result := runner.run(_next_of(results))) is not _NO_MORE:
                    yield result
            finally:
                runner.run(results.aclose())
                runner.run(client.close_async())  # type: ignore[no-untyped-call]


class TablesTransport(AsyncTransport):
    """Sends queries and mutations over HTTP and opens a web socket for the first subscription."""

    def __init__(self, settings: Settings, app: AppId) -> None:
        self._http = HTTPXAsyncTransport(
            url=_url(settings, app),
            headers=_headers(settings),
            verify=tls_context(settings),
            timeout=READ_TIMEOUT,
            json_deserialize=decode_json,
        )
        self._settings = settings
        self._app = app
        self._websocket: WebsocketsTransport | None = None
        self._connecting = asyncio.Lock()

    async def connect(self) -> None:
        await self._http.connect()  # type: ignore[no-untyped-call]

    async def close(self) -> None:
        await self._http.close()  # type: ignore[no-untyped-call]
        if self._websocket is not None:
            await self._websocket.close()

    async def execute(self, request: GraphQLRequest, **keywords: Any) -> ExecutionResult:
        return await self._http.execute(request, **keywords)

    async def execute_batch(self, reqs: list[GraphQLRequest], **keywords: Any) -> list[ExecutionResult]:
        return await self._http.execute_batch(reqs, **keywords)

    async def subscribe(self, request: GraphQLRequest, **keywords: Any) -> AsyncGenerator[ExecutionResult, None]:
        websocket = await self._connected_websocket()
        async for result in websocket.subscribe(request, **keywords):
            yield result

    async def _connected_websocket(self) -> WebsocketsTransport:
        # Subscriptions that start together wait for one connection.
        async with self._connecting:
            if self._websocket is None:
                websocket = _websocket(self._settings, self._app)
                await websocket.connect()
                self._websocket = websocket
            return self._websocket


class ExactWebsocketsTransport(WebsocketsTransport):
    """Decodes rows without losing digits, as the HTTP transports do; gql has no option for it here."""

    def _parse_answer(self, answer: str) -> tuple[str, int | None, ExecutionResult | None]:
        kind, identifier, result = super()._parse_answer(answer)
        if result is not None and result.data is not None:
            result.data = decode_json(answer)["payload"]["data"]
        return kind, identifier, result


async def _connected(settings: Settings, app: AppId) -> tuple[Client, AsyncClientSession]:
    client = Client(transport=_websocket(settings, app))
    return client, await client.connect_async()  # type: ignore[no-untyped-call]


_NO_MORE = object()


async def _next_of(results: AsyncGenerator[Any, None]) -> Any:
    return await anext(results, _NO_MORE)


def create_client(settings: Settings, app: AppId) -> Client:
    """Creates a client for blocking code."""
    return TablesClient(settings, app)


def create_async_client(settings: Settings, app: AppId) -> Client:
    """Creates a client for `async with`."""
    return Client(transport=TablesTransport(settings, app), execute_timeout=None)


def _url(settings: Settings, app: AppId) -> str:
    return f"{settings.base_url}/api/apps/{app_in_path(app)}/v1/graphql"


def _headers(settings: Settings) -> dict[str, str]:
    return {"Authorization": f"App-Token {settings.token}"}


def _websocket(settings: Settings, app: AppId) -> ExactWebsocketsTransport:
    """Creates a web socket transport; needs a running event loop, or gql creates one that nobody closes."""
    scheme, _, rest = _url(settings, app).partition("://")
    return ExactWebsocketsTransport(
        url=f"{'wss' if scheme == 'https' else 'ws'}://{rest}",
        headers=_headers(settings),
        init_payload={"headers": _headers(settings)},
    )
