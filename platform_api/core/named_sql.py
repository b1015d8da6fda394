"""Keeps SQL apart from the code that runs it: `queries.sql` holds blocks, each headed by `-- name: <task>`."""

import re
from importlib import resources

from sqlalchemy import TextClause, text

_HEADING = re.compile(r"^-- name: (?P<name>[a-z_]+)\s*$", re.MULTILINE)


def load_queries(package: str, file: str = "queries.sql") -> dict[str, TextClause]:
    """Returns the statements of a package's SQL file by their names. Parameters are written `:name`."""
    source = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    _, *parts = _HEADING.split(source)
    names, statements = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{package}/{file} names a statement twice")
    return {name: text(statement.strip()) for name, statement in zip(names, statements, strict=True)}
