"""README and documentation work as written."""

import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.docs.blocks import Block, extract_blocks
from tests.docs.pages import NOT_RUN_HERE, ROOT, Names, Page
from tests.docs.pasting import check_pastes
from tests.docs.running import check_syntax
from tests.memory import quick_directory

pytestmark = pytest.mark.first

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

# What newcomers follow at a terminal.
PASTED = frozenset({ROOT / "README.md", ROOT / "docs" / "tutorial.md"})

# Names that a page's text leaves undefined, by the `names=` of the block that uses them.
NAMES: Mapping[str, Names] = {}


def _blocks(page: Path) -> list[Block]:
    return extract_blocks(page)


def _is_run(block: Block) -> bool:
    return not block.tags & NOT_RUN_HERE


def _is_runnable(block: Block) -> bool:
    return block.language in {"bash", "python", "graphql", "json", "yaml"} or "output" in block.tags


def _id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture
def page(document: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    for name in ("API_BASE_URL", "APP_TOKEN", "APP_ID", "CACHE_SERVICE_URL", "CACHE_SERVICE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # PostgreSQL's socket lies below it: pytest's own directories are too deep.
    with tempfile.TemporaryDirectory(prefix="amd-", dir=quick_directory()) as directory:
        opened = Page(Path(directory), port=port, names=NAMES, is_pasted=document in PASTED)
        try:
            yield opened
        finally:
            opened.close()


def _runnable_pages() -> Iterator[ParameterSet]:
    for page in PAGES:
        if any(_is_run(block) and _is_runnable(block) for block in _blocks(page)):
            yield pytest.param(page, id=_id(page))


@pytest.mark.parametrize("document", PAGES, ids=_id)
def test_a_page_can_be_read(document: Path) -> None:
    for block in _blocks(document):
        check_syntax(block)


@pytest.mark.parametrize("document", PAGES, ids=_id)
def test_python_of_a_page_pastes_into_the_prompt(document: Path) -> None:
    for block in _blocks(document):
        if block.language == "python" and "file" not in block.options:
            check_pastes(block)


@pytest.mark.timeout(1500)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("document", list(_runnable_pages()))
def test_a_page_works_as_written(document: Path, page: Page) -> None:
    for block in _blocks(document):
        if _is_run(block):
            page.run(block)


@pytest.mark.parametrize(
    "block",
    [block for page in PAGES for block in _blocks(page) if not _is_run(block)],
    ids=lambda block: f"{block.document.relative_to(ROOT)}:{block.line}",
)
def test_blocks_that_need_more_than_this_machine_has_are_counted(block: Block) -> None:
    (need,) = block.tags & NOT_RUN_HERE
    if block.language in {"json", "yaml"}:
        pytest.fail(f"{block.where}: data needs nothing to be checked")
    pytest.skip(f"{need}: {os.path.relpath(block.document, ROOT)}:{block.line}")
