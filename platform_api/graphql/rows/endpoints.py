"""Serves rows of app tables over HTTP, beside GraphQL (contract §8)."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query

from hasura.engine.session import Session
from platform_api.accounts.dependencies import DataActorDep
from platform_api.apps.access import get_usable_app
from platform_api.apps.parameters import AppReference
from platform_api.core.database import SessionDep, release_connection
from platform_api.core.types import AppId
from platform_api.graphql.access import graphql_session, is_limited
from platform_api.graphql.lifespan import GraphQLDep
from platform_api.graphql.rows import changes
from platform_api.graphql.rows.estimates import estimate_rows
from platform_api.graphql.rows.groups import Group, group_rows
from platform_api.graphql.rows.schemas import (
    AffectedRows,
    GroupsRead,
    GroupsRequest,
    RowCount,
    RowEstimate,
    RowFilter,
    RowsUpdate,
)
from platform_api.graphql.rows.selection import ExpectedRows, RowSelector, row_condition
from platform_api.tables.definition import TableDefinition
from platform_api.tables.parameters import TableName
from platform_api.tables.repository import get_table

router = APIRouter(prefix="/apps/{app}/table/{table_name}", tags=["tables"])


@dataclass(frozen=True, slots=True)
class Rows:
    """Holds a table and the caller's GraphQL session on it."""

    definition: TableDefinition
    caller: Session


async def _rows(actor: DataActorDep, session: SessionDep, app: AppReference, table_name: TableName) -> Rows:
    caller = await graphql_session(session, actor, app)
    found = await get_usable_app(session, actor, app)
    table = await get_table(session, AppId(found.id), table_name)
    return Rows(table.definition, caller)


RowsDep = Annotated[Rows, Depends(_rows)]


@router.delete("/delete-rows/", status_code=204, summary="Delete rows of the caller's organization")
async def delete_table_rows(
    rows: RowsDep,
    session: SessionDep,
    graphql: GraphQLDep,
    body: Annotated[ExpectedRows | None, Body()] = None,
    all_rows: Annotated[bool, Query(alias="all", description="Every row of the caller's organization")] = False,
) -> None:
    selector = ExpectedRows(all=True) if body is None and all_rows else body
    await changes.delete_rows(
        graphql.backend,
        session,
        rows.caller,
        rows.definition,
        row_condition(selector),
        expected_count=None if selector is None else selector.expected_count,
    )


@router.patch("/update-rows/", summary="Change rows of the caller's organization, all that are selected or none")
async def update_table_rows(
    rows: RowsDep, session: SessionDep, graphql: GraphQLDep, body: RowsUpdate
) -> AffectedRows:
    affected = await changes.update_rows(
        graphql.backend,
        session,
        rows.caller,
        rows.definition,
        row_condition(body),
        body.set,
        expected_count=body.expected_count,
    )
    return AffectedRows(affected_rows=affected)


@router.post("/count-rows/", summary="Count the rows that a change would reach")
async def count_table_rows(rows: RowsDep, session: SessionDep, graphql: GraphQLDep, body: RowSelector) -> RowCount:
    await release_connection(session)
    count = await changes.count_rows(graphql.backend, rows.caller, rows.definition, row_condition(body))
    return RowCount(count=count)


@router.post("/estimate-rows/", summary="Estimate how many rows match, without reading any")
async def estimate_table_rows(
    rows: RowsDep, session: SessionDep, graphql: GraphQLDep, body: RowFilter
) -> RowEstimate:
    # The statistics are of all rows: they would tell a limited role of those that it may not read.
    if is_limited(rows.caller):
        return RowEstimate(estimate=None)
    await release_connection(session)
    estimate = await estimate_rows(graphql.backend, rows.caller, rows.definition, body.filter)
    return RowEstimate(estimate=estimate)


@router.post("/group-rows/", summary="Count rows by the values of a column")
async def group_table_rows(
    rows: RowsDep, session: SessionDep, graphql: GraphQLDep, body: GroupsRequest
) -> GroupsRead:
    await release_connection(session)
    groups = await group_rows(
        graphql.backend,
        rows.caller,
        rows.definition,
        body.by,
        body.filter,
        after=None if body.after is None else Group(body.after.value, 0),
        limit=body.limit,
    )
    return GroupsRead.of(groups)
