"""Leads from a request's JSON to an answer's bytes.

The hot path of a repeated request: one look-up for the prepared operation, one for the plan, the parameters taken
out of the variables, one statement, the bytes put together. No syntax tree, no model, no row is touched in Python.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, NamedTuple

import asyncpg

from hasura.engine.errors import EngineError, NotSupported, ParseFailed, Unexpected
from hasura.engine.execution.batches import batches, run_batch, translated
from hasura.engine.execution.borrowed import BorrowedConnection
from hasura.engine.execution.connections import ConnectionPool, HeldConnection
from hasura.engine.execution.generations import GenerationalCache
from hasura.engine.execution.guards import OperationGuards
from hasura.engine.plan import (
    ConstantStep,
    OperationKind,
    Plan,
    PreparedOperation,
    SqlStep,
    Statement,
    Variables,
    bind,
    envelope,
)
from hasura.engine.prepare import prepare_operation
from hasura.engine.schema_cache import SchemaCache
from hasura.engine.session import Session
from hasura.engine.sql.database_errors import CONNECTION_LOST


class GraphQLRequest(NamedTuple):
    """Holds one entry of a GraphQL request body."""

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]


def parse_request(value: object) -> GraphQLRequest:
    """Raises ParseFailed, in Hasura's words, when `value` is not a GraphQL request."""
    if not isinstance(value, dict):
        raise ParseFailed("expected an object with the key 'query'")
    extensions = value.get("extensions")
    if isinstance(extensions, dict) and "persistedQuery" in extensions:
        raise NotSupported("Automatic Persisted Queries is not enabled")
    query = value.get("query")
    if not isinstance(query, str):
        what = "the key 'query' was not present" if query is None else "the value of 'query' must be a string"
        raise ParseFailed(what)
    variables = value.get("variables")
    if variables is None:
        variables = {}
    elif not isinstance(variables, dict):
        raise ParseFailed("the value of 'variables' must be an object", path="$.variables")
    name = value.get("operationName")
    if name is not None and not isinstance(name, str):
        raise ParseFailed("the value of 'operationName' must be a string", path="$.operationName")
    return GraphQLRequest(query, name or None, variables)


class _Operation:
    """Holds a prepared operation with its plans."""

    __slots__ = ("plans", "prepared", "version")

    def __init__(self, prepared: PreparedOperation, plans: int, version: int) -> None:
        self.prepared = prepared
        # The version of the snapshot for which it was last checked.
        self.version = version
        self.plans: GenerationalCache[object, _Executable] = GenerationalCache(plans)


class _Executable:
    """Holds a plan with the bytes around its fields' values made ready."""

    __slots__ = ("batches", "constant", "plan", "prefixes", "single", "suffix")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.prefixes, self.suffix = envelope(plan.steps)
        # The whole answer where it needs no database: an introspection's is large, so it is put together once.
        self.constant = self._constant()
        only = plan.steps[0] if len(plan.steps) == 1 else None
        # The common case: one field, one statement, no transaction of ours around it.
        self.single = only.statements[0] if isinstance(only, SqlStep) and len(only.statements) == 1 else None
        if self.single is not None and isinstance(only, SqlStep) and only.members is not None:
            self.prefixes, self.suffix = [self.prefixes[0] + b"["], b"]" + self.suffix
        self.batches = batches(plan)

    def answer(self, values: list[bytes]) -> bytes:
        """Returns the body around the values of the plan's steps."""
        if not values:
            return b'{"data":{}}'
        return b"".join(part for pair in zip(self.prefixes, values, strict=True) for part in pair) + self.suffix

    def _constant(self) -> bytes | None:
        values = [step.value for step in self.plan.steps if isinstance(step, ConstantStep)]
        return self.answer(values) if len(values) == len(self.plan.steps) else None


class OperationRunner:
    """Runs operations against one pool. `max_operations` bounds the plan cache."""

    def __init__(
        self,
        pool: ConnectionPool,
        guards: OperationGuards,
        *,
        max_operations: int = 4000,
        plans_per_operation: int = 50,
    ) -> None:
        self._pool = pool
        self._guards = guards
        self._plans_per_operation = plans_per_operation
        self.compilations = 0
        """Counts documents and plans that were not in the caches."""
        self._operations: GenerationalCache[tuple[object, ...], _Operation] = GenerationalCache(max_operations)

    def plan(self, cache: SchemaCache, request: GraphQLRequest, session: Session) -> tuple[Plan, Variables]:
        """Returns a request's plan, from the cache or new, and its variables, completed. Raises EngineError."""
        executable, variables = self._executable(cache, request, session)
        return executable.plan, variables

    def _executable(
        self, cache: SchemaCache, request: GraphQLRequest, session: Session
    ) -> tuple[_Executable, Variables]:
        key = (
            session.role,
            session.use_backend_only,
            session.root_prefix,
            session.stringify_numeric_types,
            request.query,
            request.operation_name,
        )
        operation = self._operations.get(key)
        if operation is not None and operation.version != cache.version:
            # A change of metadata elsewhere leaves an operation and its plans valid: only what it touches counts.
            self._guards.check_document(cache, request.query, session)
            operation = operation if operation.prepared.move_to(cache) else None
            if operation is not None:
                operation.version = cache.version
        if operation is None:
            self._guards.check_document(cache, request.query, session)
            prepared = prepare_operation(
                cache,
                role=session.role,
                document=request.query,
                operation_name=request.operation_name,
                use_backend_only=session.use_backend_only,
                root_prefix=session.root_prefix,
                stringify_numeric_types=session.stringify_numeric_types,
            )
            self.compilations += 1
            operation = _Operation(prepared, self._plans_per_operation, cache.version)
            self._operations.put(key, operation)
        variables = operation.prepared.complete(request.variables)
        shape = operation.prepared.shape_key(variables)
        executable = operation.plans.get(shape)
        if executable is None:
            self.compilations += 1
            executable = _Executable(operation.prepared.compile(variables))
            operation.plans.put(shape, executable)
        return executable, variables

    async def run_within(
        self,
        cache: SchemaCache,
        request: GraphQLRequest,
        session: Session,
        connection: "asyncpg.Connection[Any]",
    ) -> bytes:
        """Returns what `run` does, in the open transaction of a caller's connection.

        A failed statement leaves the transaction aborted. Raises EngineError; a lost connection as asyncpg's own
        error, for the caller to begin again.
        """
        executable, variables = self._executable(cache, request, session)
        if executable.plan.kind is OperationKind.SUBSCRIPTION:
            raise EngineError("subscriptions are not supported over HTTP, use websockets instead", code="unexpected")
        if executable.constant is not None:
            return executable.constant
        return await self._run_on(BorrowedConnection(connection), executable, variables, session)

    def run(self, cache: SchemaCache, request: GraphQLRequest, session: Session) -> Coroutine[Any, Any, bytes]:
        """Returns the answer's body, `{"data": ...}`. Raises EngineError, when it is awaited."""
        run = self._run_limited if cache.api_limits else self._run
        return run(cache, request, session)

    async def _run_limited(self, cache: SchemaCache, request: GraphQLRequest, session: Session) -> bytes:
        self._guards.check_rate(cache, session)
        seconds = self._guards.seconds(cache, session)
        try:
            async with asyncio.timeout(seconds):
                return await self._run(cache, request, session)
        except TimeoutError as exc:
            raise EngineError(
                f"the operation took longer than {seconds:g} seconds", code="time-limit-exceeded"
            ) from exc

    async def _run(self, cache: SchemaCache, request: GraphQLRequest, session: Session) -> bytes:
        executable, variables = self._executable(cache, request, session)
        kind = executable.plan.kind
        if kind is OperationKind.SUBSCRIPTION:
            raise EngineError("subscriptions are not supported over HTTP, use websockets instead", code="unexpected")
        if executable.constant is not None:
            return executable.constant
        try:
            return await self._run_once(executable, variables, session)
        except CONNECTION_LOST as exc:
            if kind is OperationKind.MUTATION:
                raise Unexpected(
                    "the connection to the database was lost; whether the mutation took effect is unknown",
                    code="postgres-error",
                ) from exc
        try:
            return await self._run_once(executable, variables, session)
        except CONNECTION_LOST as exc:
            raise Unexpected("the database cannot be reached", code="postgres-error") from exc

    async def _run_once(self, executable: _Executable, variables: Variables, session: Session) -> bytes:
        held = self._pool.take_free(session.tenant) or await self._pool.acquire(session.tenant)
        try:
            return await self._run_on(held, executable, variables, session)
        except CONNECTION_LOST:
            self._pool.end_with_free(held)
            raise
        finally:
            self._pool.release(held)

    async def _run_on(
        self, held: HeldConnection, executable: _Executable, variables: Variables, session: Session
    ) -> bytes:
        plan = executable.plan
        single = executable.single
        if single is not None:
            arguments = bind(single, variables, session.variables)
            try:
                value = await held.fetch_json(single.sql, arguments)
            except asyncpg.PostgresError as exc:
                step = plan.steps[0]
                assert isinstance(step, SqlStep)
                raise translated(exc, step.error_path) from exc
            return b"".join((executable.prefixes[0], value, executable.suffix))
        if plan.together is not None:
            values = await self._run_together(held, plan, plan.together, variables, session)
        elif plan.kind is OperationKind.MUTATION:
            async with held.raw.transaction():
                values = await self._run_steps(held, executable, variables, session)
        else:
            values = await self._run_steps(held, executable, variables, session)
        return executable.answer(values)

    async def _run_together(
        self, held: HeldConnection, plan: Plan, together: Statement, variables: Variables, session: Session
    ) -> list[bytes]:
        arguments = bind(together, variables, session.variables)
        try:
            values = iter(await held.fetch_jsons(together.sql, arguments))
        except asyncpg.PostgresError as exc:
            step = next(step for step in plan.steps if isinstance(step, SqlStep))
            raise translated(exc, step.error_path) from exc
        return [step.value if isinstance(step, ConstantStep) else next(values) for step in plan.steps]

    async def _run_steps(
        self, held: HeldConnection, executable: _Executable, variables: Variables, session: Session
    ) -> list[bytes]:
        steps = executable.plan.steps
        results: list[list[bytes]] = [[] for _ in steps]
        for batch in executable.batches:
            await run_batch(held, batch, variables, session, results)
        return [
            step.value if isinstance(step, ConstantStep) else step.value(given)
            for step, given in zip(steps, results, strict=True)
        ]
