"""Every page of the documentation can be reached from README, and no link is dead."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
START = ROOT / "README.md"
PAGES = [START, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
_CODE = re.compile(r"(`+)(.+?)\1")


@cache
def _tokens(page: Path) -> tuple[tuple[str, str], ...]:
    """Returns links (`href`), pictures (`src`) and headings (`anchor`) of a page."""
    parsed = MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))
    found = []
    for index, token in enumerate(parsed):
        if token.type == "heading_open":
            found.append(("anchor", _anchor(parsed[index + 1].content)))
        if token.type == "html_block":
            found += [("src", source) for source in re.findall(r'(?:src|srcset)="([^"]+)"', token.content)]
        for child in token.children or ():
            if child.type == "link_open":
                found.append(("href", str(child.attrGet("href"))))
            elif child.type == "image":
                found.append(("src", str(child.attrGet("src"))))
    return tuple(found)


def _anchor(heading: str) -> str:
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.strip().lower()))


def _links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yields what a page links to or shows, and the anchor in it."""
    for kind, target in _tokens(page):
        if kind != "anchor" and "://" not in target and not target.startswith("mailto:"):
            path, _, anchor = target.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_of_a_page_is_dead(page: Path) -> None:
    dead = [
        f"{target.relative_to(ROOT)}#{anchor}"
        for target, anchor in _links(page)
        if not target.exists() or (anchor and ("anchor", anchor) not in _tokens(target))
    ]
    assert dead == []


def test_every_page_is_reached_from_readme_and_every_picture_is_shown() -> None:
    reached: set[Path] = set()
    waiting = [START]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [target for target, _ in _links(page)] if page.suffix == ".md" else []
    pictures = (ROOT / "docs" / "images").iterdir()
    assert {str(path.relative_to(ROOT)) for path in {*PAGES, *pictures} - reached} == set()


def test_the_index_lists_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    listed = {target for target, _ in _links(index)}
    assert {path for path in PAGES if path.is_relative_to(ROOT / "docs")} - listed == {index}


@cache
def _texts() -> str:
    """Returns every text of the code, one a line; what an f-string fills in is `…`."""
    texts = []
    for room in ("automio", "platform_api", "hasura", "sandbox_runner"):
        for file in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    texts.append(node.value)
                elif isinstance(node, ast.JoinedStr):
                    texts.append(
                        "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
                    )
    return "\n".join(texts)


def _messages() -> Iterator[str]:
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    # Codes of the API are looked for as well: each is a text of the code.
    for line in text.splitlines():
        if line.startswith("| `"):
            for _, message in _CODE.findall(line.split(" | ")[0]):
                yield message


@pytest.mark.parametrize("message", list(_messages()))
def test_a_message_of_troubleshooting_is_one_of_the_code(message: str) -> None:
    if message == "SyntaxError":  # Python's own
        return
    parts = [re.escape(part.strip()) for part in message.split("…") if part.strip()]
    assert re.search(r"[^\n]*".join(parts), _texts()), message
