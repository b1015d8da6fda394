"""Serves streaming subscriptions: each row once, in the cursor's order, in batches.

A stream reads the rows after its cursor until none is left, then waits for the table to change.
"""

import asyncio
from collections.abc import Callable

import asyncpg

from hasura.engine.errors import EngineError, Unexpected
from hasura.engine.execution.connections import ConnectionPool
from hasura.engine.ir.parameters import CursorValue
from hasura.engine.logging import log
from hasura.engine.plan import Plan, SqlStep, Variables, bind, envelope
from hasura.engine.session import Session
from hasura.engine.sql.database_errors import CONNECTION_LOST, translate
from hasura.engine.subscriptions.changes import ChangeFeed
from hasura.engine.subscriptions.observation import Observation
from hasura.engine.subscriptions.pace import Pace

Deliver = Callable[[bytes], None]


class Streams:
    """Holds all streams of one engine process."""

    def __init__(
        self,
        pool: ConnectionPool,
        feed: ChangeFeed,
        pace: Pace,
        *,
        interval_seconds: float,
        render_error: Callable[[EngineError, Session | None], bytes],
    ) -> None:
        self._pool = pool
        self._feed = feed
        self._pace = pace
        self._interval = interval_seconds
        self._render_error = render_error
        self._tasks: set[asyncio.Task[None]] = set()

    def subscribe(self, plan: Plan, variables: Variables, session: Session, deliver: Deliver) -> Callable[[], object]:
        """Starts a stream; returns what ends it. Raises EngineError when a value is refused."""
        step = plan.steps[0]
        assert isinstance(step, SqlStep)
        arguments = bind(step.statements[0], variables, session.variables)
        task = asyncio.get_running_loop().create_task(self._run(plan, step, arguments, session, deliver))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task.cancel

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()

    async def _run(
        self, plan: Plan, step: SqlStep, arguments: list[object], session: Session, deliver: Deliver
    ) -> None:
        statement = step.statements[0]
        cursors = [index for index, source in enumerate(statement.parameters) if isinstance(source, CursorValue)]
        (prefix,), suffix = envelope([step])
        observation = Observation(self._feed, plan, interval_seconds=self._interval)
        try:
            while True:
                await observation.begin_look()
                try:
                    row = await self._fetch(statement.sql, arguments, session)
                    while row is not None and row[1] is not None:
                        value = row[0] if isinstance(row[0], bytes) else str(row[0]).encode()
                        deliver(prefix + value + suffix)
                        self._pace.delivered(session.tenant, len(value))
                        for index in cursors:
                            arguments[index] = row[1]
                        row = await self._fetch(statement.sql, arguments, session)
                except CONNECTION_LOST as exc:
                    await observation.recover(exc)
                await observation.wait()
        except asyncpg.PostgresError as exc:
            deliver(self._render_error(translate(exc, step.error_path), session))
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("a stream ended unexpectedly")
            deliver(self._render_error(Unexpected("internal server error"), session))
        finally:
            await observation.stop()

    async def _fetch(self, sql: str, arguments: list[object], session: Session) -> "asyncpg.Record | None":
        await self._pace.turn(session.tenant)
        async with self._pool.held(session.tenant) as held:
            rows = await held.fetch_rows(sql, arguments)
        return rows[0] if rows else None
