"""Runs exchanges with blocking calls."""

import os
import time
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from tenacity import Retrying

from automio import _redis
from automio._exceptions import (
    CacheUnavailable,
    ConfigurationError,
    ConnectionFailed,
    RequestTimeout,
    StreamInterrupted,
)
from automio._exchange import Batch, Call, EventSource, Exchange, Pause, RedisCommands, Reply, Request, Steps
from automio._http import (
    Lease,
    closed_client,
    is_event_stream,
    shared_clients,
    to_httpx,
    to_reply,
    translated_errors,
)
from automio._replies import invalid_reply, raise_for_status
from automio._retry import RetryPolicy, backoff, retry_options
from automio._settings import Settings

if TYPE_CHECKING:
    import redis

T = TypeVar("T")


class SyncDriver:
    """Sends the requests of one client; thread-safe."""

    def __init__(
        self, settings: Settings, *, timeout: float, retry: RetryPolicy, transport: httpx.BaseTransport | None
    ) -> None:
        self._settings = settings
        self._timeout = timeout
        self._retry = retry
        self._transport = transport
        self._redis: redis.Redis | None = None
        self._lacks_redis = False
        self._open_client()

    def close(self) -> None:
        """Releases connections; the driver cannot be used afterwards."""
        self._finalizer()
        if self._redis is not None:
            self._redis.close()

    def run(self, exchange: Exchange[T] | Steps[T]) -> T:
        """Runs an exchange, or several in turn, and returns the value."""
        if isinstance(exchange, Call | RedisCommands):
            return self._run_exchange(exchange)
        return self._run_steps(exchange)

    def stream(self, source: EventSource[T]) -> Iterator[T]:
        """Yields the items of a stream; resumes it after a broken connection where that is safe."""
        failures = 0
        while True:
            request = source.next_request()
            reply = self._with_retries(request, self._open)
            try:
                if isinstance(reply, Reply):
                    raise_for_status(reply)
                    raise invalid_reply(reply, "is not a stream of events")
                with translated_errors(request):
                    for chunk in reply.iter_bytes():
                        for item in source.read(chunk):
                            failures = 0
                            yield item
                            if source.is_finished:
                                return
                yield from source.ended()
                return
            except (ConnectionFailed, RequestTimeout) as error:
                failures += 1
                if failures >= self._retry.attempts or not source.can_resume():
                    raise StreamInterrupted(f"The stream broke off: {error} {source.missing()}") from error
            finally:
                if isinstance(reply, httpx.Response):
                    reply.close()
            time.sleep(backoff(self._retry, failures))

    def pages(self, first: Call[Batch[T]]) -> Iterator[T]:
        """Yields the items of all pages; a page is fetched when it is needed."""
        call: Call[Batch[T]] | None = first
        while call is not None:
            batch = self._run_exchange(call)
            yield from batch.items
            if batch.failure is not None:
                raise batch.failure
            call = batch.next

    def _run_steps(self, steps: Steps[T]) -> T:
        value: Any = None
        try:
            while True:
                try:
                    exchange = steps.send(value)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]  # the generator's return type is T
                value = self._run_exchange(exchange)
        finally:
            # What the steps hold open is closed also when one of them fails.
            steps.close()

    def _run_exchange(self, exchange: Exchange[T] | Pause) -> T:
        if isinstance(exchange, Pause):
            time.sleep(exchange.seconds)
            return None  # type: ignore[return-value]  # a pause has no value
        if isinstance(exchange, RedisCommands):
            self._http()
            return self._run_redis(exchange)
        return exchange.read(self._with_retries(exchange.request, self._send))

    def _run_redis(self, exchange: RedisCommands[T]) -> T:
        if exchange.optional and self._lacks_redis:
            return exchange.read(())
        try:
            self._redis = self._redis or _redis.connect(self._settings)
            return _redis.execute(self._redis, exchange, self._settings)  # type: ignore[no-any-return]
        except (CacheUnavailable, ConfigurationError) as error:
            if not exchange.optional:
                raise
            self._lacks_redis = True
            _redis.warn_once(error)
            return exchange.read(())

    def _with_retries(self, request: Request, attempt: Callable[[Request], T]) -> T:
        return Retrying(**retry_options(self._retry, request))(attempt, request)

    def _http(self) -> httpx.Client:
        if self._process != os.getpid():
            # A forked child must not write into its parent's connections.
            self._finalizer.detach()
            self._open_client()
            self._redis = None
        if not self._finalizer.alive:
            raise closed_client()
        return self._client

    def _open_client(self) -> None:
        self._process = os.getpid()
        self._client, close = _client(self._settings, self._transport)
        # Scripts seldom call close(): the connections are released with the object.
        self._finalizer = weakref.finalize(self, close)

    def _send(self, request: Request) -> Reply:
        with translated_errors(request):
            response = self._http().send(to_httpx(request, self._settings, self._timeout))
            return to_reply(response, response.content, request)

    def _open(self, request: Request) -> httpx.Response | Reply:
        """Returns an open event stream, or the complete reply when the platform sent none."""
        with translated_errors(request):
            response = self._http().send(to_httpx(request, self._settings, self._timeout), stream=True)
            if is_event_stream(response):
                return response
            try:
                return to_reply(response, response.read(), request)
            finally:
                response.close()


def _client(settings: Settings, transport: httpx.BaseTransport | None) -> tuple[httpx.Client, Callable[[], None]]:
    if transport is not None:
        client = httpx.Client(transport=transport)
        return client, client.close
    lease: Lease = shared_clients.acquire(settings)
    return lease.client, lambda: shared_clients.release(lease)
