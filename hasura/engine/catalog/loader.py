"""Reads tables and functions out of PostgreSQL's catalogue: any set of names, on any connection."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import takewhile
from typing import Any

import orjson

from hasura.engine.catalog import queries
from hasura.engine.catalog.connection import Connection
from hasura.engine.catalog.types import (
    Column,
    ForeignKey,
    Function,
    FunctionArgument,
    Identity,
    PgType,
    QualifiedName,
    Table,
    TableKind,
    TypeKind,
    UniqueConstraint,
    UniqueIndex,
    Volatility,
)

_KINDS = {
    "b": TypeKind.BASE,
    "d": TypeKind.DOMAIN,
    "e": TypeKind.ENUM,
    "c": TypeKind.COMPOSITE,
    "r": TypeKind.RANGE,
    "m": TypeKind.MULTIRANGE,
    "p": TypeKind.PSEUDO,
}
# PostgreSQL's own objects have lower oids and never change while a server runs.
_FIRST_USER_OID = 16384
# Tables read at a time: the driver needs much more memory for each than what is kept.
_BATCH = 500
# The number of values of a column is not read for smaller tables.
_MIN_ROWS_OF_STATISTICS = 10_000
_builtin_types: dict[int, PgType] = {}


async def load_tables(connection: Connection, names: Collection[QualifiedName]) -> dict[QualifiedName, Table]:
    """Returns the tables, views, materialized views and foreign tables of these names that exist."""
    listed, tables = list(names), dict[QualifiedName, Table]()
    for start in range(0, len(listed), _BATCH):
        tables.update(await _load_batch(connection, listed[start : start + _BATCH]))
    return tables


async def _load_batch(connection: Connection, names: list[QualifiedName]) -> dict[QualifiedName, Table]:
    relations = await connection.fetch(queries.RELATIONS, *_split(names))
    oids = [relation["oid"] for relation in relations]
    columns = await connection.fetch(queries.COLUMNS, oids)
    constraints = await connection.fetch(queries.CONSTRAINTS, oids)
    indexes = await connection.fetch(queries.UNIQUE_INDEXES, oids)
    types = await _load_types(connection, {column["type"] for column in columns})
    distinct = await _load_distinct_values(connection, relations)
    columns_of: dict[int, list[Column]] = defaultdict(list)
    for row in columns:
        columns_of[row["relation"]].append(_column(row, types))
    constraints_of, indexes_of = _by_relation(constraints), _by_relation(indexes)
    tables = (
        _table(
            row,
            columns_of[row["oid"]],
            constraints_of[row["oid"]],
            indexes_of[row["oid"]],
            distinct.get(row["oid"], {}),
        )
        for row in relations
    )
    return {table.name: table for table in tables}


async def _load_distinct_values(connection: Connection, relations: Iterable[Any]) -> dict[int, dict[str, int]]:
    """Returns how many values the columns of the larger tables have, as far as PostgreSQL has counted them."""
    sizes = {
        row["oid"]: row["estimated_rows"] for row in relations if row["estimated_rows"] >= _MIN_ROWS_OF_STATISTICS
    }
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    if sizes:
        for row in await connection.fetch(queries.DISTINCT_VALUES, list(sizes)):
            count = row["n_distinct"]
            distinct = int(count) if count > 0 else round(-count * sizes[row["relation"]])
            counts[row["relation"]][row["name"]] = max(1, distinct)
    return counts


def _by_relation(rows: Iterable[Any]) -> dict[int, list[Any]]:
    grouped: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row["relation"]].append(row)
    return grouped


async def load_functions(
    connection: Connection, names: Collection[QualifiedName]
) -> dict[QualifiedName, tuple[Function, ...]]:
    """Returns the functions of these names that exist, overloads together."""
    if not names:
        return {}
    rows = await connection.fetch(queries.FUNCTIONS, *_split(names))
    type_oids = {row["return_type"] for row in rows}
    for row in rows:
        type_oids.update(row["all_types"] or row["input_types"])
    types = await _load_types(connection, type_oids)
    functions: dict[QualifiedName, list[Function]] = defaultdict(list)
    for row in rows:
        function = _function(row, types)
        functions[function.name].append(function)
    return {name: tuple(overloads) for name, overloads in functions.items()}


def _split(names: Iterable[QualifiedName]) -> tuple[list[str], list[str]]:
    listed = list(names)
    return [name.schema for name in listed], [name.name for name in listed]


def _table(
    row: Any, columns: list[Column], constraints: list[Any], indexes: list[Any], distinct_values: Mapping[str, int]
) -> Table:
    sorted_by, found_by = _indexes(row["indexes"])
    keys = [
        UniqueConstraint(
            item["name"],
            item["oid"],
            tuple(item["columns"]),
            is_primary=item["kind"] == "p",
            is_deferrable=item["is_deferrable"],
        )
        for item in constraints
        if item["kind"] in ("p", "u")
    ]
    keys += [
        UniqueConstraint(
            item["name"],
            item["oid"],
            tuple(item["columns"] or ()),
            index=UniqueIndex(tuple(item["keys"]), item["predicate"]),
        )
        for item in indexes
    ]
    foreign_keys = tuple(
        ForeignKey(
            item["name"],
            item["oid"],
            tuple(item["columns"]),
            QualifiedName(item["referenced_schema"], item["referenced_name"]),
            tuple(item["referenced_columns"]),
            item["referenced_oid"],
            item["inherited_from"],
        )
        for item in constraints
        if item["kind"] == "f"
    )
    updatable = row["updatable"]
    return Table(
        oid=row["oid"],
        name=QualifiedName(row["schema"], row["name"]),
        kind=TableKind(row["kind"]),
        columns=tuple(columns),
        primary_key=next((key for key in keys if key.is_primary), None),
        unique_constraints=tuple(key for key in keys if not key.is_primary),
        foreign_keys=foreign_keys,
        comment=row["comment"],
        is_insertable=bool(updatable & queries.INSERT_BIT),
        is_updatable=bool(updatable & queries.UPDATE_BIT),
        is_deletable=bool(updatable & queries.DELETE_BIT),
        has_children=row["has_children"],
        estimated_rows=row["estimated_rows"],
        distinct_values=distinct_values,
        indexes=sorted_by,
        found_by=found_by,
    )


def _indexes(document: str | None) -> tuple[frozenset[tuple[str, ...]], frozenset[str]]:
    """Returns the columns of indexes with all rows in order, and those by whose values an index finds rows."""
    in_order: set[tuple[str, ...]] = set()
    found_by: set[str] = set()
    for index in orjson.loads(document or "[]"):
        # An expression has no name.
        names = tuple(takewhile(lambda name: name is not None, index["columns"]))
        if index["has_all"] and index["is_ordered"]:
            in_order.add(names)
        if index["has_all"] or index["has_all_but_null"]:
            found_by.add(names[0])
    return frozenset(in_order), frozenset(found_by)


def _column(row: Any, types: Mapping[int, PgType]) -> Column:
    is_generated = bool(row["generated"])
    return Column(
        name=row["name"],
        position=row["position"],
        type=types[row["type"]],
        is_nullable=row["is_nullable"],
        has_default=row["has_default"] and not is_generated,
        default=None if is_generated else row["default"],
        identity=Identity(row["identity"]),
        is_generated=is_generated,
        comment=row["comment"],
    )


def _function(row: Any, types: Mapping[int, PgType]) -> Function:
    return_type = types[row["return_type"]]
    return Function(
        oid=row["oid"],
        name=QualifiedName(row["schema"], row["name"]),
        arguments=_arguments(row, types),
        return_type=return_type,
        returns_set=row["returns_set"],
        returned_table=return_type.row_of,
        volatility=Volatility(row["volatility"]),
        is_variadic=row["is_variadic"],
        is_aggregate=row["kind"] != "f",
        comment=row["comment"],
    )


def _arguments(row: Any, types: Mapping[int, PgType]) -> tuple[FunctionArgument, ...]:
    oids = row["all_types"] or row["input_types"]
    modes = row["modes"] or ["i"] * len(oids)
    names = row["names"] or [""] * len(oids)
    inputs = [
        (name or None, types[oid])
        for oid, mode, name in zip(oids, modes, names, strict=False)
        if mode in ("i", "b", "v")
    ]
    first_default = len(inputs) - row["defaults"]
    return tuple(
        FunctionArgument(name, pg_type, has_default=position >= first_default)
        for position, (name, pg_type) in enumerate(inputs)
    )


async def _load_types(connection: Connection, oids: Collection[int]) -> dict[int, PgType]:
    types = {oid: _builtin_types[oid] for oid in oids if oid in _builtin_types}
    missing = [oid for oid in oids if oid not in types]
    if not missing:
        return types
    rows = {row["oid"]: row for row in await connection.fetch(queries.TYPES, missing)}

    def resolve(oid: int) -> PgType:
        known = types.get(oid) or _builtin_types.get(oid)
        if known is not None:
            return known
        row = rows[oid]
        element = resolve(row["element"]) if row["element"] else None
        pg_type = PgType(
            oid=oid,
            schema=row["schema"],
            name=row["name"],
            kind=TypeKind.ARRAY if element is not None else _KINDS[row["kind"]],
            element=element,
            base=resolve(row["base"]) if row["base"] else None,
            enum_labels=tuple(row["labels"] or ()),
            row_of=QualifiedName(row["row_schema"], row["row_name"]) if row["row_name"] is not None else None,
        )
        if oid < _FIRST_USER_OID:
            _builtin_types[oid] = pg_type
        types[oid] = pg_type
        return pg_type

    for oid in missing:
        if oid in rows:
            resolve(oid)
    return types
