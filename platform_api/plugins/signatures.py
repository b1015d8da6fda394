"""Reads what code of plugins and actions defines from its syntax tree, without running it. Pure."""

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Problem:
    """Says what is wrong with a piece of code, and where."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class CodeError(Exception):
    """Reports that the code is not Python; `problem` says where."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Signature:
    """Describes how a function can be called by keyword, which is how capabilities are called."""

    line: int
    is_async: bool
    required: frozenset[str]
    """Parameters without a default that can be given by name."""
    optional: frozenset[str]
    positional_only: tuple[str, ...]
    """Parameters without a default that cannot be given by name."""
    takes_any: bool
    """True if it has `**name`."""

    def accepts(self, name: str) -> bool:
        """Returns true if `name=` may be given."""
        return self.takes_any or name in self.required or name in self.optional


@dataclass(frozen=True, slots=True)
class ImportedName:
    """Describes one name of `from module import name`, wherever it is in the code."""

    module: str
    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Module:
    """Holds the names that a module's top level defines."""

    file: str
    functions: dict[str, Signature]
    other_names: frozenset[str]
    """Assigned, imported or decorated: they exist, but how they are called cannot be seen."""
    imports: tuple["ImportedName", ...] = ()
    function_names: tuple[str, ...] = ()
    """Every top-level function, also decorated ones, in the order of the file."""

    def defines(self, name: str) -> bool:
        """Returns true if the module has a top-level `name`."""
        return name in self.functions or name in self.other_names

    def may_define(self, name: str) -> bool:
        """Returns true unless the module certainly has no `name`: `import *` and `__getattr__` may bring any."""
        return self.defines(name) or name.startswith("__") or "*" in self.other_names or self.defines("__getattr__")


@lru_cache(maxsize=256)
def read_module(code: str, file: str) -> Module:
    """Returns what `code` defines. Raises CodeError when it does not compile.

    Cached: lists read the code of every plugin they show, and a change of an interface that of all its plugins.
    """
    functions: dict[str, Signature] = {}
    other_names: set[str] = set()
    tree = _parsed(code, file)
    for statement in _top_level(tree.body):
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            other_names.discard(statement.name)
            functions.pop(statement.name, None)
            if statement.decorator_list:
                other_names.add(statement.name)
            else:
                functions[statement.name] = _signature(statement)
            continue
        for name in _bound(statement):
            functions.pop(name, None)
            other_names.add(name)
    other_names |= {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    names = dict.fromkeys(
        statement.name
        for statement in _top_level(tree.body)
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return Module(file, functions, frozenset(other_names), tuple(_imports(tree)), tuple(names))


def _parsed(code: str, file: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            # An invalid escape in somebody's string is not this program's concern.
            warnings.simplefilter("ignore")
            tree = ast.parse(code, file)
            # Finds what only the compiler refuses: `return` outside a function, `nonlocal` of nothing.
            compile(tree, file, "exec", dont_inherit=True)
    except SyntaxError as error:
        where = f" (column {error.offset})" if error.offset else ""
        raise CodeError(Problem(file, error.lineno or 1, f"syntax error: {error.msg}{where}")) from error
    except (ValueError, RecursionError, MemoryError) as error:
        reason = (
            "it contains characters that are not allowed in Python source"
            if isinstance(error, ValueError)
            else "it is nested too deep"
        )
        raise CodeError(Problem(file, 1, f"the code cannot be compiled: {reason}")) from error
    return tree


def _top_level(statements: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yields the statements that run when the module is imported, also inside `if`, `try`, `with` and loops."""
    for statement in statements:
        yield statement
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for field in ("body", "orelse", "finalbody"):
            yield from _top_level(getattr(statement, field, ()))
        for part in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            yield from _top_level(part.body)


def _imports(tree: ast.Module) -> Iterator[ImportedName]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield ImportedName(node.module, alias.name, node.lineno)


def _bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0]
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        if isinstance(statement, ast.AnnAssign) and statement.value is None:
            return
        yield from _stored(statement)
    elif isinstance(statement, ast.For | ast.AsyncFor):
        yield from _stored(statement.target)
    elif isinstance(statement, ast.With | ast.AsyncWith):
        for item in statement.items:
            if item.optional_vars is not None:
                yield from _stored(item.optional_vars)


def _stored(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _signature(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Signature:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    without_default = len(positional) - len(arguments.defaults)
    required = {argument.arg for argument in positional[:without_default]}
    by_name = {argument.arg for argument in arguments.args}
    keyword_required = {
        argument.arg
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    }
    keyword = {argument.arg for argument in arguments.kwonlyargs}
    return Signature(
        line=function.lineno,
        is_async=isinstance(function, ast.AsyncFunctionDef),
        required=frozenset((required & by_name) | keyword_required),
        optional=frozenset((by_name - required) | (keyword - keyword_required)),
        positional_only=tuple(argument.arg for argument in arguments.posonlyargs if argument.arg in required),
        takes_any=arguments.kwarg is not None,
    )
