"""Writing rows through GraphQL, as the caller's own role: the same permissions as any other row, none besides.

A batch that the database refuses is halved until the lines at fault are alone; the others go in.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from hasura.engine.session import Session
from platform_api.core.errors import Unavailable
from platform_api.csv.columns import Key, Target
from platform_api.csv.errors import JobFailed, LineRejected
from platform_api.csv.records.records import Record
from platform_api.csv.values.cells import shown
from platform_api.graphql.backends.backend import GraphQLAnswer, GraphQLBackend
from platform_api.tables.definition import TableDefinition

_ROWS_FAULT = frozenset(
    {"constraint-violation", "constraint-error", "permission-error", "data-exception", "unexpected"}
)
_TABLES_FAULT = frozenset({"validation-failed", "parse-failed", "not-exists", "not-supported"})
_CONSTRAINT = re.compile(r'constraint "([^"]+)"')
_COLUMN = re.compile(r'column "([^"]+)"')
_IMMUTABLE = frozenset({"id"})


@dataclass(slots=True)
class Tally:
    """What became of the lines of a batch."""

    inserted: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: list[tuple[Record, LineRejected]] = field(default_factory=list)


Row = tuple[Record, dict[str, Any]]


class RowWriter:
    """Writes rows of one table."""

    def __init__(
        self,
        backend: GraphQLBackend,
        caller: Session,
        definition: TableDefinition,
        targets: Sequence[Target],
        key: Key | None,
    ) -> None:
        self._backend = backend
        self._caller = caller
        self._definition = definition
        self._key = key
        self._headers = {target.column.name: target.header for target in targets}
        table = definition.physical.table
        self._field = f"insert_{table}"
        # Names were checked when the table was made: letters, digits, underscores.
        constraint = key.constraint if key is not None else definition.physical.primary_key
        updated: list[str] = []
        if key is not None and key.is_update:
            updated = [name for name in self._headers if name not in key.columns and name not in _IMMUTABLE]
        self._updates = bool(updated)
        on_conflict = ""
        # Without a transaction of ours a batch may be written twice: the ids tell which rows are there already.
        if key is not None or ("id" not in self._headers and not backend.is_transactional):
            on_conflict = f", on_conflict: {{constraint: {constraint}, update_columns: [{', '.join(updated)}]}}"
        self._document = (
            f"mutation ($objects: [{table}_insert_input!]!) {{"
            f" {self._field}(objects: $objects{on_conflict}) {{ returning {{ id }} }} }}"
        )
        self._known = f"query ($ids: [uuid!]!) {{ {table}(where: {{id: {{_in: $ids}}}}) {{ id }} }}"

    async def write(self, session: AsyncSession, rows: Sequence[Row]) -> Tally:
        """Writes the rows, as part of the transaction of `session` where the engine can. Raises JobFailed."""
        tally = Tally()
        await self._write(session, rows, tally)
        return tally

    async def _write(self, session: AsyncSession, rows: Sequence[Row], tally: Tally) -> None:
        if not rows:
            return
        ids = [str(row["id"]) for _, row in rows]
        present = await self._present(session, ids) if self._updates and self._key_is_id else set()
        variables = {"objects": [row for _, row in rows]}
        answer = _parse(
            await self._backend.execute_within(
                session, {"query": self._document, "variables": variables}, self._caller
            )
        )
        if errors := answer.get("errors"):
            fault = self._fault(errors[0])
            if len(rows) == 1:
                tally.rejected.append((rows[0][0], fault))
                return
            middle = len(rows) // 2
            await self._write(session, rows[:middle], tally)
            await self._write(session, rows[middle:], tally)
            return
        written = {str(row["id"]) for row in answer["data"][self._field]["returning"]}
        if self._key is None:
            tally.inserted += len(rows)
            return
        inserted = len(written & (set(ids) - present))
        tally.inserted += inserted
        tally.updated += len(written) - inserted
        tally.skipped += len(rows) - len(written)

    @property
    def _key_is_id(self) -> bool:
        return self._key is not None and self._key.columns == ("id",)

    async def _present(self, session: AsyncSession, ids: Sequence[str]) -> set[str]:
        payload = {"query": self._known, "variables": {"ids": list(ids)}}
        answer = _parse(await self._backend.execute_within(session, payload, self._caller))
        if errors := answer.get("errors"):
            raise Unavailable(str(errors[0].get("message")))
        return {str(row["id"]) for row in answer["data"][self._definition.physical.table]}

    def _fault(self, error: dict[str, Any]) -> LineRejected:
        """Why rows were refused. Raises JobFailed when it is not their fault, Unavailable when it is nobody's."""
        code = error.get("extensions", {}).get("code", "unexpected")
        message = str(error.get("message", ""))
        if code in _TABLES_FAULT:
            raise JobFailed(f"the table was changed or is not ready: {message[:300]}")
        if code not in _ROWS_FAULT or message.startswith("Timed out"):
            raise Unavailable(f"the rows cannot be written at the moment: {message[:300]}")
        return self._explained(message)

    def _explained(self, message: str) -> LineRejected:
        definition, physical = self._definition, self._definition.physical
        named = _CONSTRAINT.search(message)
        constraint = named[1] if named else ""
        for reference in definition.references:
            if constraint == physical.foreign_key(reference.column):
                return self._rejected("reference not found: there is no such row", reference.column)
        for column in definition.columns:
            if column.choices and constraint == physical.choice_check(column.name):
                return self._rejected("not one of the choices", column.name)
        for key in definition.unique:
            if constraint == physical.unique_key(key.columns, name=key.name):
                return LineRejected(f"a row with this {', '.join(key.columns)} exists already")
        if constraint in (physical.primary_key, physical.organization_key):
            return self._rejected("a row with this id exists already", "id")
        if message.startswith("Not-NULL") and (column_name := _COLUMN.search(message)):
            return self._rejected("a value is required", column_name[1])
        if message == "database query error":
            return LineRejected("the database refuses this row")
        return LineRejected(shown(message).strip("'\"") if len(message) < 200 else message[:200])

    def _rejected(self, reason: str, column: str) -> LineRejected:
        return LineRejected(reason, self._headers.get(column, column))


def _parse(answer: GraphQLAnswer) -> dict[str, Any]:
    parsed: dict[str, Any] = orjson.loads(answer.body)
    return parsed
