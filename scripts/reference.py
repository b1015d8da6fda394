"""Writes `docs/reference/cli.md` and `docs/reference/client.md` from the commands and the client as they are.

`--check` writes nothing, and exits with status 1 when a page is not what it would write.
"""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import automio
from automio._operation import operation, pages_operation, stream_operation
from automio._settings import Settings
from automio.cli import main as automio_command
from automio.cli._groups import SECTIONS

DIRECTORY = Path(__file__).parents[1] / "docs" / "reference"
_RETURNS = re.compile(r"^(?:Call|Steps|Exchange)\[(?P<value>.*)\]$")
_ITERATES = re.compile(r"^(?:EventSource|Iterator|Call\[Batch)\[(?P<value>[^\]]*(?:\[[^\]]*\])?)\]*$")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def command_line() -> str:
    """Returns the page of the command line."""
    context = click.Context(automio_command, info_name="automio")
    lines = [
        "# The command line",
        "",
        "Every command of `automio`, as `--help` describes it; `make reference` writes this page.",
        "How they are used together: [local development](../local-development.md) and",
        "[self-hosting](../self-hosting.md). `AUTOMIO_DEBUG=1` shows the traceback behind an error message.",
    ]
    for section, commands in SECTIONS.items():
        lines += ["", f"## {section}"]
        for name in commands:
            command = automio_command.get_command(context, name)
            assert command is not None, name
            lines += _command(command, click.Context(command, parent=context, info_name=name))
    return "\n".join(lines) + "\n"


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    level = "###" if context.parent is None or context.parent.parent is None else "####"
    yield from ("", f"{level} {context.command_path}", "", inspect.cleandoc(command.help or "").replace("\b\n", ""))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            part = command.get_command(context, name)
            assert part is not None
            yield from _command(part, click.Context(part, parent=context, info_name=name))
        return
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield from ("", "```text", usage, "```")
    records = [
        record
        for parameter in command.get_params(context)
        if "--help" not in parameter.opts and (record := parameter.get_help_record(context)) is not None
    ]
    if records:
        yield from ("", "| option | |", "| --- | --- |")
        for option, text in records:
            yield f"| {_code(option)} | {_cell(_escaped(text))} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _code(text: str) -> str:
    return "`" + " ".join(text.split()).replace("|", "\\|") + "`"


def client() -> str:
    """Returns the page of the Python client."""
    settings = Settings(base_url="http://127.0.0.1:8080", token="token", app_id=1)
    with automio.API(settings=settings) as api:
        resources = {name: value for name, value in vars(api).items() if not name.startswith("_")}
        lines = [
            "# The Python client",
            "",
            "Everything that `automio` offers to scripts; `make reference` writes this page from the code.",
            "How it is used: [writing scripts](../scripts.md). `AsyncAPI` has the same methods, which are awaited.",
            "",
            "## API",
            "",
            _documentation(automio.API),
            *_methods("api", automio.API),
        ]
        for name, resource in resources.items():
            lines += [
                "",
                f"## api.{name}",
                "",
                _documentation(type(resource)),
                *_methods(f"api.{name}", type(resource)),
            ]
    lines += ["", "## Exceptions", "", "| exception | is a | |", "| --- | --- | --- |"]
    classes = {name: getattr(automio, name) for name in automio.__all__ if not name.endswith("API")}
    for name, value in classes.items():
        if _is_exception(value):
            bases = ", ".join(f"`{base.__name__}`" for base in value.__bases__)
            lines.append(f"| `{name}` | {bases} | {_cell(_documentation(value).partition(chr(10) * 2)[0])} |")
    lines += ["", "## Classes"]
    for name, value in classes.items():
        if not _is_exception(value):
            lines += ["", f"### {name}", "", _documentation(value), *_fields(value), *_methods(name, value)]
    return "\n".join(lines) + "\n"


def _is_exception(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


def _documentation(value: Any) -> str:
    own = value.__doc__ or next((base.__doc__ for base in value.__mro__ if base.__doc__), "")
    # A dataclass without a docstring gets its signature as one.
    return "" if own.startswith(f"{getattr(value, '__name__', '')}(") else _escaped(inspect.cleandoc(own))


def _escaped(text: str) -> str:
    """Returns a text whose `<` outside of code is not taken for HTML."""
    return "".join(
        part if index % 2 else part.replace("<", "\\<") for index, part in enumerate(re.split(r"(`[^`]*`)", text))
    )


def _methods(prefix: str, owner: type) -> Iterator[str]:
    for name, member in inspect.getmembers(owner):
        if name.startswith("_") or name == "from_wire":
            continue
        function = _function(member)
        if function is None:
            continue
        source = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        assert isinstance(source, _Function)
        yield from ("", "```text", f"{prefix}.{_signature(source, is_property=isinstance(member, property))}", "```")
        if function.__doc__:
            yield from ("", _documentation(function))


def _function(member: Any) -> Any:
    if isinstance(member, operation | stream_operation | pages_operation):
        return member.describe
    if isinstance(member, property):
        return member.fget
    function = getattr(member, "__func__", member)
    is_own = inspect.isfunction(function) and function.__module__.startswith("automio")
    return function if is_own else None


def _signature(source: _Function, *, is_property: bool) -> str:
    returned = ast.unparse(source.returns) if source.returns else "None"
    if (match := _ITERATES.match(returned)) is not None:
        returned = f"Iterator[{match['value']}]"
    elif (match := _RETURNS.match(returned)) is not None:
        returned = match["value"]
    if is_property:
        return f"{source.name}: {returned}"
    for arguments in (source.args.posonlyargs, source.args.args):
        if arguments and arguments[0].arg in ("self", "cls"):
            del arguments[0]
    returned = returned.strip("'")
    one_line = f"{source.name}({ast.unparse(source.args)}) -> {returned}"
    if len(one_line) < 100:
        return one_line
    return f"{source.name}(\n{''.join(f'    {part},{chr(10)}' for part in _arguments(source.args))}) -> {returned}"


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    yield from (_argument(*pair) for pair in zip(positional, defaults, strict=True))
    if arguments.vararg or arguments.kwonlyargs:
        yield f"*{ast.unparse(arguments.vararg) if arguments.vararg else ''}"
    yield from (_argument(*pair) for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    if arguments.kwarg:
        yield f"**{ast.unparse(arguments.kwarg)}"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    return ast.unparse(argument) if default is None else f"{ast.unparse(argument)} = {ast.unparse(default)}"


def _fields(value: Any) -> Iterator[str]:
    if not isinstance(value, type):
        return
    body = ast.parse(textwrap.dedent(inspect.getsource(value))).body[0]
    assert isinstance(body, ast.ClassDef)
    fields = [
        (part.target.id, ast.unparse(part.annotation))
        for part in body.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and part.target.id[0] != "_"
    ]
    if fields:
        yield from ("", "| field | type |", "| --- | --- |")
        yield from (f"| `{name}` | {_code(kind)} |" for name, kind in fields)


PAGES = {"cli.md": command_line, "client.md": client}


def page(name: str) -> str:
    """Returns what the page should be."""
    return re.sub(r"\n{3,}", "\n\n", PAGES[name]())


def main(arguments: list[str]) -> int:
    is_check = "--check" in arguments
    stale = []
    for name in PAGES:
        file, text = DIRECTORY / name, page(name)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not is_check:
                file.write_text(text, encoding="utf-8")
    for name in stale:
        print(
            f"docs/reference/{name}: {'differs from the code; `make reference` writes it' if is_check else 'written'}"
        )
    return 1 if is_check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
