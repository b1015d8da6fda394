"""Serves repair lists over HTTP."""

from fastapi import APIRouter

from platform_api.accounts.dependencies import DataActorDep
from platform_api.core.database import SessionDep
from platform_api.core.http.pagination import PartDep
from platform_api.csv.parameters import ImportId
from platform_api.csv.repairs import service
from platform_api.csv.repairs.schemas import (
    RejectedRowPage,
    RejectedRowRead,
    RepairResult,
    RepairWrite,
    RowRepaired,
)
from platform_api.csv.schemas import CsvImportRead
from platform_api.graphql.lifespan import GraphQLDep

router = APIRouter(prefix="/apps/csv-imports/{import_id}/repairs", tags=["csv"])
"""Before the apps' own router, whose `{app}` would take `csv-imports`."""


@router.get("/", summary="List the rejected rows of an import that are still to be repaired")
async def list_rejected(
    actor: DataActorDep, session: SessionDep, import_id: ImportId, listing: PartDep
) -> RejectedRowPage:
    part = await service.list_rejected(session, actor, import_id, window=listing.window)
    return RejectedRowPage(**listing.links(part), results=[RejectedRowRead.of(row) for row in part.items])


@router.post("/", summary="Import repaired rows again; each is answered by itself")
async def repair_rows(
    actor: DataActorDep, session: SessionDep, graphql: GraphQLDep, import_id: ImportId, body: RepairWrite
) -> RepairResult:
    results, job = await service.repair_rows(session, actor, import_id, body.rows, backend=graphql.backend)
    return RepairResult(
        results=[
            RowRepaired(
                line=result.line,
                outcome=result.outcome,
                row=None if result.row is None else RejectedRowRead.of(result.row),
            )
            for result in results
        ],
        csv_import=CsvImportRead.from_job(job),
    )
