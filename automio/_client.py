"""Provides `API` and `AsyncAPI`, the clients that scripts create."""

from types import TracebackType
from typing import Any, Self

import httpx

from automio._actions import Actions, AsyncActions
from automio._async_driver import AsyncDriver
from automio._cache import AppCache, AsyncAppCache, AsyncOrganizationCache, AsyncTask, OrganizationCache, Task
from automio._connection_memory import ConnectionMemory
from automio._csv import AsyncCsv, Csv
from automio._exchange import Call, Reply, Request
from automio._files import AsyncFiles, Files
from automio._http import READ_TIMEOUT
from automio._integrations import AsyncIntegrations, Integrations
from automio._json import encode_json
from automio._operation import AsyncResource, Context, Resource, SyncResource, operation
from automio._plugins import AsyncPlugins, Plugins
from automio._replies import parsed_or_none, raise_for_status
from automio._retry import RetryPolicy
from automio._runtime import AsyncRuntime, Runtime
from automio._settings import AppId, ConnectionId, Settings, read_environment, settings_from
from automio._sync_driver import SyncDriver
from automio._syncs import AsyncSyncs, Syncs
from automio._tables import AsyncTables, Tables


class ClientOperations(Resource):
    """Offers methods and properties of both clients."""

    @property
    def settings(self) -> Settings:
        """Returns the settings of this client."""
        return self._context.settings

    @property
    def connection_id(self) -> ConnectionId | None:
        """Returns the connection id for rows inserted by `tables.graphql`: CONNECTION_ID, or that of the latest call.

        Set it to choose a connection for this thread or task, or to None to clear it; CONNECTION_ID takes precedence.
        """
        return self._context.memory.current

    @connection_id.setter
    def connection_id(self, connection_id: ConnectionId | None) -> None:
        self._context.memory.replace(connection_id)

    @operation
    def notify_me(self, subject: str, text: str | None = None, html: str | None = None) -> Call[Any]:
        """Sends an e-mail to the token's user and returns the platform's answer; pass `text`, `html` or both."""
        if not text and not html:
            raise ValueError("notify_me() needs `text` or `html`.")
        body = {"subject": subject, "text": text, "html": html}
        request = Request(method="POST", path="/api/integrations/mailer/notify-me/", content=encode_json(body))
        return Call(request, _read_any)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._context.settings.base_url} app {self._context.settings.app_id}>"


class API(ClientOperations, SyncResource):
    """Talks to a platform with blocking calls; also a context manager.

        from automio.wrapper import API

        api = API()

    Settings come from arguments, then from the environment, then from the nearest `.env` upward from the working
    directory. `timeout` is how many seconds an ordinary request may pass without data, `retry` says when a request is
    repeated, `transport` replaces the network (see `MockTransport`). With `strict_exit=True`,
    `integrations.get_integration` prints a line and exits the process, as the published client does, instead of
    raising.

    Raises ConfigurationError when API_BASE_URL or APP_TOKEN is missing. Sends nothing before the first call.
    All clients of a process share a connection pool; a client may be used by several threads.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        token: str | None = None,
        app_id: AppId | None = None,
        connection_id: ConnectionId | None = None,
        settings: Settings | None = None,
        timeout: float = READ_TIMEOUT,
        retry: RetryPolicy | None = None,
        transport: httpx.BaseTransport | None = None,
        strict_exit: bool = False,
    ) -> None:
        settings = settings or settings_from(
            read_environment(), base_url=base_url, token=token, app_id=app_id, connection_id=connection_id
        )
        driver = SyncDriver(settings, timeout=timeout, retry=retry or RetryPolicy(), transport=transport)
        context = _context(settings, strict_exit)
        super().__init__(driver, context)
        context.client = self
        self.tables = Tables(driver, context)
        self.integrations = Integrations(driver, context)
        self.plugins = Plugins(driver, context)
        self.actions = Actions(driver, context)
        self.files = Files(driver, context)
        self.runtime = Runtime(driver, context)
        self.csv = Csv(driver, context)
        self.syncs = Syncs(driver, context)
        self.app_cache = AppCache(driver, context)
        self.user_cache = self.org_cache = OrganizationCache(driver, context)
        self.task = Task(driver, context)

    def close(self) -> None:
        """Closes the connections; a client that is never closed closes them when it is garbage collected."""
        self._driver.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncAPI(ClientOperations, AsyncResource):
    """Does the same as `API` for asyncio: every operation is awaited, every iterator is asynchronous.

        async with AsyncAPI() as api:
            response = await api.tables.apps_graphql_query(app=3, table="orders", graph_ql_request=request)

    Takes the arguments of `API`. A client belongs to one event loop and may be used by many of its tasks.
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        token: str | None = None,
        app_id: AppId | None = None,
        connection_id: ConnectionId | None = None,
        settings: Settings | None = None,
        timeout: float = READ_TIMEOUT,
        retry: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        strict_exit: bool = False,
    ) -> None:
        settings = settings or settings_from(
            read_environment(), base_url=base_url, token=token, app_id=app_id, connection_id=connection_id
        )
        driver = AsyncDriver(settings, timeout=timeout, retry=retry or RetryPolicy(), transport=transport)
        context = _context(settings, strict_exit)
        super().__init__(driver, context)
        context.client = self
        self.tables = AsyncTables(driver, context)
        self.integrations = AsyncIntegrations(driver, context)
        self.plugins = AsyncPlugins(driver, context)
        self.actions = AsyncActions(driver, context)
        self.files = AsyncFiles(driver, context)
        self.runtime = AsyncRuntime(driver, context)
        self.csv = AsyncCsv(driver, context)
        self.syncs = AsyncSyncs(driver, context)
        self.app_cache = AsyncAppCache(driver, context)
        self.user_cache = self.org_cache = AsyncOrganizationCache(driver, context)
        self.task = AsyncTask(driver, context)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._driver.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _context(settings: Settings, strict_exit: bool) -> Context:
    return Context(settings=settings, memory=ConnectionMemory(settings.connection_id), strict_exit=strict_exit)


def _read_any(reply: Reply) -> Any:
    raise_for_status(reply)
    parsed = parsed_or_none(reply)
    return reply.body.decode(errors="replace") if parsed is None else parsed
