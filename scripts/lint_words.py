"""Finds names and prose that do not speak the project's plain English.

Flagged are

    bound       a name that says `most_`, `longest_`, `largest_` or `few_` (in any case) instead of `max_` and `min_`
    wanted      the word in names, strings and docstrings: a request's body is `body` or `data`
    docstring   one of a module, class or function that does not begin with a verb in the third person ("Returns",
                "Starts", "Raises"), and so does not say what the thing is for. Commands of the command line are left
                out: their docstring is the help, which is imperative

Without arguments, what `CLEAN` lists is checked, except `PENDING`: the one grows folder by folder until it names the
packages themselves, the other shrinks. A path in `CLEAN` that does not exist is an error, so that a folder that is
moved does not slip out of the check.

    python scripts/lint_words.py [PATH ...]        default: CLEAN without PENDING
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from linting import Violation, report

CLEAN = ("alembic", "automio", "benchmarks", "hasura", "platform_api", "plugins", "sandbox_runner", "scripts")
PENDING = frozenset(
    {
        "automio/_retry.py",  # RetryPolicy.longest_wait is a public name
    }
)
_HERE = "lint_words.py"

_BOUND = re.compile(r"(?:^|_)(?:(?<!at_)(?:most|longest|largest)(?:_|$)|few_)", re.IGNORECASE)
_WANTED_NAME = re.compile(r"(?:^|_)wanted(?:_|$)", re.IGNORECASE)
_WANTED = re.compile(r"\bwanted\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z]+(?:-[a-z]+)*")
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

# End in "s" and are no verbs, or are verbs that describe instead of saying what the thing does.
_NOUNS = """
    accounts across addresses afterwards alias always apps arguments as besides bodies bytes capabilities
    clients columns commands connections constants consumers credentials dates definitions directories endpoints
    errors events faults fields figures files functions handlers headers helpers hints ids integrations
    interfaces is items its keys less lines members messages methods milliseconds models modules numbers
    objects oids operations options organizations others parameters paths pieces plugins plus questions refusals
    relations relationships rows rules runners schemas scripts seconds secrets settings sign-ins signatures
    statements steps sub-fields syncs tables this thus tokens tools tracebacks types unless users values
    variables was webhooks words yes
"""
_NO_VERBS = frozenset(_NOUNS.split())
# "Names of the models" begins with a noun, "Consists of three parts" with a verb.
_TAKES_OF = frozenset({"approves", "asks", "consists", "disposes", "reminds", "speaks", "tells", "thinks"})


def check_source(source: str, path: str) -> list[Violation]:
    """Returns the violations in the text of a Python file, in the order of their lines."""
    violations: set[Violation] = set()
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 1)
        violations.update(Violation(path, line, message) for message in _judge_names(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (match := _WANTED.search(node.value)):
            at = line + node.value.count("\n", 0, match.start())
            violations.add(Violation(path, at, 'says "wanted"; say what it is, or "requested", "needed", "expected"'))
        if not isinstance(node, _DOCUMENTED) or _is_command(node):
            continue
        if (text := ast.get_docstring(node)) and not starts_with_verb(text):
            name = getattr(node, "name", "the module")
            line = node.body[0].lineno
            message = (
                f'the docstring of {name} begins with "{_first_words(text)}"; begin with a verb, as in "Returns"'
            )
            violations.add(Violation(path, line, message))
    return sorted(violations)


def starts_with_verb(text: str) -> bool:
    """Returns true where prose begins with what can be a verb in the third person of the present tense."""
    words = text.split(maxsplit=2)
    match = _WORD.fullmatch(words[0].rstrip(".,")) if words else None
    if match is None:
        return False
    word = match.group().lower()
    is_noun = len(words) > 1 and words[1] in ("of", "whose") and word not in _TAKES_OF
    return match.group()[0].isupper() and word.endswith("s") and word not in _NO_VERBS and not is_noun


def check_path(path: Path) -> list[Violation]:
    """Returns the violations in a Python file, or in every Python file below a directory, except this one."""
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return [
        violation
        for file in files
        if file.name != _HERE
        for violation in check_source(file.read_text(), file.as_posix())
    ]


def _is_command(node: ast.AST) -> bool:
    """Returns true for a function that click makes a command or a group of."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    targets = [decorator.func if isinstance(decorator, ast.Call) else decorator for decorator in decorators]
    return any(isinstance(target, ast.Attribute) and target.attr in ("command", "group") for target in targets)


def _judge_names(node: ast.AST) -> Iterator[str]:
    for name in _names_of(node):
        if _BOUND.search(name):
            yield f"{name} names a bound; say `max_` or `min_`"
        if _WANTED_NAME.search(name):
            yield f"{name} says `wanted`; say what it is (`body`, `data`, or a noun)"


def _names_of(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
            yield name
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.alias(name=name, asname=alias):
            yield from filter(None, (name.rpartition(".")[2], alias))


def _first_words(text: str) -> str:
    return " ".join(text.split()[:3])


def main(arguments: list[str]) -> int:
    """Prints the violations; returns the status the process should end with."""
    paths = [Path(name) for name in arguments or CLEAN]
    if missing := [path.as_posix() for path in paths if not path.exists()]:
        sys.stderr.write(f"There is no {', '.join(missing)} here; give paths that exist, or correct CLEAN.\n")
        return 2
    excepted = frozenset[str]() if arguments else PENDING
    return report(item for path in paths for item in check_path(path) if item.path not in excepted)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
