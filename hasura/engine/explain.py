"""Answers `/v1/graphql/explain`: the SQL of an operation and PostgreSQL's plan for it, for the admin."""

from typing import Any

import asyncpg

from hasura.engine.errors import AccessDenied, ParseFailed
from hasura.engine.execution.connections import ConnectionPool
from hasura.engine.execution.operations import OperationRunner, parse_request
from hasura.engine.plan import OperationKind, SqlStep, bind
from hasura.engine.schema_cache import SchemaCache
from hasura.engine.session import ADMIN_ROLE, ROLE_VARIABLE, Session
from hasura.engine.sql.database_errors import translate
from hasura.engine.subscriptions.live import live_statement, multiplexed, multiplexed_arguments


async def explain(
    payload: object, session: Session, *, cache: SchemaCache, operations: OperationRunner, pool: ConnectionPool
) -> object:
    """Returns a list of `{field, sql, plan}` for a query; one `{sql, plan, variables}` for a subscription.

    The payload is `{"query": {"query", "variables"?, "operationName"?}, "user"?: {session variables}}`. Raises
    AccessDenied for anybody but admin, EngineError for a refused operation.
    """
    if not session.has_admin_role():
        raise AccessDenied("restricted access : admin only")
    if not isinstance(payload, dict):
        raise ParseFailed("expected an object with the key 'query'")
    request = parse_request(payload.get("query"))
    acting = _acting(payload.get("user"))
    plan, variables = operations.plan(cache, request, acting)
    if plan.kind is OperationKind.MUTATION:
        raise ParseFailed("only queries and subscriptions can be explained", code="invalid-params")
    if plan.kind is OperationKind.SUBSCRIPTION and not plan.is_stream:
        statement = live_statement(plan)
        arguments = bind(statement, variables, acting.variables)
        sql = multiplexed(statement)
        lines = await _plan_lines(pool, sql, multiplexed_arguments([arguments]), "$")
        return {"sql": sql, "plan": lines, "variables": dict(acting.variables)}
    explained: list[dict[str, object]] = []
    for step in plan.steps:
        field = step.alias if step.namespace is None else f"{step.namespace}.{step.alias}"
        if isinstance(step, SqlStep):
            statement = step.statements[-1]
            arguments = bind(statement, variables, acting.variables)
            lines = await _plan_lines(pool, statement.sql, arguments, step.error_path)
            explained.append({"field": field, "sql": statement.sql, "plan": lines})
        else:
            explained.append({"field": field, "sql": None, "plan": None})
    return explained


def _acting(user: object) -> Session:
    given = {str(name).lower(): str(value) for name, value in user.items()} if isinstance(user, dict) else {}
    role = given.get(ROLE_VARIABLE, ADMIN_ROLE)
    return Session(role=role, variables={**given, ROLE_VARIABLE: role}, is_admin=role == ADMIN_ROLE)


async def _plan_lines(pool: ConnectionPool, sql: str, arguments: list[Any], path: str) -> list[str]:
    async with pool.held() as held:
        try:
            rows = await held.raw.fetch("explain (format text) " + sql, *arguments)
        except asyncpg.PostgresError as exc:
            raise translate(exc, path) from exc
    return [row[0] for row in rows]
