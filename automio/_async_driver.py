"""Runs exchanges with asyncio."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import httpx
from tenacity import AsyncRetrying

from automio import _redis
from automio._exceptions import (
    CacheUnavailable,
    ConfigurationError,
    ConnectionFailed,
    RequestTimeout,
    StreamInterrupted,
)
from automio._exchange import Batch, Call, EventSource, Exchange, Pause, RedisCommands, Reply, Request, Steps
from automio._http import LIMITS, closed_client, is_event_stream, tls_context, to_httpx, to_reply, translated_errors
from automio._replies import invalid_reply, raise_for_status
from automio._retry import RetryPolicy, backoff, retry_options
from automio._settings import Settings

if TYPE_CHECKING:
    import redis.asyncio

T = TypeVar("T")


class AsyncDriver:
    """Sends the requests of one client, within one event loop."""

    def __init__(
        self, settings: Settings, *, timeout: float, retry: RetryPolicy, transport: httpx.AsyncBaseTransport | None
    ) -> None:
        self._settings = settings
        self._timeout = timeout
        self._retry = retry
        self._client = httpx.AsyncClient(transport=transport, verify=tls_context(settings), limits=LIMITS)
        self._redis: redis.asyncio.Redis | None = None
        self._lacks_redis = False

    async def close(self) -> None:
        """Releases connections; the driver cannot be used afterwards."""
        await self._client.aclose()
        if self._redis is not None:
            await self._redis.aclose()

    async def run(self, exchange: Exchange[T] | Steps[T]) -> T:
        """Runs an exchange, or several in turn, and returns the value."""
        if isinstance(exchange, Call | RedisCommands):
            return await self._run_exchange(exchange)
        return await self._run_steps(exchange)

    async def stream(self, source: EventSource[T]) -> AsyncIterator[T]:
        """Yields the items of a stream; resumes it after a broken connection where that is safe."""
        failures = 0
        while True:
            request = source.next_request()
            reply = await self._with_retries(request, self._open)
            try:
                if isinstance(reply, Reply):
                    raise_for_status(reply)
                    raise invalid_reply(reply, "is not a stream of events")
                with translated_errors(request):
                    async for chunk in reply.aiter_bytes():
                        for item in source.read(chunk):
                            failures = 0
                            yield item
                            if source.is_finished:
                                return
                for item in source.ended():
                    yield item
                return
            except (ConnectionFailed, RequestTimeout) as error:
                failures += 1
                if failures >= self._retry.attempts or not source.can_resume():
                    raise StreamInterrupted(f"The stream broke off: {error} {source.missing()}") from error
            finally:
                if isinstance(reply, httpx.Response):
                    await reply.aclose()
            await anyio.sleep(backoff(self._retry, failures))

    async def pages(self, first: Call[Batch[T]]) -> AsyncIterator[T]:
        """Yields the items of all pages; a page is fetched when it is needed."""
        call: Call[Batch[T]] | None = first
        while call is not None:
            batch = await self._run_exchange(call)
            for item in batch.items:
                yield item
            if batch.failure is not None:
                raise batch.failure
            call = batch.next

    async def _run_steps(self, steps: Steps[T]) -> T:
        value: Any = None
        try:
            while True:
                try:
                    exchange = steps.send(value)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]  # the generator's return type is T
                value = await self._run_exchange(exchange)
        finally:
            # A step that fails must not leave files open.
            steps.close()

    async def _run_exchange(self, exchange: Exchange[T] | Pause) -> T:
        if isinstance(exchange, Pause):
            await anyio.sleep(exchange.seconds)
            return None  # type: ignore[return-value]  # a pause has no value
        if isinstance(exchange, RedisCommands):
            return await self._run_redis(exchange)
        return exchange.read(await self._with_retries(exchange.request, self._send))

    async def _run_redis(self, exchange: RedisCommands[T]) -> T:
        if exchange.optional and self._lacks_redis:
            return exchange.read(())
        try:
            self._redis = self._redis or _redis.connect_async(self._settings)
            return await _redis.execute_async(self._redis, exchange, self._settings)  # type: ignore[no-any-return]
        except (CacheUnavailable, ConfigurationError) as error:
            if not exchange.optional:
                raise
            self._lacks_redis = True
            _redis.warn_once(error)
            return exchange.read(())

    async def _with_retries(self, request: Request, attempt: Callable[[Request], Awaitable[T]]) -> T:
        return await AsyncRetrying(**retry_options(self._retry, request))(attempt, request)

    def _http(self) -> httpx.AsyncClient:
        if self._client.is_closed:
            raise closed_client()
        return self._client

    async def _send(self, request: Request) -> Reply:
        with translated_errors(request):
            response = await self._http().send(to_httpx(request, self._settings, self._timeout))
            return to_reply(response, response.content, request)

    async def _open(self, request: Request) -> httpx.Response | Reply:
        """Returns an open event stream, or the complete reply when the platform sent none."""
        with translated_errors(request):
            response = await self._http().send(to_httpx(request, self._settings, self._timeout), stream=True)
            if is_event_stream(response):
                return response
            try:
                return to_reply(response, await response.aread(), request)
            finally:
                await response.aclose()
