"""Loads the statements of `queries.sql` by name: SQL is kept apart from the code that runs it."""

import re
from importlib import resources

from sqlalchemy import TextClause, text

_HEADING = re.compile(r"^-- name: (?P<name>[a-z_]+)\s*$", re.MULTILINE)


def load_statements(package: str, file: str) -> dict[str, TextClause]:
    """Returns the statements by the names in their headings, `-- name: <name>`. Parameters are written `:name`."""
    source = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    _, *parts = _HEADING.split(source)
    names, statements = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{file} names a statement twice")
    return {name: text(statement.strip()) for name, statement in zip(names, statements, strict=True)}


QUERIES = load_statements(__package__, "queries.sql")
