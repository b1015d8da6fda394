"""Finds modules of the control plane that break the grammar of a domain.

A domain reads the same inside, whatever it is about: `models` (its tables), `schemas` (the wire), `access` (who may
see what), `service` (takes a session; returns models or dataclasses, never the wire, never HTTP), `queue` (if it has
work), `endpoints` (HTTP; no SQL, no commit). Flagged are

    sql       in endpoint modules: imports of `sqlalchemy` other than the type of a session, and `session.execute(…)`,
              `.scalar(…)`, `.get(…)`, `.add(…)` and the like
    read      in endpoint modules: a class of `schemas` with more than four fields put together by hand (a page of a
              list has four); `XRead.of(row)` in `schemas` is its place
    commit    `.commit()` and `.rollback()` outside `core/database.py`
    http      `fastapi` or `starlette` in `models`, `access`, `service` and `queue`
    wire      a function of `access`, `service` or `queue` that returns a class of `schemas` (a request's body may be
              passed in)
    endpoint  an endpoint module that is imported by another module than `app.py`
    clock     `datetime.now()` and `time.time()` in rooms that write and judge ends of tokens, sign-ins and leases:
              the database's clock is the same for all processes
    state     `app.state` and `request.state` outside `app.py` and `core/services.py`
    folder    more than 15 modules in one folder

An intended exception carries, on one of the statement's lines or the line above, `# grammar: <reason>`.

    python scripts/lint_grammar.py [DIRECTORY ...]        default: platform_api
"""

import ast
import re
import sys
from collections.abc import Iterator, Set
from pathlib import Path, PurePosixPath

from linting import Violation, is_excepted, reason_pattern, report

MAX_MODULES = 15
MAX_FIELDS_BY_HAND = 4

_ENDPOINTS = re.compile(r"(\w+_)?endpoints|pages")
_SCHEMAS = re.compile(r"(\w+_)?schemas")
_NO_HTTP = frozenset({"models", "access", "service", "queue"})
_NO_CLOCK = frozenset({"accounts", "csv", "outbox", "runs", "schedules", "syncs", "tokens", "work"})
_NO_WIRE = frozenset({"access", "service", "queue"})
_DATABASE = "core/database.py"
_ACCESSOR = "core/services.py"
_APP = "app.py"
_SESSION_METHODS = frozenset(
    {
        *("execute", "scalar", "scalars", "stream", "stream_scalars"),
        *("get", "get_one", "add", "add_all", "delete", "merge", "refresh", "flush"),
        *("begin", "begin_nested", "commit", "rollback"),
    }
)
_CLOCKS = frozenset({("datetime", "now"), ("time", "time")})
_STATE_OWNERS = frozenset({"app", "api", "request", "connection", "websocket"})
_REASON = reason_pattern("grammar")


def find_in_python(source: str, path: str) -> list[Violation]:
    """Returns the violations in a Python file."""
    lines = source.splitlines()
    tree = ast.parse(source)
    hits = [*_judge_nodes(tree, path), *_judge_returns(tree, path)]
    return sorted(
        {Violation(path, node.lineno, message) for node, message in hits if not is_excepted(lines, node, _REASON)}
    )


def find_in_directory(directory: Path) -> list[Violation]:
    """Returns the violations in every Python file below `directory`, and its folders that are too full."""
    files = sorted(directory.rglob("*.py"))
    hits = [hit for file in files for hit in find_in_python(file.read_text(), file.as_posix())]
    for folder in sorted({file.parent for file in files}):
        modules = [file for file in folder.glob("*.py") if file.name != "__init__.py"]
        if len(modules) > MAX_MODULES:
            message = f"holds {len(modules)} modules; more than {MAX_MODULES} want rooms of their own"
            hits.append(Violation(folder.as_posix(), 1, message))
    return hits


def _judge_nodes(tree: ast.Module, path: str) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    is_endpoint = _is_endpoint(_stem(path))
    wire = _wire(tree) if is_endpoint else frozenset()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for message in _judge_import(node, path):
                yield node, message
        elif isinstance(node, ast.Call):
            if _is_put_together(node, wire):
                name = _named(node.func)
                yield node, f"puts a {name} together by hand; write `{name}.of(…)` in `schemas`"
            elif (broken := _judge_method(node, path, is_endpoint=is_endpoint)) is not None:
                yield node, broken
        elif isinstance(node, ast.Attribute) and _is_state(node) and not _may_read_state(path):
            yield node, "reads untyped state; provide a typed part and get it from `services_of(request)`"


def _judge_import(node: ast.Import | ast.ImportFrom, path: str) -> Iterator[str]:
    stem = _stem(path)
    for module, name in _imported(node):
        root = module.partition(".")[0]
        if root in ("fastapi", "starlette") and stem in _NO_HTTP:
            yield f"`{stem}` knows no HTTP; raise an error of `core/errors.py` and leave {root} to the endpoints"
        if root == "sqlalchemy" and _is_endpoint(stem) and name != "AsyncSession":
            yield "an endpoint holds no SQL; move the statement into the domain's `service`"
        is_ours = root == "platform_api"
        is_module = any(_is_endpoint(part) for part in (module.rpartition(".")[2], name))
        if is_ours and is_module and PurePosixPath(path).name != _APP:
            yield "imports an endpoint module; what two of them share belongs into `parameters` or a service"


def _is_put_together(call: ast.Call, wire: Set[str]) -> bool:
    is_wire = isinstance(call.func, ast.Name) and call.func.id in wire
    return is_wire and len(call.args) + len(call.keywords) > MAX_FIELDS_BY_HAND


def _judge_method(call: ast.Call, path: str, *, is_endpoint: bool) -> str | None:
    if not isinstance(call.func, ast.Attribute):
        return None
    method = call.func.attr
    if (_named(call.func.value), method) in _CLOCKS and not _NO_CLOCK.isdisjoint(PurePosixPath(path).parts):
        return "reads the clock of this process; `func.now()`, the database's, is the same for all of them"
    if is_endpoint and method in _SESSION_METHODS and _named(call.func.value) == "session":
        return f"an endpoint holds no SQL; `session.{method}` belongs into the domain's `service`"
    if method in ("commit", "rollback") and not path.endswith(_DATABASE):
        return f"`{method}` outside of core/database.py; use `release_connection` or `rolled_back`"
    return None


def _judge_returns(tree: ast.Module, path: str) -> Iterator[tuple[ast.stmt, str]]:
    if _stem(path) not in _NO_WIRE:
        return
    wire = _wire(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            names = {part.id for part in ast.walk(node.returns) if isinstance(part, ast.Name)}
            for name in sorted(names & wire):
                yield node, f"`{node.name}` returns {name}, which is the wire; return a model or a dataclass"


def _wire(tree: ast.Module) -> frozenset[str]:
    """Returns the names that a module imports from `schemas`."""
    return frozenset(
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and _SCHEMAS.fullmatch((node.module or "").rpartition(".")[2])
        for alias in node.names
    )


def _imported(node: ast.Import | ast.ImportFrom) -> list[tuple[str, str]]:
    """Returns the modules that an import names, each with the name that is taken from it."""
    if isinstance(node, ast.Import):
        return [(alias.name, "") for alias in node.names]
    return [(node.module or "", alias.name) for alias in node.names]


def _is_endpoint(name: str) -> bool:
    return _ENDPOINTS.fullmatch(name) is not None


def _is_state(node: ast.Attribute) -> bool:
    return node.attr == "state" and _named(node.value) in _STATE_OWNERS


def _may_read_state(path: str) -> bool:
    return path.endswith(_ACCESSOR) or PurePosixPath(path).name == _APP


def _named(node: ast.expr) -> str | None:
    """Returns the last word of `name` or `….name`."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def _stem(path: str) -> str:
    return PurePosixPath(path).stem


def main(arguments: list[str]) -> int:
    """Prints the violations; returns how the process should end."""
    return report(hit for name in arguments or ["platform_api"] for hit in find_in_directory(Path(name)))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
