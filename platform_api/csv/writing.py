"""Writes rows through GraphQL in the caller's own role, with the same permissions as any other write.

A batch that the database rejects is split in halves until the faulty lines are isolated; the others are written.
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
from platform_api.csv.errors import LineRejected, TableRefused
from platform_api.csv.records.records import Record
from platform_api.csv.values.cells import quoted
from platform_api.graphql.backends.backend import GraphQLAnswer, GraphQLBackend
from platform_api.tables.definition import TableDefinition

_ROW_ERRORS = frozenset(
    {"constraint-violation", "constraint-error", "permission-error", "data-exception", "unexpected"}
)
_TABLE_ERRORS = frozenset({"validation-failed", "parse-failed", "not-exists", "not-supported"})
_CONSTRAINT = re.compile(r'constraint "([^"]+)"')
_COLUMN = re.compile(r'column "([^"]+)"')
_IMMUTABLE = frozenset({"id"})


@dataclass(slots=True)
class Tally:
    """Counts the results of the lines of a batch."""

    inserted: int = 0
    updated: int = 0
    skipped: int = 0
    rejected: list[tuple[Record, LineRejected]] = field(default_factory=list)


Row = tuple[Record, dict[str, Any]]


class RowWriter:
    """Writes rows to one table."""

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
        # Names were checked when the table was created: letters, digits, underscores.
        constraint = key.constraint if key is not None else definition.physical.primary_key
        updated: list[str] = []
        if key is not None and key.is_update:
            updated = [name for name in self._headers if name not in key.columns and name not in _IMMUTABLE]
        self._updates = bool(updated)
        on_conflict = ""
        # Outside our transaction a batch may be written twice: the ids identify the rows that already exist.
        if key is not None or ("id" not in self._headers and not backend.is_transactional):
            on_conflict = f", on_conflict: {{constraint: {constraint}, update_columns: [{', '.join(updated)}]}}"
        self._document = (
            f"mutation ($objects: [{table}_insert_input!]!) {{"
            f" {self._field}(objects: $objects{on_conflict}) {{ returning {{ id }} }} }}"
        )
        self._ids_query = f"query ($ids: [uuid!]!) {{ {table}(where: {{id: {{_in: $ids}}}}) {{ id }} }}"

    async def write(self, session: AsyncSession, rows: Sequence[Row]) -> Tally:
        """Writes the rows, in the transaction of `session` if the engine can. Raises JobFailed, Unavailable."""
        tally = Tally()
        await self._write(session, rows, tally)
        return tally

    async def _write(self, session: AsyncSession, rows: Sequence[Row], tally: Tally) -> None:
        if not rows:
            return
        ids = [str(row["id"]) for _, row in rows]
        existing = await self.existing_ids(session, ids) if self._updates and self._key_is_id else set()
        variables = {"objects": [row for _, row in rows]}
        answer = _parse(
            await self._backend.execute_within(
                session, {"query": self._document, "variables": variables}, self._caller
            )
        )
        if errors := answer.get("errors"):
            rejection = self._rejection(errors[0])
            if len(rows) == 1:
                tally.rejected.append((rows[0][0], rejection))
                return
            middle = len(rows) // 2
            await self._write(session, rows[:middle], tally)
            await self._write(session, rows[middle:], tally)
            return
        written = {str(row["id"]) for row in answer["data"][self._field]["returning"]}
        if self._key is None:
            tally.inserted += len(rows)
            return
        inserted = len(written & (set(ids) - existing))
        tally.inserted += inserted
        tally.updated += len(written) - inserted
        if self._updates and self._key_is_id:
            # The row of such an id is not one that the caller sees, whosever it is: say that nothing was written.
            unwritten = [record for record, row in rows if str(row["id"]) not in written]
            tally.rejected.extend((record, self._taken_id()) for record in unwritten)
        else:
            tally.skipped += len(rows) - len(written)

    @property
    def _key_is_id(self) -> bool:
        return self._key is not None and self._key.columns == ("id",)

    async def existing_ids(self, session: AsyncSession, ids: Sequence[str]) -> set[str]:
        """Returns those of the ids whose rows are there and visible to the caller."""
        payload = {"query": self._ids_query, "variables": {"ids": list(ids)}}
        answer = _parse(await self._backend.execute_within(session, payload, self._caller))
        if errors := answer.get("errors"):
            raise Unavailable(str(errors[0].get("message")))
        return {str(row["id"]) for row in answer["data"][self._definition.physical.table]}

    def _rejection(self, error: dict[str, Any]) -> LineRejected:
        """Returns why rows were rejected. Raises JobFailed for errors of the table, Unavailable for the engine's."""
        code = error.get("extensions", {}).get("code", "unexpected")
        message = str(error.get("message", ""))
        if code in _TABLE_ERRORS:
            raise TableRefused(f"the table has changed or is not ready: {message[:300]}")
        if code not in _ROW_ERRORS or message.startswith("Timed out"):
            raise Unavailable(f"the rows cannot be written at the moment: {message[:300]}")
        return self._rejection_of(message)

    def _rejection_of(self, message: str) -> LineRejected:
        definition, physical = self._definition, self._definition.physical
        match = _CONSTRAINT.search(message)
        constraint = match[1] if match else ""
        for reference in definition.references:
            if constraint == physical.foreign_key(reference.column):
                return self._rejected_column("reference not found: no row has this id", reference.column)
        for column in definition.columns:
            if column.choices and constraint == physical.choice_check(column.name):
                return self._rejected_column("must be one of the choices", column.name)
        for key in definition.unique:
            if constraint == physical.unique_key(key.columns, name=key.name):
                return LineRejected(f"a row with this {', '.join(key.columns)} already exists")
        if constraint in (physical.primary_key, physical.organization_key):
            return self._taken_id()
        if message.startswith("Not-NULL") and (column_name := _COLUMN.search(message)):
            return self._rejected_column("a value is required", column_name[1])
        if message == "database query error":
            return LineRejected("the database rejected this row")
        return LineRejected(quoted(message).strip("'\"") if len(message) < 200 else message[:200])

    def _taken_id(self) -> LineRejected:
        # An id is unique over all organizations: the reason is the same whether the caller has such a row or not.
        return self._rejected_column("this id is taken: leave it out, or give another one", "id")

    def _rejected_column(self, reason: str, column: str) -> LineRejected:
        return LineRejected(reason, self._headers.get(column, column))


def _parse(answer: GraphQLAnswer) -> dict[str, Any]:
    parsed: dict[str, Any] = orjson.loads(answer.body)
    return parsed
