"""Finds the code blocks of a document, verbatim, with where they stand and what the document says about them.

Markdown with fences: a block's language is the first word of its info string, the others are its tags. Tags can
also be given on the line before, where no renderer shows them:

    <!-- test: needs-docker names=order_event -->

Documents that lost their fences (text copied from a rendered page): runs of paragraphs that are Python, JSON,
GraphQL, `NAME=value` lines or shell commands are found by parsing them. Prose seldom parses; a heading that does (one
word is a Python expression) is not taken for code, because it does nothing.
"""

import ast
import codeop
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from graphql import GraphQLSyntaxError, parse

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")
_DIRECTIVE = re.compile(r"^\s*<!--\s*test:\s*(?P<words>.*?)\s*-->\s*$")
_ENVIRONMENT_LINE = re.compile(r"^(#.*|[A-Z][A-Z0-9_]*=\S*( +#.*)?)$")
_SHELL_COMMANDS = frozenset(
    {"$", "pip", "pip3", "python", "python3", "curl", "docker", "export", "git", "make", "npm"}
)
_LANGUAGES = {"py": "python", "python3": "python", "sh": "bash", "shell": "bash", "console": "bash", "gql": "graphql"}


@dataclass(frozen=True)
class Block:
    """One block of code. `line` is the document's line of its first line, counted from 1."""

    document: Path
    line: int
    language: str
    text: str
    tags: frozenset[str] = frozenset()
    options: dict[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """`document:line`, as editors and tracebacks show places."""
        return f"{self.document}:{self.line}"


def extract_blocks(document: Path) -> list[Block]:
    """Returns every code block of a document, in order."""
    lines = document.read_text().splitlines()
    if any(_FENCE.match(line) for line in lines):
        return list(_fenced(document, lines))
    return list(_unfenced(document, lines))


def _fenced(document: Path, lines: list[str]) -> Iterator[Block]:
    position = 0
    while position < len(lines):
        opening = _FENCE.match(lines[position])
        if opening is None:
            position += 1
            continue
        start = position + 1
        end = start
        while end < len(lines) and not _closes(lines[end], opening["fence"]):
            end += 1
        language, tags, options = _describe(opening["info"], lines[position - 1] if position else "")
        indent = len(opening["indent"])
        text = "".join(_dedent(line, indent) + "\n" for line in lines[start:end])
        yield Block(document, start + 1, language, text, tags, options)
        position = end + 1


def _closes(line: str, fence: str) -> bool:
    stripped = line.strip()
    return len(stripped) >= len(fence) and set(stripped) == {fence[0]}


def _dedent(line: str, indent: int) -> str:
    """Removes at most `indent` leading spaces: those of the list item the fence stands in."""
    return line[min(indent, len(line) - len(line.lstrip(" "))) :]


def _describe(info: str, line_before: str) -> tuple[str, frozenset[str], dict[str, str]]:
    words = info.split()
    language = words[0].lower() if words else "text"
    directive = _DIRECTIVE.match(line_before)
    said = words[1:] + (directive["words"].split() if directive else [])
    options = dict(word.split("=", 1) for word in said if "=" in word)
    tags = frozenset(word for word in said if "=" not in word)
    return _LANGUAGES.get(language, language), tags, options


@dataclass(frozen=True)
class _Paragraph:
    line: int
    text: str


def _unfenced(document: Path, lines: list[str]) -> Iterator[Block]:
    paragraphs = list(_paragraphs(lines))
    position = 0
    while position < len(paragraphs):
        first = paragraphs[position]
        if (language := _simple_language(first.text)) is not None:
            yield Block(document, first.line, language, first.text)
            position += 1
        elif count := _python_paragraphs(paragraphs[position:]):
            yield Block(document, first.line, "python", _joined(paragraphs[position : position + count]))
            position += count
        else:
            position += 1


def _paragraphs(lines: list[str]) -> Iterator[_Paragraph]:
    start: int | None = None
    for number, line in enumerate([*lines, ""]):
        if line.strip():
            start = number if start is None else start
        elif start is not None:
            yield _Paragraph(start + 1, "\n".join(lines[start:number]) + "\n")
            start = None


def _joined(paragraphs: list[_Paragraph]) -> str:
    """Returns the paragraphs with as many empty lines between them as the document has."""
    text = ""
    for paragraph in paragraphs:
        text += "\n" * (paragraph.line - paragraphs[0].line - text.count("\n")) + paragraph.text
    return text


def _simple_language(text: str) -> str | None:
    lines = text.splitlines()
    if all(_ENVIRONMENT_LINE.match(line) for line in lines) and "=" in text:
        return "env"
    if lines[0].split()[0] in _SHELL_COMMANDS and not text.rstrip().endswith((".", ":")):
        return "bash"
    if text[0] in "{[" and _is_json(text):
        return "json"
    if re.match(r"(query|mutation|subscription|fragment)\b[^.]*\{", text) and _is_graphql(text):
        return "graphql"
    return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _is_graphql(text: str) -> bool:
    try:
        parse(text)
    except GraphQLSyntaxError:
        return False
    return True


def _python_paragraphs(paragraphs: list[_Paragraph]) -> int:
    """Returns how many paragraphs from the first on are one piece of Python; 0 when the first is not Python."""
    best = 0
    for count in range(1, len(paragraphs) + 1):
        text = _joined(paragraphs[:count])
        tree = _parsed(text)
        if tree is not None and _does_something(tree):
            best = count
        if count == len(paragraphs):
            break
        following = paragraphs[count].text
        if not (following[0] in " \t)]}" or _is_incomplete(text) or (tree is not None and _could_be_code(following))):
            break
    return best


def _parsed(text: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def _does_something(tree: ast.Module) -> bool:
    """Tells whether it is more than words that happen to be expressions, as headings of one word are."""
    return bool(tree.body) and all(
        not isinstance(statement, ast.Expr) or isinstance(statement.value, ast.Call | ast.Await | ast.Yield)
        for statement in tree.body
        if not _is_docstring(statement)
    )


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _could_be_code(text: str) -> bool:
    tree = _parsed(text)
    if tree is None:
        # The beginning of something longer, as a function with an empty line in its body.
        return _is_incomplete(text)
    only_comments = not tree.body
    return only_comments or _does_something(tree)


def _is_incomplete(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return codeop.compile_command(text, symbol="exec") is None
    except (SyntaxError, ValueError, OverflowError):
        return False
