"""Reads from the syntax tree what code defines, without running it."""

import ast
import warnings
from collections.abc import Sequence

from automio._exceptions import AutomioError

Function = ast.FunctionDef | ast.AsyncFunctionDef


class CodeError(AutomioError):
    """Reports that a file is not valid Python, or does not define what it should."""


def parse(code: str, path: str) -> ast.Module:
    """Returns the syntax tree of a module; raises CodeError with file, line and column for invalid Python."""
    try:
        with warnings.catch_warnings():
            # An invalid escape in a string is told when the code runs.
            warnings.simplefilter("ignore")
            return ast.parse(code, path)
    except SyntaxError as error:
        line = (error.text or "").strip()
        shown = f"\n    {line[:100]}" if line else ""
        raise CodeError(
            f"{path}:{error.lineno or 1}:{error.offset or 1}: syntax error: {error.msg}.{shown}"
        ) from error
    except (RecursionError, MemoryError) as error:
        raise CodeError(f"{path}:1: the code is nested too deep.") from error


def defined_names(code: str, path: str) -> tuple[list[str], set[str]]:
    """Returns the names of a module's functions, and every name that it may define; `*` if it imports all of another.

    Raises CodeError for invalid Python.
    """
    tree = parse(code, path)
    functions = list(functions_of(code, path))
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
    return functions, names


def functions_of(code: str, path: str) -> dict[str, Function]:
    """Returns the top-level functions of a module; raises CodeError for invalid Python."""
    tree = parse(code, path)
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def capabilities_of(code: str, path: str) -> list[str]:
    """Returns the capabilities of an interface: its public functions that take `connection_ids`."""
    return [
        name
        for name, function in functions_of(code, path).items()
        if not name.startswith("_") and "connection_ids" in _names(function)
    ]


def mismatches(plugin: str, interface: str, *, plugin_path: str, interface_path: str) -> list[str]:
    """Returns where a plugin's functions do not accept the calls of its interface, with file and line."""
    contracts = functions_of(interface, interface_path)
    messages = []
    for name, function in functions_of(plugin, plugin_path).items():
        if (contract := contracts.get(name)) is not None and "connection_ids" in _names(contract):
            messages += [
                f"{plugin_path}:{function.lineno}: {name}() {message}, as in {interface_path}:{contract.lineno}"
                for message in _differences(function, contract)
            ]
    return messages


def _differences(function: Function, contract: Function) -> list[str]:
    messages = []
    if isinstance(function, ast.AsyncFunctionDef) != isinstance(contract, ast.AsyncFunctionDef):
        messages.append(f"must be `{'async def' if isinstance(contract, ast.AsyncFunctionDef) else 'def'}`")
    if function.args.kwarg is None:
        messages += [f"must take {name!r}" for name in _names(contract) if name not in _names(function)]
        if contract.args.kwarg is not None:
            messages.append("must take any further keyword (`**payload`)")
    needed = [name for name in _required(function) if name not in _required(contract)]
    return [*messages, *(f"must have a default for {name!r}" for name in needed)]


def _names(function: Function) -> list[str]:
    arguments = function.args
    return [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _required(function: Function) -> Sequence[str]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    without = positional[: len(positional) - len(arguments.defaults)]
    keywords = [
        argument
        for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        if default is None
    ]
    return [argument.arg for argument in (*without, *keywords)]
