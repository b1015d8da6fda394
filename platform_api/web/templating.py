"""Serves templates and assets of the web pages from the package."""

import functools
import mimetypes
from pathlib import Path
from typing import Any

from anyio import to_thread
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from platform_api.core.http.compression import accepts_gzip, gzip_now, is_compressible

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
            return await self._console.get_response(path.removeprefix("console/"), scope)
        response = await super().get_response(path, scope)
        _keep(response, is_immutable=path.startswith("vendor/"))
        if isinstance(response, FileResponse) and is_compressible(response.media_type or ""):
            response.headers.add_vary_header("Accept-Encoding")
            headers = Headers(scope=scope)
            if accepts_gzip(headers.get("accept-encoding", "")) and "range" not in headers:
                return await _compressed(response)
        return response


def _keep(response: Response, *, is_immutable: bool) -> None:
    """Lets browsers and proxies keep a file: for ever if its path changes with its content."""
    if response.status_code in (200, 304):
        seconds, kind = (_YEAR, ", immutable") if is_immutable else (_DAY, "")
        response.headers["Cache-Control"] = f"public, max-age={seconds}{kind}"


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
        _keep(response, is_immutable=path.startswith("assets/"))
        return response


async def _compressed(response: FileResponse) -> Response:
    """Returns the file compressed; each file is compressed once."""
    content = await to_thread.run_sync(_gzipped, str(response.path), response.headers["etag"])
    headers = {name: response.headers[name] for name in ("cache-control", "last-modified", "vary")}
    # A strong tag stands for the file's very bytes; the weak one holds for both forms.
    headers |= {"etag": f"W/{response.headers['etag']}", "content-encoding": "gzip"}
    return Response(content, headers=headers, media_type=response.media_type)


@functools.lru_cache(maxsize=64)
def _gzipped(path: str, etag: str) -> bytes:
    """Returns the compressed content of the file that has the tag `etag`."""
    return gzip_now(Path(path).read_bytes(), level=9)
