"""Inspects GraphQL documents without the cost of importing a parser."""

import re

_IGNORED = re.compile(r'"""(?:\\"""|[^"]|"(?!""))*"""|"(?:\\.|[^"\\\n])*"|#[^\n]*')
_TOKEN = re.compile(r"[{}]|\w+")


def is_read_only(document: str) -> bool:
    """Tells whether a document holds queries only, so that sending it twice changes nothing."""
    depth = 0
    for token in _TOKEN.findall(_IGNORED.sub(" ", document)):
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
        elif depth == 0 and token in ("mutation", "subscription"):
            # An operation or variable of that name errs on the side of not repeating.
            return False
    return True
