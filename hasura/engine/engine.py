"""Puts pool, metadata and operations together into an engine, started and stopped as one.

In-process callers (the control plane) use `execute`, `run_metadata` and `refresh`; other clients come through
`transport`.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import asyncpg
import orjson

from hasura.engine import exact_json
from hasura.engine.errors import EngineError, Unexpected, ValidationFailed
from hasura.engine.execution.connections import ConnectionPool
from hasura.engine.execution.guards import OperationGuards
from hasura.engine.execution.operations import OperationRunner, parse_request
from hasura.engine.explain import explain
from hasura.engine.logging import log
from hasura.engine.metadata_service import MetadataService
from hasura.engine.options import EngineOptions
from hasura.engine.plan import OperationKind
from hasura.engine.schema_cache import SchemaCache
from hasura.engine.session import Session
from hasura.engine.subscriptions.changes import ChangeFeed
from hasura.engine.subscriptions.live import LiveQueries, LiveQueryOptions
from hasura.engine.subscriptions.pace import Pace
from hasura.engine.subscriptions.streams import Streams

_CHECK_SECONDS = 5.0


class EngineResponse(NamedTuple):
    """Holds an answer as it goes out."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Engine:
    """Serves one database. `await start()` before anything else."""

    def __init__(self, options: EngineOptions) -> None:
        self.options = options
        settings = {"application_name": "automio-engine"}
        if options.database_role is not None:
            settings["role"] = options.database_role
        if options.statement_timeout_seconds is not None:
            settings["statement_timeout"] = str(int(options.statement_timeout_seconds * 1000))
        self.pool = ConnectionPool(
            options.database_url,
            server_settings=settings,
            pool_min=options.pool_min,
            pool_max=options.pool_max,
        )
        self._guards = OperationGuards(enable_allowlist=options.enable_allowlist)
        self.operations = OperationRunner(self.pool, self._guards)
        self.metadata = MetadataService(self.pool.connect, options.schema, options.administration)
        self._feed = ChangeFeed(self.pool.connect)
        pace = Pace()
        self._live = LiveQueries(
            self.pool,
            self.operations,
            self._feed,
            lambda: self.metadata.snapshot,
            pace,
            LiveQueryOptions(options.live_query_refetch_seconds, options.live_query_batch_size, self.render_error),
        )

        self._streams = Streams(
            self.pool,
            self._feed,
            pace,
            interval_seconds=options.streaming_refetch_seconds,
            render_error=self.render_error,
        )

    async def start(self) -> None:
        """Creates the engine's schema when missing, reads the first snapshot. Raises when it cannot connect."""
        await self.metadata.start()

    async def check_database(self) -> None:
        """Opens a connection of its own and closes it. Raises what prevents that."""
        async with asyncio.timeout(_CHECK_SECONDS):
            connection = await self.pool.connect()
            await connection.close()

    async def stop(self) -> None:
        await self._live.close()
        await self._streams.close()
        await self._feed.close()
        await self.metadata.stop()
        await self.pool.close()

    @property
    def schema_cache(self) -> SchemaCache:
        """Returns the current snapshot."""
        return self.metadata.snapshot

    async def execute(self, body: bytes, session: Session) -> EngineResponse:
        """Returns the answer of POST /v1/graphql to `body`, one request or a batch. Errors have status 200, too."""
        try:
            return await self._execute(body, session)
        except MemoryError:
            return self._refusal(_too_much_memory(), session)

    async def _execute(self, body: bytes, session: Session) -> EngineResponse:
        try:
            payload = exact_json.loads(body)
        except EngineError as exc:
            return self._refusal(exc, session)
        if isinstance(payload, list):
            try:
                self._refuse_long_batch(len(payload))
                self._guards.check_batch(self.metadata.snapshot, len(payload), session)
            except EngineError as exc:
                return self._refusal(exc, session)
            answers = [await self.run_operation(item, session) for item in payload]
            return EngineResponse(200, b"[" + b",".join(answers) + b"]")
        return EngineResponse(200, await self.run_operation(payload, session))

    def _refuse_long_batch(self, operations: int) -> None:
        limit = self.options.max_batch_operations
        if limit is not None and operations > limit:
            raise ValidationFailed(f"a batch has at most {limit} operations, not {operations}; send several")

    async def run_operation(self, payload: object, session: Session) -> bytes:
        """Returns the answer to one parsed request, errors included."""
        try:
            return await self.operations.run(self.metadata.snapshot, parse_request(payload), session)
        except EngineError as exc:
            return self.render_error(exc, session)
        except asyncio.CancelledError:
            raise
        except MemoryError:
            return self.render_error(_too_much_memory(), session)
        except Exception:
            log.exception("operation failed unexpectedly")
            return self.render_error(Unexpected("internal server error"), session)

    async def execute_within(
        self, payload: dict[str, Any], session: Session, connection: "asyncpg.Connection[Any]"
    ) -> bytes:
        """Returns the answer to one request, in that connection's open transaction. Raises EngineError.

        The transaction is aborted then: go back to a savepoint. The connection must act as the role that the engine
        has, and be decoding JSON to bytes, text or objects.
        """
        return await self.operations.run_within(self.metadata.snapshot, parse_request(payload), session, connection)

    def operation_kind(self, payload: object, session: Session) -> OperationKind:
        """Returns what kind of operation a request is. Raises EngineError when it is refused."""
        plan, _ = self.operations.plan(self.metadata.snapshot, parse_request(payload), session)
        return plan.kind

    def subscribe(self, payload: object, session: Session, deliver: Callable[[bytes], None]) -> Callable[[], object]:
        """Starts a live query or a stream; `deliver` gets its answers. Returns what ends it. Raises EngineError."""
        request = parse_request(payload)
        plan, variables = self.operations.plan(self.metadata.snapshot, request, session)
        if plan.is_stream:
            return self._streams.subscribe(plan, variables, session, deliver)
        subscriber = self._live.subscribe(request, session, deliver)
        return lambda: self._live.unsubscribe(subscriber)

    def render_error(self, error: EngineError, session: Session | None) -> bytes:
        """Returns the GraphQL body of one error; `internal` is shown as the options say."""
        return orjson.dumps(error.to_graphql_response(include_internal=self.shows_internal(session)))

    def shows_internal(self, session: Session | None) -> bool:
        """Returns whether this caller sees the `internal` part of errors."""
        is_admin = session is not None and session.has_admin_role()
        return self.options.dev_mode or (is_admin and self.options.admin_internal_errors)

    def _refusal(self, error: EngineError, session: Session) -> EngineResponse:
        return EngineResponse(200, self.render_error(error, session))

    async def explain(self, payload: object, session: Session) -> object:
        """Returns what `/v1/graphql/explain` answers. Raises EngineError."""
        return await explain(
            payload, session, cache=self.metadata.snapshot, operations=self.operations, pool=self.pool
        )

    async def run_metadata(
        self,
        payload: dict[str, Any],
        *,
        connection: "asyncpg.Connection[Any] | None" = None,
    ) -> object:
        """Runs a `/v1/metadata` call as admin and returns its answer. Raises EngineError.

        With `connection`, everything happens in that connection's open transaction: catalogue reads see its
        uncommitted changes, this engine's snapshot stays as it is until `refresh()` after the caller's commit.
        """
        return await self.metadata.run(payload, session=Session.admin(), path="/v1/metadata", connection=connection)

    async def refresh(self) -> None:
        """Brings the snapshot up to what is committed. Also happens by itself, on notification."""
        await self.metadata.refresh()


def _too_much_memory() -> EngineError:
    return EngineError("the request needs more memory than one may take; split it into several")
