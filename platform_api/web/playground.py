"""Serves GraphiQL on one app, at the address of the contract: GET `/api/apps/graphql/?app=&table=`."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from starlette.responses import RedirectResponse, Response

from platform_api.accounts.dependencies import actor_of_request
from platform_api.apps.access import get_usable_app
from platform_api.core.database import SessionDep
from platform_api.core.errors import Unauthenticated
from platform_api.web.templating import render

router = APIRouter(prefix="/apps/graphql", tags=["graphql"])
"""Comes before the apps' own router, whose `{app}` would match `graphql`."""


@router.get("/", summary="Open GraphiQL on an app's tables", response_class=HTMLResponse)
async def playground(
    request: Request,
    session: SessionDep,
    app: Annotated[str, Query(description="Id, slug or `<org>/<app>`")],
    table: Annotated[str, Query(max_length=200, description="The table the first query shows")] = "",
    organization: Annotated[str | None, Query(max_length=63, description="Acts in this organization")] = None,
) -> Response:
    try:
        actor = await actor_of_request(request, session, organization=organization)
    except Unauthenticated:
        # A person gets the sign-in form and comes back; a program is told what is wrong with its token.
        if "authorization" in request.headers or "text/html" not in request.headers.get("accept", ""):
            raise
        return RedirectResponse(
            f"/sign-in?next={quote(f'{request.url.path}?{request.url.query}', safe='')}", status_code=303
        )
    opened_app = await get_usable_app(session, actor, app)
    name = table.removeprefix(f"app_{opened_app.id}_")
    query = f"query {{\n  app_{opened_app.id}_{name}(limit: 10) {{\n    id\n  }}\n}}\n" if name.isidentifier() else ""
    return render("playground.html", app=opened_app, organization=organization or "", query=query)
