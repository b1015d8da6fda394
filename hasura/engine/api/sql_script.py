"""Runs SQL text of an administrator and gives the last statement's rows as text, as `psql` would show them."""

import re

import asyncpg

from hasura.engine.catalog.connection import Connection

# Bodies of SQL-standard functions hold semicolons of their own; such a script is run in one piece.
_ATOMIC_BODY = re.compile(r"\bbegin\s+atomic\b", re.IGNORECASE)
_TOKEN = re.compile(
    r"""
      (?P<space>\s+ | --[^\n]*)
    | (?P<comment>/\*)
    | (?P<quoted>[eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*")
    | (?P<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)
    | (?P<word>[\w\u0080-\uffff]+)
    | (?P<end>;)
    | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
Rows = list[list[str | None]]


def split_statements(script: str) -> list[str]:
    """The statements of a script, without those that are only comments."""
    statements: list[str] = []
    start, has_content, position = 0, False, 0
    while position < len(script):
        match = _TOKEN.match(script, position)
        assert match is not None
        position = match.end()
        if match["comment"]:
            position = _end_of_comment(script, position)
        elif match["dollar"]:
            closing = script.find(match["dollar"], position)
            position = len(script) if closing < 0 else closing + len(match["dollar"])
            has_content = True
        elif match["end"]:
            if has_content:
                statements.append(script[start : match.start()])
            start, has_content = position, False
        elif not match["space"]:
            has_content = True
    if has_content:
        statements.append(script[start:])
    return statements


def _end_of_comment(script: str, position: int) -> int:
    """Comments nest in PostgreSQL."""
    depth = 1
    for match in re.compile(r"/\*|\*/").finditer(script, position):
        depth += 1 if match[0] == "/*" else -1
        if depth == 0:
            return match.end()
    return len(script)


async def run_script(connection: Connection, script: str) -> Rows | None:
    """Runs all; the last statement's column names and rows, or None when it gives none."""
    statements = [script] if _ATOMIC_BODY.search(script) else split_statements(script)
    if len(statements) > 1:
        await connection.execute(";".join(statements[:-1]))
    if not statements:
        return None
    return await _run_last(connection, statements[-1])


async def _run_last(connection: Connection, statement: str) -> Rows | None:
    try:
        prepared = await connection.prepare(statement)
    except asyncpg.PostgresSyntaxError as exc:
        if "multiple commands" not in str(exc):
            raise
        await connection.execute(statement)
        return None
    columns = [attribute.name for attribute in prepared.get_attributes()]
    if not columns:
        await prepared.fetch()
        return None
    if re.match(r"\s*(show|explain|fetch|call|execute)\b", statement, re.IGNORECASE):
        records = await prepared.fetch()
        return [list(columns), *([None if value is None else str(value) for value in row] for row in records)]
    # COPY writes values as PostgreSQL does, whatever their type; binary results would need a codec for each.
    received = bytearray()

    async def receive(data: bytes) -> None:
        received.extend(data)

    await connection.copy_from_query(statement, output=receive, format="text")
    lines = received.decode().split("\n")[:-1]
    return [list(columns), *([_unescaped(value) for value in line.split("\t")] for line in lines)]


def _unescaped(value: str) -> str | None:
    """A value of COPY's text format."""
    if value == "\\N":
        return None
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), value) if "\\" in value else value
