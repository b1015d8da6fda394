"""Maps PostgreSQL types to GraphQL: scalar names, families of operators, which numbers are wide."""

from hasura.engine.catalog.types import PgType, TypeKind
from hasura.engine.schema.types import BOOLEAN, FLOAT, INT, STRING, ScalarType

_BUILT_IN = {
    "int4": INT,
    "serial": INT,
    "float8": ScalarType("float8"),
    "float4": FLOAT,
    "bool": BOOLEAN,
    "text": STRING,
    "varchar": STRING,
}
# Types whose GraphQL scalar is not called as `pg_type.typname` says.
_RENAMED = {"int8": "bigint", "int2": "smallint", "char": "char"}

_WIDE_NUMBERS = frozenset({"int8", "numeric", "float8"})
_NUMERIC = frozenset({"int2", "int4", "int8", "float4", "float8", "numeric", "money"})
_STRING = frozenset({"text", "varchar", "bpchar", "char", "citext"})
# The base types for which Hasura offers min and max; it does so for all enums, arrays and composite types too, and
# for nothing it does not know (inet, interval, time ...).
_COMPARABLE = (
    _NUMERIC | _STRING | {"date", "timestamp", "timestamptz", "timetz", "uuid", "ltree", "lquery", "ltxtquery"}
)


def scalar_for(pg_type: PgType) -> ScalarType:
    """Returns the GraphQL scalar of a type; a domain is its base type's."""
    pg_type = pg_type.underlying
    built_in = _BUILT_IN.get(pg_type.name)
    if built_in is not None:
        return built_in
    if pg_type.kind is TypeKind.COMPOSITE:
        # A tracked table of this row type is an object of the bare name.
        return ScalarType(f"{pg_type.name}_scalar")
    return ScalarType(_RENAMED.get(pg_type.name, pg_type.name))


def is_wide_number(pg_type: PgType) -> bool:
    """Returns whether numbers may exceed what every JSON reader keeps exact; strings when the server is set so."""
    return pg_type.underlying.name in _WIDE_NUMBERS


def is_numeric(pg_type: PgType) -> bool:
    """Returns whether sum, avg, stddev ... and `_inc` exist for it."""
    return pg_type.underlying.name in _NUMERIC


def is_text(pg_type: PgType) -> bool:
    """Returns whether like, regex ... exist for it."""
    return pg_type.underlying.name in _STRING


def is_comparable(pg_type: PgType) -> bool:
    """Returns whether min and max exist for it."""
    base = pg_type.underlying
    if base.kind is TypeKind.BASE:
        return base.name in _COMPARABLE
    return base.kind in (TypeKind.ARRAY, TypeKind.ENUM, TypeKind.COMPOSITE)


def is_json(pg_type: PgType) -> bool:
    """Returns whether it is json or jsonb."""
    return pg_type.underlying.name in ("json", "jsonb")


def is_array(pg_type: PgType) -> bool:
    """Returns whether it is an array type."""
    return pg_type.underlying.kind is TypeKind.ARRAY
