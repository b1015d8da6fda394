"""Finds code of the control plane that selects rows by organization without the tenancy functions.

`platform_api/accounts/tenancy.py` decides which organizations a caller may see. All code that restricts rows by
organization must use its functions (`visible_to`, `visible_organization_ids`, `get_visible`). The lint reports

    compared    `Model.organization_id == x`, and `.in_(x)` of anything but `visible_organization_ids(...)`;
                comparing it with another table's column (a join) is fine
    filter_by   `filter_by(organization_id=x)`
    fetched     `session.get(Model, key)` of a model that has an `organization_id`
    unscoped    in a function that has an `actor`: `select(Model)`, `update(Model)` or `delete(Model)` of a model that
                has an `organization_id`, in a statement that does not mention `actor`
    membership  the `Membership` table outside `platform_api/accounts/`
    sql         `organization_id =` (or `in`, `<>`, …) in SQL text, in Python strings and in `*.sql`

An intended exception needs the comment `# tenancy: <reason>` on one of the statement's lines or on the line above
(`-- tenancy: <reason>` in SQL files).

    python scripts/lint_tenancy.py [DIRECTORY ...]        default: platform_api
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from linting import Violation, is_excepted, reason_pattern, report

_DECIDES = "platform_api/accounts/tenancy.py"
_HOME_OF_MEMBERSHIP = "platform_api/accounts/"
_ALLOWED_SOURCES = frozenset({"visible_organization_ids"})
_COMPARING_METHODS = frozenset({"in_", "not_in", "notin_", "is_distinct_from", "is_not_distinct_from", "op"})
_STATEMENTS = frozenset({"select", "update", "delete"})
_FETCHING_METHODS = frozenset({"get", "get_one"})
_REASON = reason_pattern("tenancy")
_SQL = re.compile(r"\borganization_id\b\"?\s*(?:=|<>|!=|in\b|any\b|is\s+(?:not\s+)?distinct)", re.IGNORECASE)


def find_in_python(source: str, path: str, tenant_models: frozenset[str] = frozenset()) -> list[Violation]:
    """Returns the violations in a Python file; `tenant_models` are the classes that have an `organization_id`."""
    if path.endswith(_DECIDES):
        return []
    lines = source.splitlines()
    tree = ast.parse(source)
    violations = [
        Violation(path, statement.lineno, f"queries {model} without the actor; add `visible_to(actor, …)`")
        for statement, model in _unscoped_statements(tree, tenant_models)
        if not is_excepted(lines, statement, _REASON)
    ]
    for statement in _simple_statements(tree):
        if is_excepted(lines, statement, _REASON):
            continue
        for node in _own_nodes(statement):
            if (message := _judge(node, path, tenant_models)) is not None:
                violations.append(Violation(path, getattr(node, "lineno", statement.lineno), message))
    return sorted(set(violations))


def find_in_sql(source: str, path: str) -> list[Violation]:
    """Returns the violations in an SQL file."""
    lines = source.splitlines()
    return [
        Violation(path, number, "SQL restricts by organization by hand; say why with `-- tenancy: <reason>`")
        for number, line in enumerate(lines, 1)
        if _SQL.search(line.split("--")[0])
        and not any(_REASON.search(text) for text in lines[max(0, number - 2) : number])
    ]


def find_tenant_models(sources: Iterator[str]) -> frozenset[str]:
    """Returns the names of the SQLAlchemy models that have an `organization_id` column."""
    return frozenset(
        node.name
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and any(_declares_organization(item) for item in node.body)
    )


def find_in_directory(directory: Path) -> list[Violation]:
    """Returns the violations in all Python and SQL files below `directory`."""
    python = sorted(directory.rglob("*.py"))
    models = find_tenant_models(file.read_text() for file in python if file.name == "models.py")
    violations = [hit for file in python for hit in find_in_python(file.read_text(), file.as_posix(), models)]
    return violations + [
        hit for file in sorted(directory.rglob("*.sql")) for hit in find_in_sql(file.read_text(), file.as_posix())
    ]


def _simple_statements(tree: ast.Module) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)  # a docstring
        is_definition = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if isinstance(node, ast.stmt) and not is_definition and not is_text:
            yield node


def _unscoped_statements(tree: ast.Module, tenant_models: frozenset[str]) -> Iterator[tuple[ast.stmt, str]]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not any(argument.arg == "actor" for argument in [*function.args.args, *function.args.kwonlyargs]):
            continue
        for statement in ast.walk(function):
            if isinstance(statement, ast.stmt) and not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                nodes = list(_own_nodes(statement))
                queried = {_queried_model(node) for node in nodes} & tenant_models
                if queried and not any(isinstance(node, ast.Name) and node.id == "actor" for node in nodes):
                    yield statement, sorted(filter(None, queried))[0]


def _queried_model(node: ast.AST) -> str | None:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _STATEMENTS):
        return None
    first = node.args[0] if node.args else None
    if isinstance(first, ast.Attribute):
        first = first.value
    return first.id if isinstance(first, ast.Name) else None


def _own_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    """Yields the nodes of a statement without those of nested statements, which are checked separately."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt))


def _judge(node: ast.AST, path: str, tenant_models: frozenset[str]) -> str | None:
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        if any(_is_organization_column(side) for side in sides) and not all(_is_column(side) for side in sides):
            return "compares organization_id by hand; use `visible_to(actor, Model.organization_id)`"
    if isinstance(node, ast.Call):
        return _judge_call(node, tenant_models)
    if _HOME_OF_MEMBERSHIP not in path and isinstance(node, ast.Name) and node.id == "Membership":
        return "reads memberships outside accounts; use `visible_to` or a function of accounts"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.search(node.value):
        return "SQL text restricts by organization by hand; say why with `# tenancy: <reason>`"
    return None


def _judge_call(call: ast.Call, tenant_models: frozenset[str]) -> str | None:
    if not isinstance(call.func, ast.Attribute):
        return None
    method, target = call.func.attr, call.func.value
    is_decided = bool(call.args) and _called_name(call.args[0]) in _ALLOWED_SOURCES
    if method in _COMPARING_METHODS and _is_organization_column(target) and not is_decided:
        return "restricts organization_id by hand; use `visible_to(actor, Model.organization_id)`"
    if method == "filter_by" and any(keyword.arg == "organization_id" for keyword in call.keywords):
        return "filters by organization_id by hand; use `visible_to(actor, Model.organization_id)`"
    fetched = call.args[0] if call.args else None
    if method in _FETCHING_METHODS and isinstance(fetched, ast.Name) and fetched.id in tenant_models:
        return f"fetches a {fetched.id} whoever it belongs to; use `get_visible`"
    return None


def _is_organization_column(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "organization_id" and _is_column(node)


def _is_column(node: ast.expr) -> bool:
    """Tells whether a node is a column: `Model.name` or `table.c.name`."""
    if not isinstance(node, ast.Attribute):
        return False
    owner = node.value
    return (isinstance(owner, ast.Name) and owner.id[:1].isupper()) or (
        isinstance(owner, ast.Attribute) and owner.attr in ("c", "excluded")
    )


def _called_name(node: ast.expr) -> str | None:
    if not isinstance(node, ast.Call):
        return None
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", None)


def _declares_organization(item: ast.stmt) -> bool:
    return (
        isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and item.target.id == "organization_id"
    )


def main(arguments: list[str]) -> int:
    """Prints the violations and returns the exit status."""
    return report(hit for name in arguments or ["platform_api"] for hit in find_in_directory(Path(name)))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
