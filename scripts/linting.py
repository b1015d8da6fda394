"""Serves what the lint scripts have in common: a violation, the comment that excepts one, and how a lint ends."""

import ast
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """Names one place that breaks a rule, and says what to write instead."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def reason_pattern(word: str) -> re.Pattern[str]:
    """Returns what an excepting comment looks like: `# word: reason`, the reason of three words or more."""
    return re.compile(rf"(?:#|--)\s*{word}:\s*\S+(?:\s+\S+){{2,}}")


def is_excepted(lines: list[str], node: ast.stmt | ast.expr, reason: re.Pattern[str]) -> bool:
    """Returns true where the comment stands on a line of the node's, its body left out, or on the line above."""
    body = getattr(node, "body", None)
    last = body[0].lineno - 1 if isinstance(body, list) and body else (node.end_lineno or node.lineno)
    return any(reason.search(line) for line in lines[max(0, node.lineno - 2) : max(last, node.lineno)])


def report(violations: Iterable[Violation]) -> int:
    """Prints the violations; returns the status the process should end with: 1 where there are any."""
    status = 0
    for violation in violations:
        sys.stdout.write(f"{violation}\n")
        status = 1
    return status
