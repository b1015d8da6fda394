"""A database with the shop's tables, and a way to run operations against it that leaves no trace."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
import pytest

from hasura.engine.errors import EngineError
from hasura.engine.plan import ConstantStep, Plan, SqlStep, Variables, bind
from hasura.engine.prepare import prepare_operation
from hasura.engine.schema_cache import SchemaCache
from hasura.engine.sql.database_errors import translate
from platform_api.supervisor.postgres import EmbeddedPostgres
from tests.hasura.engine.compiler.shop import DDL, shop


@dataclass(frozen=True, slots=True)
class Outcome:
    """The response body, and the SQL that made it."""

    body: dict[str, Any]
    statements: list[str]


class Compiler:
    """Compiles and runs operations; each run is rolled back."""

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._connection: Any = loop.run_until_complete(asyncpg.connect(url))

    def close(self) -> None:
        self._loop.run_until_complete(self._connection.close())

    def run(
        self,
        query: str,
        *,
        variables: Mapping[str, Any] | None = None,
        role: str = "admin",
        session: Mapping[str, str] | None = None,
        cache: SchemaCache | None = None,
    ) -> Outcome:
        return self._loop.run_until_complete(self._run(query, variables or {}, role, session or {}, cache or shop()))

    @contextmanager
    def temporary(self, ddl: str, rows: Mapping[str, list[dict[str, Any]]]) -> Iterator[None]:
        """Tables that exist, with their rows, until the block ends."""
        transaction = self._connection.transaction()

        async def make() -> None:
            await transaction.start()
            await self._connection.execute(ddl)
            for table, items in rows.items():
                await self._connection.execute(
                    f'insert into "{table}" select * from json_populate_recordset(null::"{table}", $1::json)',
                    orjson.dumps(items).decode(),
                )

        self._loop.run_until_complete(make())
        try:
            yield
        finally:
            self._loop.run_until_complete(transaction.rollback())

    async def _run(
        self, query: str, variables: Mapping[str, Any], role: str, session: Mapping[str, str], cache: SchemaCache
    ) -> Outcome:
        statements: list[str] = []
        transaction = self._connection.transaction()
        await transaction.start()
        try:
            prepared = prepare_operation(cache, role=role, document=query)
            completed = prepared.complete(variables)
            prepared.shape_key(completed)
            plan = prepared.compile(completed)
            data = await self._execute(plan, completed, {"x-hasura-role": role, **session}, statements)
            return Outcome({"data": data}, statements)
        except EngineError as error:
            return Outcome(error.to_graphql_response(), statements)
        finally:
            await transaction.rollback()

    async def _execute(
        self, plan: Plan, variables: Variables, session: Mapping[str, str], statements: list[str]
    ) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for step in plan.steps:
            if isinstance(step, ConstantStep):
                data[step.alias] = orjson.loads(step.value)
                continue
            data[step.alias] = await self._step(step, variables, session, statements)
        return data

    async def _step(
        self, step: SqlStep, variables: Variables, session: Mapping[str, str], statements: list[str]
    ) -> Any:
        results: list[bytes] = []
        for statement in step.statements:
            statements.append(statement.sql)
            try:
                value = await self._connection.fetchval(statement.sql, *bind(statement, variables, session, results))
            except asyncpg.PostgresError as error:
                raise translate(error, step.place_of(statement, variables)) from error
            results.append(b"null" if value is None else value.encode())
        return orjson.loads(step.value(results))


@pytest.fixture(scope="session")
def compiler(postgres: EmbeddedPostgres, worker_database_name: str) -> Iterator[Compiler]:
    loop = asyncio.new_event_loop()

    async def make() -> None:
        admin = await asyncpg.connect(postgres.url())
        await admin.execute(f'create database "{worker_database_name}"')
        await admin.close()
        connection = await asyncpg.connect(postgres.url(worker_database_name))
        await connection.execute(DDL)
        await connection.close()

    async def drop() -> None:
        admin = await asyncpg.connect(postgres.url())
        await admin.execute(f'drop database "{worker_database_name}" with (force)')
        await admin.close()

    loop.run_until_complete(make())
    made = Compiler(postgres.url(worker_database_name), loop)
    yield made
    made.close()
    loop.run_until_complete(drop())
    loop.close()


@pytest.fixture(scope="session")
def worker_database_name(request: pytest.FixtureRequest) -> str:
    worker = getattr(request.config, "workerinput", {}).get("workerid", "alone")
    return f"compiler_{worker}"
