"""Serves the web console: `index.html` at every address that is a page of it; where it is not built, what to do."""

import functools
import re
import secrets
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from platform_api.web.templating import CONSOLE, render

_NONCE = '<meta name="csp-nonce" content="" />'
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:;"
    " connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
# Below the root a dot belongs to a page: the source file `/acme/orders/code/count.py`.
_FILE = re.compile(r"^/[^/]*\.[a-z0-9]{1,5}$")


class ConsolePages:
    """Answers a browser that goes to an address which nothing else serves with the console, which knows its pages.

    Programs get the usual 404: a page is only for who asks for HTML, without a token.
    """

    def __init__(self, otherwise: ASGIApp) -> None:
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_for_a_person(request := Request(scope)):
            await console_page(request.url.path)(scope, receive, send)
            return
        await self._otherwise(scope, receive, send)


def _is_for_a_person(request: Request) -> bool:
    path = request.url.path
    return (
        request.method in ("GET", "HEAD")
        and "text/html" in request.headers.get("accept", "")
        and "authorization" not in request.headers
        and not path.startswith(("/api/", "/static/"))
        and not _FILE.search(path)
    )


def console_page(path: str = "/") -> Response:
    """Returns the console with a nonce of its own for styles; where it was not built, a page that says how to."""
    try:
        text = _index(CONSOLE / "index.html")
    except FileNotFoundError:
        return render("console_missing.html", status_code=200 if path == "/" else 404)
    nonce = secrets.token_urlsafe(16)
    return HTMLResponse(
        text.replace(_NONCE, f'<meta name="csp-nonce" content="{nonce}" />'),
        headers={"Cache-Control": "no-store", "Content-Security-Policy": _POLICY.format(nonce=nonce)},
    )


def _index(path: Path) -> str:
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=1)
def _read(path: Path, changed: int) -> str:
    """Reads the page again when a build has changed it."""
    return path.read_text(encoding="utf-8")
