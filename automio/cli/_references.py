"""Finds the local files that an OpenAPI document refers to.

The references are looked for in the text: the client reads no YAML. Only `.json`, `.yaml` and `.yml` files below
the document's folder or the current one are taken, so that a document cannot have other files sent along.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

_REFERENCE = re.compile(r"""\$ref["']?\s*:\s*(?:"([^"#]+)|'([^'#]+)|([^\s"'#,{}\[\]]+))""")
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")
_SUFFIXES = frozenset({".json", ".yaml", ".yml"})
_MAX_FILES = 1_000


@dataclass(slots=True)
class FileSet:
    """Holds the texts of a document and of the files that it refers to, by their paths below a common folder."""

    document_path: str
    files: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    """Files that exist and lie elsewhere."""


def collect_files(document: Path, text: str, read: Callable[[Path], str]) -> FileSet:
    """Returns a document's file set; `read` returns the text of a file."""
    main = document.resolve()
    folders = (main.parent, Path.cwd().resolve())
    texts: dict[Path, str] = {main: text}
    left_out: dict[str, None] = {}
    waiting = [main]
    while waiting and len(texts) <= _MAX_FILES:
        current = waiting.pop()
        for reference in _references(texts[current]):
            path = (current.parent / reference).resolve()
            if path in texts or path.suffix.lower() not in _SUFFIXES or not path.is_file():
                continue
            if not any(path.is_relative_to(folder) for folder in folders):
                left_out[reference] = None
                continue
            texts[path] = read(path)
            waiting.append(path)
    root = Path(os.path.commonpath([path.parent for path in texts]))
    names = {path: path.relative_to(root).as_posix() for path in texts}
    files = {names[path]: content for path, content in texts.items() if path != main}
    return FileSet(names[main], files, list(left_out))


def _references(text: str) -> list[str]:
    """Returns the relative paths that a text refers to."""
    found = (next(filter(None, match.groups())).strip() for match in _REFERENCE.finditer(text))
    return [unquote(target) for target in dict.fromkeys(found) if target and not _URL.match(target)]
