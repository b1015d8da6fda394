"""The places in the engine where an error is made, and which of them were reached."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from hasura.engine import errors
from hasura.engine.errors import EngineError
from hasura.engine.resolve.columns import Inconsistent

_ROOT = Path(errors.__file__).parent
_CLASSES = frozenset(
    {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, EngineError)}
    | {Inconsistent.__name__}
)
# Exceptions that are no answers: misuse by our own code, settings that a process is started with, and what ends a
# connection (the codes with which a WebSocket is closed are in `serving/test_websockets.py`).
_NO_ANSWERS = frozenset(
    {"TypeError", "ValueError", "KeyError", "OverflowError", "NotImplementedError"}
    | {"UsageError", "InterfaceError", "_Closed", "BodyTooLarge", "ClientGone"}
    # These give an error another place.
    | {"at", "under"}
)


@dataclass(frozen=True, slots=True)
class Site:
    """One statement that raises an error, or one call that makes one."""

    name: str
    """`api/commands/tables.py _track 2`: the second of that function."""
    file: str
    first: int
    last: int


def find_sites() -> list[Site]:
    """All of the engine."""
    return [site for path in sorted(_ROOT.rglob("*.py")) if path.name != "errors.py" for site in _sites_of(path)]


def _sites_of(path: Path) -> Iterator[Site]:
    seen: Counter[str] = Counter()
    for function, node in _makers(ast.parse(path.read_text()), ""):
        seen[function] += 1
        name = f"{path.relative_to(_ROOT)} {function} {seen[function]}"
        assert node.end_lineno is not None
        yield Site(name, str(path), node.lineno, node.end_lineno)


def _makers(node: ast.AST, inside: str) -> Iterator[tuple[str, ast.stmt | ast.expr]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call | ast.Name):
            # `raise error` is of an error that was made elsewhere.
            if isinstance(child.exc, ast.Call) and _called(child.exc) not in _NO_ANSWERS:
                yield inside, child
        elif isinstance(child, ast.Call) and _called(child) in _CLASSES:
            yield inside, child
        else:
            is_named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            yield from _makers(child, f"{inside}.{child.name}".lstrip(".") if is_named else inside)


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


@contextmanager
def recorded(lines: set[tuple[str, int]]) -> Iterator[None]:
    """Collects the lines of the engine that are being run whenever an error is made."""
    root = str(_ROOT)

    def note(frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code.co_filename.startswith(root):
                lines.add((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back

    make_error, make_inconsistent = EngineError.__init__, Inconsistent.__init__

    def error(self: EngineError, *args: Any, **kwargs: Any) -> None:
        note(sys._getframe(1))
        make_error(self, *args, **kwargs)

    def inconsistent(self: Inconsistent, *args: Any) -> None:
        note(sys._getframe(1))
        make_inconsistent(self, *args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EngineError, "__init__", error)
        patch.setattr(Inconsistent, "__init__", inconsistent)
        yield


def unreached(sites: list[Site], lines: set[tuple[str, int]]) -> list[Site]:
    """The sites that none of the lines is in."""
    return [
        site for site in sites if not any((site.file, line) in lines for line in range(site.first, site.last + 1))
    ]
