"""Serves the console's first screen over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from platform_api.accounts.dependencies import CREDENTIALS, ORGANIZATION_HEADER, actor_of_request
from platform_api.accounts.viewing import VIEW_AS_HEADER
from platform_api.console import service
from platform_api.console.schemas import Bootstrap
from platform_api.core.database import SessionDep
from platform_api.core.http.dependencies import SettingsDep

router = APIRouter(prefix="/bootstrap", tags=["console"])


@router.get("/", summary="Return what the console shows first: caller, organizations, apps", dependencies=CREDENTIALS)
async def bootstrap(
    request: Request,
    response: Response,
    session: SessionDep,
    settings: SettingsDep,
    organization: Annotated[
        str | None,
        Query(description="Id or slug; by default the one of the header, or of the credential", max_length=63),
    ] = None,
    acting_in: Annotated[str | None, Header(alias=ORGANIZATION_HEADER, max_length=63)] = None,
) -> Bootstrap:
    # Not by the header as elsewhere: an organization that is not the caller's is "not here" to the console, a 404.
    # Whom one views as is a member of the organization that is named, and of no other.
    viewed = (organization or acting_in) if VIEW_AS_HEADER in request.headers else None
    actor = await actor_of_request(request, session, organization=viewed)
    screen = await service.read_first_screen(session, actor, organization or acting_in)
    response.headers["Cache-Control"] = "no-store"
    return Bootstrap.of(screen, settings)
