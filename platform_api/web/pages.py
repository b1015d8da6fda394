"""Serves `/` (the web console), `/docs` and `/openapi.json`."""

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import JSONResponse, Response

from platform_api.web.console import console_page
from platform_api.web.templating import render

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home() -> Response:
    """Shows the web console."""
    return console_page()


@router.get("/docs")
async def documentation() -> Response:
    """Shows the API documentation, which the page builds from `/openapi.json`."""
    return render("documentation.html")


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    """Returns the OpenAPI description. A thread builds it: this takes a second, and other requests must not wait."""
    app: FastAPI = request.app
    return JSONResponse(await to_thread.run_sync(app.openapi))
