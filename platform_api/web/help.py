"""Serves the documentation of this release at `/help/`: the pages of `docs/`, which are part of the package."""

import functools
import posixpath
import re
from pathlib import Path

from fastapi import APIRouter
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from starlette.responses import FileResponse, Response

from platform_api.core.errors import NotFound
from platform_api.web.templating import render

router = APIRouter(include_in_schema=False, prefix="/help")

_IMAGE = re.compile(r"[a-z0-9-]+\.(png|svg)")
_NAME = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)?")
_INDEX = "index"
# For readers who work on automio itself; they read them beside the code.
_FOR_DEVELOPERS = frozenset({"style", "architecture", "performance"})


@router.get("/")
async def contents() -> Response:
    """Shows the index, which lists every page."""
    return render("help_contents.html", content=_content(_INDEX))


@router.get("/images/{name}")
async def image(name: str) -> Response:
    """Sends a picture of a page. Raises NotFound."""
    file = _directory() / "images" / name
    if not _IMAGE.fullmatch(name) or not file.is_file():
        raise NotFound(f"there is no picture {name!r} in the documentation")
    return FileResponse(file, headers={"Cache-Control": "public, max-age=86400"})


@router.get("/{name:path}")
async def page(name: str) -> Response:
    """Shows one page. Raises NotFound."""
    name = name.rstrip("/").removesuffix(".md")
    if not _NAME.fullmatch(name) or name not in _titles() or name == _INDEX:
        raise NotFound(f"there is no page {name!r} in the documentation; /help/ lists them")
    return render("help_page.html", title=_titles()[name], content=_content(name))


def _directory() -> Path:
    packaged = Path(__file__).parents[1] / "_docs"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "docs"


@functools.cache
def _titles() -> dict[str, str]:
    """Returns names of pages and their titles, in the order of the titles."""
    found = {}
    for file in _directory().rglob("*.md"):
        name = str(file.relative_to(_directory()).with_suffix(""))
        if name not in _FOR_DEVELOPERS:
            found[name] = file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("#").strip()
    return dict(sorted(found.items(), key=lambda item: item[1].lower()))


@functools.cache
def _content(name: str) -> Markup:
    """Renders a page. Links between pages lose their `.md`; headings get the names that links to them use."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse((_directory() / f"{name}.md").read_text(encoding="utf-8"))
    for index, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", _anchor(tokens[index + 1].content))
        for child in token.children or ():
            if child.type == "link_open":
                _relink(child, name)
            elif child.type == "image":
                child.attrSet("src", f"/help/images/{posixpath.basename(str(child.attrGet('src')))}")
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))


def _relink(link: Token, name: str) -> None:
    target, mark, anchor = str(link.attrGet("href")).partition("#")
    if "://" in target:
        return
    page_name = posixpath.normpath(posixpath.join(posixpath.dirname(name), target.removesuffix(".md")))
    if target and page_name not in _titles():
        # A file of the checkout, or a page for developers: there is nothing to go to here.
        del link.attrs["href"]
    else:
        address = "/help/" if page_name == _INDEX else f"/help/{page_name}"
        link.attrSet("href", (address if target else "") + mark + anchor)


def _anchor(heading: str) -> str:
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.strip().lower()))
