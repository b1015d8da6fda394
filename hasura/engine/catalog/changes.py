"""What the definition of the current transaction's statements has changed, found without looking at everything.

Statements that change a relation keep a strong lock on it until the transaction ends, so `pg_locks` names them;
functions and types have no such locks, and are found by the transaction that wrote their rows.
"""

from dataclasses import dataclass

from hasura.engine.catalog import queries
from hasura.engine.catalog.connection import Connection
from hasura.engine.catalog.types import QualifiedName


@dataclass(frozen=True, slots=True)
class CatalogChanges:
    """Oids that may have changed, been made or dropped, with the present name of those that exist."""

    relations: dict[int, QualifiedName | None]
    functions: dict[int, QualifiedName | None]

    def __bool__(self) -> bool:
        return bool(self.relations or self.functions)


async def find_changes(connection: Connection) -> CatalogChanges:
    """Relations and functions whose definition this transaction may have changed."""
    relations = {row["oid"] for row in await connection.fetch(queries.CHANGED_RELATIONS)}
    relations |= {row["oid"] for row in await connection.fetch(queries.RELATIONS_OF_CHANGED_TYPES)}
    functions = {row["oid"] for row in await connection.fetch(queries.CHANGED_FUNCTIONS)}
    return CatalogChanges(
        await _names(connection, queries.RELATION_NAMES, relations),
        await _names(connection, queries.FUNCTION_NAMES, functions),
    )


async def _names(connection: Connection, query: str, oids: set[int]) -> dict[int, QualifiedName | None]:
    names: dict[int, QualifiedName | None] = dict.fromkeys(oids)
    if oids:
        for row in await connection.fetch(query, list(oids)):
            names[row["oid"]] = QualifiedName(row["schema"], row["name"])
    return names
