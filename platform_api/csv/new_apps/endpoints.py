"""Creates apps from files over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form

from platform_api.accounts.actor import Actor
from platform_api.accounts.dependencies import BuildActorDep
from platform_api.accounts.models import Scope
from platform_api.apps.schemas import Application, ApplicationWrite, AppName
from platform_api.core.database import SessionDep
from platform_api.core.errors import Unprocessable
from platform_api.core.http.dependencies import SettingsDep
from platform_api.core.services import provided
from platform_api.csv.forms import ImportOptionsDep, PlanDep
from platform_api.csv.new_apps import service
from platform_api.csv.new_apps.schemas import AppFromFile
from platform_api.csv.parameters import KeyField, PreviewsDep, SentFileDep
from platform_api.csv.schemas import CsvImportRead
from platform_api.tables.follow_up import TableServices

router = APIRouter(prefix="/apps/from-file", tags=["csv"])
"""Before the apps' own router, whose `{app}` would take `from-file`."""


def _app(
    name: Annotated[AppName, Form(description="Of the app")],
    description: Annotated[str, Form(max_length=2000)] = "",
) -> ApplicationWrite:
    return ApplicationWrite(name=name, description=description)


async def _importing_builder(actor: BuildActorDep) -> Actor:
    # The import writes rows with the rights of the caller.
    actor.require_scope(Scope.DATA)
    return actor


TablesDep = Annotated[TableServices, Depends(provided(TableServices))]
ImportingBuilderDep = Annotated[Actor, Depends(_importing_builder)]


@router.post("/", status_code=201, summary="Create an app with a table, and import a file into it")
async def create_app_from_file(
    actor: ImportingBuilderDep,
    session: SessionDep,
    settings: SettingsDep,
    previews: PreviewsDep,
    tables: TablesDep,
    file: SentFileDep,
    app: Annotated[ApplicationWrite, Depends(_app)],
    options: ImportOptionsDep,
    plan: PlanDep,
    key: KeyField = None,
) -> AppFromFile:
    if plan is None:
        raise Unprocessable("plan: is required; the preview of the file suggests one", field="plan")
    described, job = await service.create_from_file(
        session,
        actor,
        app,
        plan,
        options=options,
        upload=file,
        max_bytes=settings.csv_max_bytes,
        key=key,
        previews=previews,
        follow_up=tables.follow_up,
    )
    return AppFromFile(
        app=Application.of(described, public_url=settings.public_url),
        table=job.table_name,
        csv_import=CsvImportRead.from_job(job),
    )
