"""Serves `/set-up`, the page behind the link that `automio up` prints as long as there is no user."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from platform_api.accounts.dependencies import browser_of, refuse_cross_site, set_session_cookie
from platform_api.accounts.set_up.first_sign_in import set_up_and_sign_in
from platform_api.accounts.set_up.schemas import SetUp
from platform_api.accounts.set_up.service import is_set_up_needed
from platform_api.core.database import SessionDep
from platform_api.core.errors import PlatformError, describe_validation_errors
from platform_api.core.http.dependencies import DatabaseDep, SettingsDep
from platform_api.web.templating import render

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=600)]


@router.get("/set-up")
@router.get("/set-up/")
async def show_set_up(session: SessionDep, code: Annotated[str, Query(max_length=600)] = "") -> Response:
    """Shows the form; where somebody has set up the installation already, the sign-in."""
    if not await is_set_up_needed(session):
        return RedirectResponse("/", status_code=303)
    return _form(code=code)


@router.post("/set-up/")
async def submit_set_up(
    request: Request,
    session: SessionDep,
    database: DatabaseDep,
    settings: SettingsDep,
    code: Text = "",
    name: Text = "",
    email: Text = "",
    password: Text = "",
    organization: Text = "",
) -> Response:
    """Takes the form and goes on to the home page, signed in."""
    refuse_cross_site(request)
    typed = {"code": code, "name": name, "email": email, "organization": organization}
    try:
        data = SetUp(**typed, password=password)
    except ValidationError as error:
        return _form(**typed, error=describe_validation_errors(error.errors()), status_code=422)
    try:
        _, secret = await set_up_and_sign_in(
            session, database, data, browser=browser_of(request), days=settings.session_days
        )
    except PlatformError as error:
        return _form(**typed, error=error.message, status_code=error.status_code)
    response = RedirectResponse("/", status_code=303)
    set_session_cookie(response, secret, settings)
    return response


def _form(
    *, code: str, name: str = "", email: str = "", organization: str = "", error: str = "", status_code: int = 200
) -> Response:
    return render(
        "set_up.html",
        code=code,
        name=name,
        email=email,
        organization=organization,
        error=error,
        status_code=status_code,
    )
