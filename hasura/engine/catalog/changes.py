"""Finds what the current transaction's statements have changed, without looking at everything.

Statements that change a relation keep a strong lock on it until the transaction ends, so `pg_locks` names them;
functions and types have no such locks, and are found by the transaction that wrote their rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hasura.engine.catalog import queries
from hasura.engine.catalog.connection import Connection
from hasura.engine.catalog.types import Function, QualifiedName


@dataclass(frozen=True, slots=True)
class CatalogChanges:
    """Holds oids that may have changed, been created or dropped, with the present name of those that exist."""

    relations: dict[int, QualifiedName | None]
    functions: dict[int, QualifiedName | None]

    def __bool__(self) -> bool:
        return bool(self.relations or self.functions)


async def find_changes(
    connection: Connection, tables: Mapping[int, QualifiedName], functions: Mapping[QualifiedName, Sequence[Function]]
) -> CatalogChanges:
    """Returns relations and functions whose definition this transaction may have changed.

    `tables` and `functions`: what is known, under the names it had before. What is in a schema that has another
    name has another name, too, though nothing of its own was written.
    """
    schemas = [row["oid"] for row in await connection.fetch(queries.CHANGED_SCHEMAS)]
    relations = {row["oid"] for row in await connection.fetch(queries.CHANGED_RELATIONS)}
    relations |= {row["oid"] for row in await connection.fetch(queries.RELATIONS_OF_CHANGED_TYPES, schemas)}
    changed = {row["oid"] for row in await connection.fetch(queries.CHANGED_FUNCTIONS)}
    if schemas:
        relations |= await _renamed(connection, queries.RELATIONS_OF_SCHEMAS, schemas, tables)
        by_oid = {function.oid: name for name, overloads in functions.items() for function in overloads}
        changed |= await _renamed(connection, queries.FUNCTIONS_OF_SCHEMAS, schemas, by_oid)
    return CatalogChanges(
        await _names(connection, queries.RELATION_NAMES, relations),
        await _names(connection, queries.FUNCTION_NAMES, changed),
    )


async def _renamed(
    connection: Connection, query: str, schemas: list[int], known: Mapping[int, QualifiedName]
) -> set[int]:
    """Returns those of the known ones in these schemas that have another name now."""
    rows = await connection.fetch(query, schemas)
    return {
        row["oid"]
        for row in rows
        if row["oid"] in known and known[row["oid"]] != QualifiedName(row["schema"], row["name"])
    }


async def _names(connection: Connection, query: str, oids: set[int]) -> dict[int, QualifiedName | None]:
    names: dict[int, QualifiedName | None] = dict.fromkeys(oids)
    if oids:
        for row in await connection.fetch(query, list(oids)):
            names[row["oid"]] = QualifiedName(row["schema"], row["name"])
    return names
