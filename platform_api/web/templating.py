"""Serves templates and assets of the web pages from the package."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC_PATH = "/static"
_HERE = Path(__file__).parent
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
    """Serves the files below `static/`; vendored ones have their version in the path and may be cached for ever."""

    def __init__(self) -> None:
        super().__init__(directory=_HERE / "static")

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200:
            is_vendored = path.startswith("vendor/")
            seconds, kind = (_YEAR, ", immutable") if is_vendored else (_DAY, "")
            response.headers["Cache-Control"] = f"public, max-age={seconds}{kind}"
        return response
