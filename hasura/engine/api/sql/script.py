"""Reads a script of SQL: its statements, what they need, and the last one's rows as text, as `psql` shows them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hasura.engine.api.sql.lexer import SqlStatement, split_statements
from hasura.engine.catalog.connection import Connection
from hasura.engine.errors import NotSupported, json_path
from hasura.engine.metadata.reading import Reader

_CHANGES_SCHEMA = re.compile(
    r"\balter\b|\bdrop\b|\bcreate\b|\bcomment\s+on\b|\bimport\s+foreign\b|\bdo\b",
    re.IGNORECASE,
)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
Rows = list[list[str | None]]


@dataclass(frozen=True, slots=True)
class Script:
    """Holds an administrator's SQL. A `begin` and `commit` around all of it are not among its statements."""

    text: str
    statements: tuple[SqlStatement, ...]

    @property
    def may_change_metadata(self) -> bool:
        """Returns whether a statement may change tables or functions; none outside of transactions does."""
        return any(
            _CHANGES_SCHEMA.search(statement.text) and not statement.refuses_transaction_block
            for statement in self.statements
        )

    @property
    def needs_to_be_outside(self) -> bool:
        """Returns whether a statement cannot do its work in a transaction together with the others."""
        return any(
            statement.refuses_transaction_block
            or statement.controls_transaction
            or (statement.adds_enum_value and len(self.statements) > 1)
            for statement in self.statements
        )

    @property
    def may_be_outside(self) -> bool:
        """Returns whether it is all or nothing outside of a transaction, too."""
        return len(self.statements) == 1 and not self.statements[0].needs_transaction_block

    def refuse_transactions(self, place: Reader, *, is_read_only: bool = False) -> None:
        """Raises NotSupported for a statement that cannot be within a transaction."""
        instead = (
            "send it without read_only"
            if is_read_only
            else "with check_metadata_consistency: false the statements run one by one, each by itself, and"
            " reload_metadata shows what they changed; or send it in a call of its own"
        )
        for statement in self.statements:
            if statement.refuses_transaction_block or statement.controls_transaction:
                raise NotSupported(
                    f"`{statement.title}` cannot run in the transaction that this call is: {instead}",
                    path=json_path(*place.path),
                )


def read_script(place: Reader) -> Script:
    """Returns the script at a place in a request. Raises ParseFailed when it cannot be one.

    Raises NotSupported when it would copy through the client.
    """
    text = place.text()
    if "\x00" in text:
        raise place.fail("SQL cannot hold the character \\u0000")
    statements = split_statements(text)
    for statement in statements:
        if statement.copies_through_client:
            raise NotSupported(
                f"`{statement.title}` cannot run here: no rows can be sent to it, nor received from it, by this call;"
                " use INSERT or SELECT (pg_dump has --inserts), or run it with psql on the database itself",
                path=json_path(*place.path),
            )
    return Script(text, tuple(_without_frame(statements)))


def _without_frame(statements: Sequence[SqlStatement]) -> Sequence[SqlStatement]:
    if len(statements) < 2 or not (statements[0].begins_plainly and statements[-1].commits_plainly):
        return statements
    inner = statements[1:-1]
    return statements if any(statement.controls_transaction for statement in inner) else inner


async def run_together(connection: Connection, statements: Sequence[SqlStatement]) -> Rows | None:
    """Runs all in the open transaction; returns the last one's column names and rows, or None without any."""
    if len(statements) > 1:
        await connection.execute(";".join(statement.text for statement in statements[:-1]))
    return await run_statement(connection, statements[-1]) if statements else None


async def run_statement(connection: Connection, statement: SqlStatement) -> Rows | None:
    """Runs one statement; returns its column names and rows, or None when it gives none."""
    prepared = await connection.prepare(statement.text)
    columns = [attribute.name for attribute in prepared.get_attributes()]
    if not columns:
        await prepared.fetch()
        return None
    if statement.words[0] in ("show", "explain", "fetch", "call", "execute"):
        records = await prepared.fetch()
        return [list(columns), *([None if value is None else str(value) for value in row] for row in records)]
    # COPY writes values as PostgreSQL does, whatever their type; binary results would need a codec for each.
    received = bytearray()

    async def receive(data: bytes) -> None:
        received.extend(data)

    await connection.copy_from_query(statement.text, output=receive, format="text")
    lines = received.decode().split("\n")[:-1]
    return [list(columns), *([_unescaped(value) for value in line.split("\t")] for line in lines)]


def _unescaped(value: str) -> str | None:
    """Returns a value of COPY's text format."""
    if value == "\\N":
        return None
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), value) if "\\" in value else value
