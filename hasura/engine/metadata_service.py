"""Keeps the metadata of one engine process: the current snapshot, kept up to date, and the calls that change it."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import asyncpg

from hasura.engine.api.data import run_data
from hasura.engine.api.dispatch import Dispatcher
from hasura.engine.api.workspace import Workspace
from hasura.engine.catalog.connection import Connection, abandon, transaction
from hasura.engine.errors import ParseFailed, Unexpected
from hasura.engine.logging import log
from hasura.engine.metadata import store
from hasura.engine.options import AdministrationLimits
from hasura.engine.resolve.loading import catch_up, load_world
from hasura.engine.resolve.world import World, empty_world
from hasura.engine.schema_cache import SchemaCache, SchemaOptions
from hasura.engine.session import Session
from hasura.engine.sql.database_errors import CONNECTION_LOST, translate

_FREE_CONNECTIONS = 2
# Notifications arrive at once; polling is for what a lost connection may have missed.
_POLL_SECONDS = 30.0
_RECONNECT_SECONDS = 0.5
_CLIENT_CHECK_SECONDS = 10.0


@contextlib.contextmanager
def _long_lived_objects() -> Iterator[None]:
    """Keeps the garbage collector away from what the block creates.

    A world of ten thousand tables is a million objects without cycles; going through them again and again doubles the
    time it takes to load, and later would hold up requests for a tenth of a second each time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()


def _milliseconds(seconds: float | None) -> str:
    """Returns a time as PostgreSQL's settings hold it; 0 is no limit."""
    return str(max(1, round(seconds * 1000))) if seconds is not None else "0"


class _Unit:
    """Holds the transaction of one call. What must run outside of any commits it midway and begins another."""

    def __init__(
        self, workspace: Workspace, announced: Callable[[World], contextlib.AbstractContextManager[None]]
    ) -> None:
        self._workspace = workspace
        self._announced = announced
        self._transaction: Any = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Commits what the block did, or rolls back what is not committed yet."""
        await self._begin()
        try:
            yield
            await self._commit()
        except BaseException:
            if self._transaction is not None and not self._workspace.connection.is_closed():
                await self._transaction.rollback()
            raise

    @contextlib.asynccontextmanager
    async def outside(self) -> AsyncIterator[None]:
        """Commits what was done so far and runs the block outside of any transaction."""
        await self._commit()
        yield
        await self._begin()

    async def _begin(self) -> None:
        begun = self._workspace.connection.transaction()
        await begun.start()
        self._transaction = begun

    async def _commit(self) -> None:
        is_changed = self._workspace.is_changed
        world = await self._workspace.finish()
        begun, self._transaction = self._transaction, None
        with self._announced(world) if is_changed else contextlib.nullcontext():
            await begun.commit()
        self._workspace.start_over()


class MetadataService:
    """Holds the world. `start` before anything else."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[Connection]],
        options: SchemaOptions,
        limits: AdministrationLimits | None = None,
    ) -> None:
        self._connect = connect
        self._options = options
        self._limits = limits or AdministrationLimits()
        self._world = empty_world(options)
        self._free: list[Connection] = []
        self._refreshing = asyncio.Lock()
        self._wake = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None
        # Versions this process is committing: it knows them already when their notification comes.
        self._own_versions: set[int] = set()

    @property
    def snapshot(self) -> SchemaCache:
        """Returns what requests are compiled against."""
        return self._world.snapshot

    async def start(self) -> None:
        """Creates the engine's tables where they are missing and reads everything."""
        async with self._connection() as connection:
            await store.bootstrap(connection)
            with _long_lived_objects():
                self._world = await load_world(connection, self._options)
        self._listener = asyncio.create_task(self._listen(), name="metadata listener")

    async def stop(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
        free, self._free = self._free, []
        for connection in free:
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncio.TimeoutError):
                await connection.close(timeout=5)

    async def refresh(self) -> None:
        """Takes in what is committed. Costs one small query when nothing changed."""
        async with self._refreshing, self._connection() as connection:
            await self._refresh_on(connection)

    async def _refresh_on(self, connection: Connection) -> None:
        self._install(await catch_up(connection, self._world, self._options))

    def _install(self, world: World) -> None:
        if world.resource_version > self._world.resource_version:
            self._world = world

    # --- calls -------------------------------------------------------------------------------------------------

    async def run(
        self, payload: Any, *, session: Session, path: str, connection: "asyncpg.Connection[Any] | None" = None
    ) -> object:
        """Runs a call of `path` and returns its answer. Raises EngineError.

        With a connection everything happens in its open transaction, and nothing here changes before `refresh`.
        """
        try:
            if connection is not None:
                return await self._run_within(payload, session, path, connection)
            return await self._run_alone(payload, session, path)
        except CONNECTION_LOST as exc:
            raise Unexpected("the database cannot be reached", code="postgres-error") from exc
        except asyncpg.PostgresError as exc:
            raise translate(exc, "$.args") from exc
        except RecursionError:
            raise ParseFailed("the request is nested too deeply", path="$.args") from None

    async def _run_alone(self, payload: Any, session: Session, path: str) -> object:
        async with self._connection() as own:
            workspace = Workspace(own, self._world, self._options, self._limits)
            unit = _Unit(workspace, self._announced)
            workspace.outside = unit.outside
            try:
                async with unit.running():
                    return await self._dispatch(workspace, payload, session, path)
            finally:
                if workspace.has_run_sql:
                    # Its SQL may have set anything for the session.
                    await abandon(own)

    @contextlib.contextmanager
    def _announced(self, world: World) -> Iterator[None]:
        """Installs what the block commits; in between, notifications of it are not news."""
        self._own_versions.add(world.resource_version)
        try:
            yield
            self._install(world)
        except BaseException:
            # It may have been committed all the same.
            self._wake.set()
            raise
        finally:
            self._own_versions.discard(world.resource_version)

    async def _run_within(self, payload: Any, session: Session, path: str, connection: Connection) -> object:
        workspace = Workspace(connection, self._world, self._options, self._limits, is_callers=True)
        # A savepoint: a refusal leaves the caller's transaction usable.
        async with transaction(connection):
            answer = await self._dispatch(workspace, payload, session, path)
            await workspace.finish()
        return answer

    async def _dispatch(self, workspace: Workspace, payload: Any, session: Session, path: str) -> object:
        return await Dispatcher(workspace, session, path, run_data).run(payload)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        connection = await self._free_connection() or await self._open()
        try:
            yield connection
        finally:
            if not connection.is_closed():
                if connection.is_in_transaction() or len(self._free) >= _FREE_CONNECTIONS:
                    connection.terminate()
                else:
                    self._free.append(connection)

    async def _open(self) -> Connection:
        connection = await self._connect()
        limits = self._limits
        settings = {
            "statement_timeout": _milliseconds(limits.statement_seconds),
            "lock_timeout": _milliseconds(limits.lock_seconds),
            # A statement ends when its client is gone; PostgreSQL has the setting since version 14.
            "client_connection_check_interval": _milliseconds(_CLIENT_CHECK_SECONDS),
        }
        await connection.execute(
            "select set_config(name, given.value, false) from unnest($1::text[], $2::text[]) as given(name, value)"
            " join pg_settings using (name)",
            list(settings),
            list(settings.values()),
        )
        return connection

    async def _free_connection(self) -> "Connection | None":
        """Returns a connection that still answers: a database that was restarted costs no call."""
        while self._free:
            candidate = self._free.pop()
            try:
                await candidate.execute("select 1")
            except (*CONNECTION_LOST, asyncpg.PostgresError):
                candidate.terminate()
            else:
                return candidate
        return None

    # --- keeping up --------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (*CONNECTION_LOST, asyncpg.PostgresError) as exc:
                log.warning("metadata of other engines cannot be followed at the moment: %s", exc)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("following metadata failed unexpectedly")
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        """Follows notifications until the connection ends."""
        connection = await self._connect()
        try:
            await connection.add_listener(store.CHANNEL, self._notified)
            connection.add_termination_listener(lambda _: self._wake.set())
            while not connection.is_closed():
                self._wake.clear()
                async with self._refreshing:
                    await self._refresh_on(connection)
                # Not `wait_for`: before Python 3.12 it loses a cancellation that comes together with the event.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_POLL_SECONDS):
                        await self._wake.wait()
        finally:
            if not connection.is_closed():
                connection.terminate()

    def _notified(self, connection: object, pid: int, channel: str, payload: object) -> None:
        version = int(str(payload))
        if version not in self._own_versions and version > self._world.resource_version:
            self._wake.set()
