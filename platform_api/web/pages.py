"""Serves `/` (the sign-in, then links to GraphiQL and the documentation), `/docs` and `/openapi.json`."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Form, Query, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from platform_api.accounts.authentication import authenticate_session
from platform_api.accounts.dependencies import SESSION_COOKIE, place_of, refuse_cross_site, set_session_cookie
from platform_api.accounts.service import list_organizations
from platform_api.accounts.sessions import sign_in
from platform_api.apps.schemas import AppListing
from platform_api.apps.service import list_apps
from platform_api.core.database import SessionDep
from platform_api.core.errors import PlatformError
from platform_api.core.http.dependencies import DatabaseDep, SettingsDep
from platform_api.web.templating import render

router = APIRouter(include_in_schema=False)

_MAX_APPS = 100


@router.get("/")
async def home(
    request: Request, session: SessionDep, next_page: Annotated[str, Query(alias="next")] = "/"
) -> Response:
    """Shows the signed-in user's organizations and apps; without a sign-in, the form."""
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        return _form(next_page)
    try:
        actor = await authenticate_session(session, cookie)
    except PlatformError as error:
        return _form(next_page, error=error.message)
    shown = []
    for organization, role in await list_organizations(session, actor):
        acting = await authenticate_session(session, cookie, organization=organization.slug)
        _, apps = await list_apps(session, acting, show=AppListing.USABLE, page=1, per_page=_MAX_APPS)
        shown.append((organization, role, apps))
    return render("home.html", organizations=shown)


@router.post("/sign-in/")
async def submit_sign_in(
    request: Request,
    session: SessionDep,
    database: DatabaseDep,
    settings: SettingsDep,
    email: Annotated[str, Form(max_length=320)],
    password: Annotated[str, Form(max_length=512)],
    next_page: Annotated[str, Form(alias="next", max_length=2000)] = "/",
) -> Response:
    """Takes the form and goes on to the page that was asked for."""
    refuse_cross_site(request)
    try:
        _, secret = await sign_in.sign_in(
            session,
            database,
            email=email,
            password=password,
            place=place_of(request),
            days=settings.session_days,
        )
    except PlatformError as error:
        return _form(next_page, error=error.message, email=email, status_code=error.status_code)
    response = RedirectResponse(_own_page(next_page), status_code=303)
    set_session_cookie(response, secret, settings)
    return response


@router.post("/sign-out/")
async def submit_sign_out(request: Request, session: SessionDep) -> Response:
    """Ends the sign-in."""
    refuse_cross_site(request)
    if cookie := request.cookies.get(SESSION_COOKIE):
        await sign_in.sign_out(session, cookie)
    response = RedirectResponse("/", status_code=303)
    response.delete_cookie(SESSION_COOKIE)
    return response


@router.get("/docs")
async def documentation() -> Response:
    """Shows the API documentation, which the page builds from `/openapi.json`."""
    return render("documentation.html")


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """Returns the OpenAPI description. A thread builds it: this takes a second, and other requests must not wait."""
    app: FastAPI = request.app
    return JSONResponse(await to_thread.run_sync(app.openapi))


def _form(next_page: str, *, error: str = "", email: str = "", status_code: int = 200) -> Response:
    return render("sign_in.html", next=_own_page(next_page), error=error, email=email, status_code=status_code)


def _own_page(target: str) -> str:
    """Returns `target` if it is a path of this platform, else `/`: a sign-in must not lead to a foreign page."""
    is_path = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_path and target.isprintable() else "/"
