"""Serves templates and assets of the web pages from the package."""

import mimetypes
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_PATH = "/static"
_HERE = Path(__file__).parent
CONSOLE = _HERE / "console"
"""What `make console` built; absent where it was not."""
_DAY, _YEAR = 86_400, 31_536_000

_environment = Environment(
    loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_environment.globals["static"] = lambda path: f"{STATIC_PATH}/{path}"


def render(template: str, *, status_code: int = 200, **values: Any) -> HTMLResponse:
    """Renders a page. It is never cached: what it shows depends on who is signed in."""
    text = _environment.get_template(template).render(**values)
    return HTMLResponse(text, status_code=status_code, headers={"Cache-Control": "no-store"})


class Assets(StaticFiles):
    """Serves the files below `static/`, and the console's below `static/console/`.

    What has its version or a digest of its content in its path may be cached for ever.
    """

    def __init__(self) -> None:
        super().__init__(directory=_HERE / "static")
        self._console = _BuiltConsole(directory=CONSOLE, check_dir=False)

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path.startswith("console/"):
            response = await self._console.get_response(path.removeprefix("console/"), scope)
        else:
            response = await super().get_response(path, scope)
        if response.status_code in (200, 304):
            is_immutable = path.startswith(("vendor/", "console/assets/"))
            seconds, kind = (_YEAR, ", immutable") if is_immutable else (_DAY, "")
            response.headers["Cache-Control"] = f"public, max-age={seconds}{kind}"
        return response


class _BuiltConsole(StaticFiles):
    """Serves what the build wrote, as brotli or gzip if the build has a compressed copy and the client takes it."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        if path.startswith(".") or path == "index.html":
            raise HTTPException(404)
        accepted = Headers(scope=scope).get("accept-encoding", "")
        for encoding, ending in (("br", ".br"), ("gzip", ".gz")):
            if encoding in accepted and self.lookup_path(path + ending)[1] is not None:
                response = await super().get_response(path + ending, scope)
                response.headers["Content-Encoding"] = encoding
                response.headers["Content-Type"] = mimetypes.guess_type(path)[0] or "application/octet-stream"
                break
        else:
            response = await super().get_response(path, scope)
        response.headers["Vary"] = "Accept-Encoding"
        return response
