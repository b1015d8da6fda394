"""Reports which tables changed, notified by the database itself.

A table gets a statement-level trigger that sends a notification when, and only when, some engine watches the table;
so a write to a table that nobody watches costs one look into a small index. The trigger is installed with a short
`lock_timeout` (CREATE TRIGGER waits for open writers while later writers queue behind it); where it cannot be had
(views, foreign tables, partitions, a busy table, another owner), subscribers poll.

A transaction that wrote before our watch was visible sends no notification, yet may commit after our first look. So
a new watch is `settling` until every transaction that ran at that time has ended; meanwhile subscribers poll, too.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from typing import Any, TypeVar

import asyncpg

from hasura.engine.logging import log
from hasura.engine.sql.database_errors import CONNECTION_LOST

Table = tuple[str, str]
T = TypeVar("T")
_CHANNEL = "automio_engine_changes"

_SCHEMA = """
do $$ begin
  -- Not `if not exists`, which asks for the right to create schemas even when there is nothing to create.
  if to_regnamespace('automio_engine') is null then create schema automio_engine; end if;
end $$;
create table if not exists automio_engine.watched_table (
  relation oid not null, listener integer not null, primary key (relation, listener));
create or replace function automio_engine.notify_change() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
begin
  if exists (select 1 from automio_engine.watched_table where relation = tg_relid) then
    perform pg_notify('automio_engine_changes', tg_relid::text);
  end if;
  return null;
end $$;
"""

# Only plain tables outside inheritance: a statement on a parent or a partition would fire another table's trigger.
_FIND = """
select c.oid, exists (
    select 1 from pg_trigger t join pg_proc p on p.oid = t.tgfoid join pg_namespace m on m.oid = p.pronamespace
    where t.tgrelid = c.oid and p.proname = 'notify_change' and m.nspname = 'automio_engine'
      and t.tgenabled <> 'D') as has_trigger
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2 and c.relkind = 'r'
  and not exists (select 1 from pg_inherits i where i.inhrelid = c.oid or i.inhparent = c.oid)
"""


class ChangeFeed:
    """Watches tables for one engine process over one listening connection."""

    def __init__(self, connect: Callable[[], Awaitable["asyncpg.Connection[Any]"]]) -> None:
        self._connect = connect
        self._line: _Line | None = None
        # A connection does one thing at a time.
        self._turn = asyncio.Lock()
        self._begun: set[asyncio.Task[Any]] = set()

    async def watch(self, tables: Iterable[Table], on_change: Callable[[], None]) -> "Watch | None":
        """Calls `on_change` after each committed change of any of the tables; None where they cannot be watched.

        It is also called when the listening connection is lost: the watch no longer `holds` then. Raises one of
        CONNECTION_LOST.
        """
        watching = self._begin(self._start(tables, on_change))
        try:
            return await asyncio.shield(watching)
        except asyncio.CancelledError:
            watching.add_done_callback(self._forget_unused)
            raise

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Starts what goes on to its end also when nobody waits for it any more.

        A transaction that is given up half way would stay open on the connection, and keep its table locked.
        """
        task = asyncio.ensure_future(work)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)
        return task

    def _forget_unused(self, watching: "asyncio.Task[Watch | None]") -> None:
        # Asking for the exception says that it was seen.
        if not watching.cancelled() and watching.exception() is None and (watch := watching.result()) is not None:
            self._begin(self._remove(watch))

    async def _start(self, tables: Iterable[Table], on_change: Callable[[], None]) -> "Watch | None":
        async with self._turn:
            line = await self._listening()
            try:
                with line.in_use():
                    relations = []
                    for table in tables:
                        relation = await _prepare_table(line.connection, table)
                        if relation is None:
                            return None
                        relations.append(relation)
                    horizon = await _register(line.connection, relations)
            except CONNECTION_LOST:
                raise
            except asyncpg.PostgresError as exc:
                log.info("tables cannot be watched, their subscribers poll: %s", exc)
                return None
            watch = Watch(self, line, tuple(relations), on_change, horizon)
            line.add(watch)
            return watch

    async def close(self) -> None:
        """Ends what was begun, and the listening connection."""
        while self._begun:
            await asyncio.wait(self._begun)
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(asyncpg.PostgresError, *CONNECTION_LOST):
                await line.connection.execute(
                    "delete from automio_engine.watched_table where listener = pg_backend_pid()"
                )
                await line.connection.close(timeout=5)

    async def is_settled(self, watch: "Watch") -> bool:
        """Returns whether all transactions from before the watch have ended. Raises one of CONNECTION_LOST."""
        async with self._turn:
            with watch.line.in_use():
                oldest: int = await watch.line.connection.fetchval(
                    "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
                )
        return oldest > watch.horizon

    async def forget(self, watch: "Watch") -> None:
        """Ends a watch, also when the caller is cancelled meanwhile."""
        await asyncio.shield(self._begin(self._remove(watch)))

    async def _remove(self, watch: "Watch") -> None:
        # Within the turn, or a watch that begins meanwhile would lose its entry.
        async with self._turn:
            idle = watch.line.remove(watch)
            if idle and watch.line.is_alive:
                with contextlib.suppress(asyncpg.PostgresError, *CONNECTION_LOST), watch.line.in_use():
                    await watch.line.connection.execute(
                        "delete from automio_engine.watched_table"
                        " where listener = pg_backend_pid() and relation = any($1::oid[])",
                        idle,
                    )

    async def _listening(self) -> "_Line":
        if self._line is not None and self._line.is_alive:
            return self._line
        connection = await self._connect()
        line = _Line(connection)
        try:
            async with connection.transaction():
                await connection.execute("select pg_advisory_xact_lock(hashtext('automio_engine.changes'))")
                await connection.execute(_SCHEMA)
                # Triggers that engines left behind which no longer run.
                await connection.execute(
                    "delete from automio_engine.watched_table w"
                    " where not exists (select 1 from pg_stat_activity a where a.pid = w.listener)"
                )
            await connection.add_listener(_CHANNEL, line.notified)
        except BaseException:
            connection.terminate()
            raise
        self._line = line
        return line


class _Line:
    """Holds a listening connection and the watches that hear of changes through it, for as long as it lives."""

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self.connection = connection
        self._watches: dict[int, set[Watch]] = {}
        connection.add_termination_listener(self._lost)

    @property
    def is_alive(self) -> bool:
        return not self.connection.is_closed()

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Ends the line when it turns out to be lost: the driver does not always notice that by itself."""
        try:
            yield
        except CONNECTION_LOST:
            self.connection.terminate()
            raise

    def add(self, watch: "Watch") -> None:
        """Raises InterfaceError, one of CONNECTION_LOST, when nothing will ever be heard on this line."""
        if not self.is_alive:
            raise asyncpg.InterfaceError("the listening connection was lost")
        for relation in watch.relations:
            self._watches.setdefault(relation, set()).add(watch)

    def remove(self, watch: "Watch") -> list[int]:
        """Returns the relations that nobody watches any more."""
        idle = []
        for relation in watch.relations:
            left = self._watches.get(relation, set())
            left.discard(watch)
            if not left:
                self._watches.pop(relation, None)
                idle.append(relation)
        return idle

    def notified(self, connection: object, pid: int, channel: str, payload: object) -> None:
        for watch in tuple(self._watches.get(int(str(payload)), ())):
            watch.on_change()

    def _lost(self, connection: object) -> None:
        # Those who watched must look again, and watch again.
        watches, self._watches = self._watches, {}
        for watch in {each for some in watches.values() for each in some}:
            watch.on_change()


class Watch:
    """Registers an interest in some tables; `stop` it when it is no longer needed."""

    def __init__(
        self,
        feed: ChangeFeed,
        line: _Line,
        relations: tuple[int, ...],
        on_change: Callable[[], None],
        horizon: int,
    ) -> None:
        self._feed = feed
        self.line = line
        self.relations = relations
        self.on_change = on_change
        self.horizon = horizon
        self._settled = False

    async def is_settled(self) -> bool:
        """Returns whether no change can be missed from now on. Raises one of CONNECTION_LOST."""
        if not self._settled:
            self._settled = await self._feed.is_settled(self)
        return self._settled

    @property
    def holds(self) -> bool:
        """Returns whether the listening connection is still there."""
        return self.line.is_alive

    async def stop(self) -> None:
        await self._feed.forget(self)


async def _register(connection: "asyncpg.Connection[Any]", relations: list[int]) -> int:
    async with connection.transaction():
        await connection.execute(
            "insert into automio_engine.watched_table select unnest($1::oid[]), pg_backend_pid()"
            " on conflict do nothing",
            relations,
        )
        horizon: int = await connection.fetchval("select pg_current_xact_id()::text::bigint")
    return horizon


async def _prepare_table(connection: "asyncpg.Connection[Any]", table: Table) -> int | None:
    """Returns the relation's oid, with the trigger in place; None when the table cannot have one."""
    row = await connection.fetchrow(_FIND, *table)
    if row is None:
        return None
    relation: int = row["oid"]
    if not row["has_trigger"]:
        try:
            async with connection.transaction():
                await connection.execute("set local lock_timeout = '100ms'")
                quoted = await connection.fetchval("select format('%I.%I', $1::text, $2::text)", *table)
                await connection.execute(_CREATE_TRIGGER.replace("TABLE_NAME", quoted))
        except (asyncpg.LockNotAvailableError, asyncpg.InsufficientPrivilegeError):
            return None
    return relation


_CREATE_TRIGGER = (
    "create trigger automio_engine_change after insert or update or delete or truncate on TABLE_NAME"
    " for each statement execute function automio_engine.notify_change()"
)
