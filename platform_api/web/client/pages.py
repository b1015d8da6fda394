"""Serves `/client/`: the wheel of the client, the lines that install it, and an index for pip.

Nothing here is secret, and who installs the client has no token yet. The functions are not `async`, so that a thread
runs them: the first call builds the wheel.
"""

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from platform_api.core.errors import NotFound
from platform_api.core.services import services_of
from platform_api.core.settings import Settings
from platform_api.web.client.package import DISTRIBUTION, client_wheel, requirement
from platform_api.web.templating import render

router = APIRouter(include_in_schema=False, prefix="/client")

# A release under development changes without its version: ask each time, which the tag makes cheap.
_REVALIDATED = {"Cache-Control": "public, no-cache"}


@router.get("/")
def contents(request: Request) -> Response:
    """Shows the lines that install the client, and links to its wheel."""
    public_url = services_of(request)[Settings].public_url
    return render(
        "client.html",
        public_url=public_url,
        requirement=requirement(public_url),
        distribution=DISTRIBUTION,
        wheel=client_wheel(),
    )


@router.get("/requirements.txt")
def requirements(request: Request) -> Response:
    """Returns the requirement for `pip install --requirement`; this address has no version in it."""
    text = f"{requirement(services_of(request)[Settings].public_url)}\n"
    return PlainTextResponse(text, headers=_REVALIDATED)


@router.get("/simple/")
def index() -> Response:
    """Lists the one project of the index (PEP 503)."""
    return render("client_index.html", links={f"{DISTRIBUTION}/": DISTRIBUTION})


@router.get(f"/simple/{DISTRIBUTION}/")
def project() -> Response:
    """Lists the one file of the project (PEP 503)."""
    wheel = client_wheel()
    return render("client_index.html", links={f"../../{wheel.filename}#sha256={wheel.digest}": wheel.filename})


@router.get("/{path:path}")
def file(path: str, request: Request) -> Response:
    """Sends the wheel. Raises NotFound for every other path."""
    wheel = client_wheel()
    if path != wheel.filename:
        raise NotFound(
            f"there is no {path!r} here; the client of this platform is"
            f" {services_of(request)[Settings].public_url}/client/{wheel.filename}"
        )
    headers = {**_REVALIDATED, "ETag": f'"{wheel.digest}"'}
    if _is_known(request.headers.get("if-none-match", ""), wheel.digest):
        return Response(status_code=304, headers=headers)
    return Response(wheel.content, media_type="application/octet-stream", headers=headers)


def _is_known(header: str, digest: str) -> bool:
    """Tells whether `If-None-Match` names the tag; a proxy that compresses makes it a weak one."""
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or f'"{digest}"' in tags
