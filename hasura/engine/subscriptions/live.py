"""Serves live queries, multiplexed: subscribers of one query share a statement, whatever their variables.

    group     same role, document, operation and plan: one multiplexed statement
    cohort    same parameter values within a group: one result, sent to all its subscribers

A group runs its statement when a table it reads has changed, or, where changes are not notified, at an interval. A
result is sent only when it differs from the one before.
"""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from hasura.engine.errors import EngineError, NotSupported, Unexpected
from hasura.engine.execution.connections import ConnectionPool
from hasura.engine.execution.operations import GraphQLRequest, OperationRunner
from hasura.engine.ir.documents.scalars import array_literal
from hasura.engine.logging import log
from hasura.engine.plan import ConstantStep, Plan, SqlStep, Statement, bind, envelope
from hasura.engine.schema_cache import SchemaCache
from hasura.engine.session import Session
from hasura.engine.sql.composition import Sql, concat, ident, join, param, render, sql, substitute
from hasura.engine.sql.database_errors import CONNECTION_LOST, translate
from hasura.engine.subscriptions.changes import ChangeFeed
from hasura.engine.subscriptions.observation import Observation
from hasura.engine.subscriptions.pace import Pace

Deliver = Callable[[bytes], None]


@dataclass(eq=False, slots=True)
class Subscriber:
    """Holds one client's live query; `deliver` gets each new answer (`{"data": ...}` or `{"errors": ...}`)."""

    request: GraphQLRequest
    session: Session
    deliver: Deliver
    group: "_Group | None" = None
    cohort: "_Cohort | None" = None


@dataclass(eq=False, slots=True)
class _Cohort:
    arguments: tuple[object, ...]
    subscribers: set[Subscriber] = field(default_factory=set)
    last: bytes | None = None
    # Its tenant has taken too much to look now: what it has may be old.
    is_deferred: bool = False

    @property
    def tenant(self) -> str | None:
        """Returns the tenant whose share a look for it takes: of those who share it, one."""
        subscriber = next(iter(self.subscribers), None)
        return None if subscriber is None else subscriber.session.tenant

    def publish(self, answer: bytes) -> int:
        """Delivers an answer that is another than the last one; returns how many bytes that are."""
        if answer == self.last:
            return 0
        self.last = answer
        for subscriber in tuple(self.subscribers):
            subscriber.deliver(answer)
        return len(answer) * len(self.subscribers)


@dataclass(frozen=True, slots=True)
class LiveQueryOptions:
    """Sets how often to look where changes are not notified, and how many cohorts one statement serves."""

    refetch_seconds: float
    batch_size: int
    render_error: Callable[[EngineError, Session | None], bytes]


class LiveQueries:
    """Holds all live queries of one engine process."""

    def __init__(
        self,
        pool: ConnectionPool,
        operations: OperationRunner,
        feed: ChangeFeed,
        snapshot: Callable[[], SchemaCache],
        pace: Pace,
        options: LiveQueryOptions,
    ) -> None:
        self.pool = pool
        self.pace = pace
        self.operations = operations
        self.feed = feed
        self.snapshot = snapshot
        self.options = options
        self._groups: dict[Hashable, _Group] = {}

    def subscribe(self, request: GraphQLRequest, session: Session, deliver: Deliver) -> Subscriber:
        """Starts a live query; the first answer comes soon. Raises EngineError when the query is refused."""
        subscriber = Subscriber(request, session, deliver)
        self._place(subscriber)
        return subscriber

    def unsubscribe(self, subscriber: Subscriber) -> None:
        group, subscriber.group = subscriber.group, None
        if group is not None:
            group.remove(subscriber)
            if group.is_empty:
                self._groups.pop(group.key, None)
                group.stop()

    def move_to(self, subscribers: Iterable[Subscriber]) -> None:
        """Plans the subscribers' queries again, as after a change of the schema."""
        for subscriber in subscribers:
            self.unsubscribe(subscriber)
            try:
                self._place(subscriber)
            except EngineError as exc:
                subscriber.deliver(self.options.render_error(exc, subscriber.session))

    async def close(self) -> None:
        for group in self._groups.values():
            group.stop()
        self._groups.clear()

    def _place(self, subscriber: Subscriber) -> None:
        snapshot = self.snapshot()
        request, session = subscriber.request, subscriber.session
        plan, variables = self.operations.plan(snapshot, request, session)
        statement = live_statement(plan)
        key = (session.role, snapshot.version, id(plan))
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(self, key, plan, statement, snapshot.version)
        group.add(subscriber, tuple(bind(statement, variables, session.variables)))


def live_statement(plan: Plan) -> Statement:
    """Returns the one statement of a live query's one field. Raises NotSupported when it has another form."""
    if len(plan.steps) != 1:
        raise EngineError("subscriptions must select one top level field", code="validation-failed")
    (step,) = plan.steps
    if isinstance(step, ConstantStep) or len(step.statements) != 1:
        raise NotSupported("this field cannot be subscribed to")
    return step.statements[0]


class _Group:
    def __init__(self, owner: LiveQueries, key: Hashable, plan: Plan, statement: Statement, version: int) -> None:
        self.key = key
        self._owner = owner
        # Held, so that its id stays its own while the group lives.
        self._plan = plan
        self._version = version
        step = plan.steps[0]
        assert isinstance(step, SqlStep)
        self._step = step
        (self._prefix,), self._suffix = envelope(plan.steps)
        self._multiplexed = multiplexed(statement)
        self._cohorts: dict[tuple[Any, ...], _Cohort] = {}
        self._fresh: set[_Cohort] = set()
        self._deferred: dict[str | None, set[_Cohort]] = {}
        self._observation = Observation(owner.feed, plan, interval_seconds=owner.options.refetch_seconds)
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def is_empty(self) -> bool:
        return not self._cohorts

    def add(self, subscriber: Subscriber, arguments: tuple[object, ...]) -> None:
        cohort = self._cohorts.get(arguments)
        if cohort is None:
            cohort = self._cohorts[arguments] = _Cohort(arguments)
        cohort.subscribers.add(subscriber)
        subscriber.group, subscriber.cohort = self, cohort
        if cohort.last is not None and self._observation.is_current and not cohort.is_deferred:
            subscriber.deliver(cohort.last)
            return
        # Its next answer goes to all in the cohort that have not seen it, so it must be read again.
        cohort.last = None
        self._fresh.add(cohort)
        self._observation.poke()

    def remove(self, subscriber: Subscriber) -> None:
        cohort, subscriber.cohort = subscriber.cohort, None
        if cohort is None:
            return
        cohort.subscribers.discard(subscriber)
        if not cohort.subscribers:
            self._cohorts.pop(cohort.arguments, None)
            self._fresh.discard(cohort)

    def stop(self) -> None:
        self._task.cancel()

    async def _run(self) -> None:
        try:
            await self._poll()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("a live query ended unexpectedly")
            answer = self._owner.options.render_error(Unexpected("internal server error"), None)
            for cohort in tuple(self._cohorts.values()):
                cohort.publish(answer)
        finally:
            await self._observation.stop()

    async def _poll(self) -> None:
        while self._version == self._owner.snapshot().version:
            # Subscribers that join while we wait here must be among those that are served.
            whole = await self._observation.begin_look()
            cohorts = list(self._cohorts.values() if whole else self._fresh)
            self._fresh.clear()
            await self._refresh(cohorts)
            await self._observation.wait()
        self._owner.move_to([subscriber for some in self._cohorts.values() for subscriber in tuple(some.subscribers)])

    def _may_look(self, cohorts: Iterable[_Cohort]) -> list[_Cohort]:
        """Returns those whose tenant may look now; the others are looked for as soon as theirs may."""
        now = []
        for cohort in cohorts:
            tenant = cohort.tenant
            wait = self._owner.pace.wait_of(tenant)
            if wait <= 0 and tenant not in self._deferred:
                now.append(cohort)
                continue
            if tenant not in self._deferred:
                self._deferred[tenant] = set()
                asyncio.get_running_loop().call_later(wait, self._look_again, tenant)
            self._deferred[tenant].add(cohort)
            cohort.is_deferred = True
        return now

    def _look_again(self, tenant: str | None) -> None:
        for cohort in self._deferred.pop(tenant):
            cohort.is_deferred = False
            if self._cohorts.get(cohort.arguments) is cohort:
                self._fresh.add(cohort)
        self._observation.poke()

    async def _refresh(self, cohorts: list[_Cohort]) -> None:
        size = self._owner.options.batch_size
        for start in range(0, len(cohorts), size):
            if not (batch := self._may_look(cohorts[start : start + size])):
                continue
            try:
                answers = await self._fetch(batch)
            except CONNECTION_LOST as exc:
                await self._observation.recover(exc)
                return
            except asyncpg.PostgresError as exc:
                if len(batch) > 1:
                    # One subscriber's values may be at fault: find out whose, so that the others go on.
                    for cohort in batch:
                        await self._refresh([cohort])
                    continue
                error = translate(exc, self._step.error_path)
                session = next(iter(batch[0].subscribers)).session if batch[0].subscribers else None
                batch[0].publish(self._owner.options.render_error(error, session))
                continue
            for cohort, value in zip(batch, answers, strict=True):
                tenant = cohort.tenant
                self._owner.pace.delivered(tenant, cohort.publish(self._prefix + value + self._suffix))

    async def _fetch(self, batch: list[_Cohort]) -> list[bytes]:
        arguments = multiplexed_arguments([cohort.arguments for cohort in batch])
        tenants = dict.fromkeys(cohort.tenant for cohort in batch)
        for tenant in tenants:
            self._owner.pace.looked(tenant)
        async with self._owner.pool.held(next(iter(tenants))) as held:
            rows = await held.fetch_rows(self._multiplexed, arguments)
        by_number = {row[0]: row[1] for row in rows}
        return [_as_bytes(by_number.get(number)) for number in range(len(batch))]


def multiplexed(statement: Statement) -> str:
    """Returns the statement for many sets of parameters: `$1` numbers them, `$2`... hold one array a parameter.

    Gives rows of (number, result).
    """
    _, parameters = render(statement.fragment)
    names = {parameter: f"p{index}" for index, parameter in enumerate(parameters)}

    def column(parameter: Hashable) -> Sql:
        return sql("(") + ident("cohort", names[parameter]) + sql(")")

    inner = substitute(statement.fragment, column)
    arrays = join(
        ", ",
        [
            param(("number",)) + sql("::integer[]"),
            *(param(("array", name)) + sql("::text[]") for name in names.values()),
        ],
    )
    text, _ = render(
        concat(
            sql("select "),
            ident("cohort", "number"),
            sql(", ("),
            inner,
            sql(") from unnest("),
            arrays,
            sql(") as cohort("),
            join(", ", [ident("number"), *(ident(name) for name in names.values())]),
            sql(")"),
        )
    )
    return text


def multiplexed_arguments(sets: Sequence[Sequence[object]]) -> list[list[object]]:
    """Returns what a multiplexed statement takes for several sets of parameters: as text, which it casts."""
    columns: list[list[object]] = [[_as_text(value) for value in column] for column in zip(*sets, strict=True)]
    return [list(range(len(sets))), *columns]


def _as_text(value: object) -> str | None:
    if isinstance(value, tuple):
        return array_literal([str(item) for item in value])
    return None if value is None else str(value)


def _as_bytes(value: object) -> bytes:
    if value is None:
        return b"null"
    return value if isinstance(value, bytes) else str(value).encode()
