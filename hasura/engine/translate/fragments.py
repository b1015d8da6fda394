"""Builds pieces every translation needs: aliases, casts, operands, calls, table references."""

from dataclasses import dataclass, field
from itertools import count
from typing import LiteralString

from hasura.engine.catalog.types import PgType, QualifiedName, TypeKind
from hasura.engine.ir.nodes import FunctionCall, Operand
from hasura.engine.ir.parameters import native, native_list
from hasura.engine.schema_cache import ColumnInfo, TableInfo
from hasura.engine.sql.composition import Sql, concat, ident, join, param, sql

ROW_NUMBER = "automio row number"
EMPTY_ARRAY = sql("'[]'::json")
# Schemas whose operators PostgreSQL finds by their bare names.
_SEARCHED = frozenset({"", "pg_catalog", "public"})


@dataclass(frozen=True, slots=True)
class RowReference:
    """Refers to a row in scope under an alias. `is_typed`: its whole-row value has the table's row type.

    `used` gathers the names of the columns that are read of it. With a `prefix`, the select under the alias gives
    its columns under other names, beside the columns of another row.
    """

    alias: str
    table: TableInfo
    is_typed: bool = True
    used: set[str] = field(default_factory=set, compare=False)
    prefix: str | None = None

    def column(self, name: str) -> Sql:
        """Returns `"t0"."name"`."""
        self.used.add(name)
        return ident(self.alias, self.name_of(name))

    def name_of(self, column: str) -> str:
        """Returns the name that a column of the row has under the alias."""
        # Not its own name behind the prefix, which may be too long together.
        return column if self.prefix is None else f"{self.prefix} {self.table.table.columns_by_name[column].position}"

    def under(self, alias: str) -> "RowReference":
        """Returns the same row, read of a select around its own."""
        return RowReference(alias, self.table, is_typed=False, prefix=f"automio {self.alias}")

    def whole(self) -> Sql:
        """Returns the row as a value of the table's row type."""
        if self.is_typed:
            return whole_row(self.alias)
        # Column by column: there may be more under the alias, such as the number of the row.
        columns = join(", ", [self.column(column.name) for column in self.table.table.columns])
        return concat(sql("row("), columns, sql(")::"), table_name(self.table.name))


def whole_row(alias: str) -> Sql:
    """Returns the row under an alias as one value. Without the star a column of the same name would be meant."""
    return concat(ident(alias), sql(".*"))


class Aliases:
    """Makes names that are unique within one statement."""

    def __init__(self) -> None:
        self._numbers = count()

    def row(self, table: TableInfo, *, is_typed: bool = True) -> RowReference:
        """Returns a new alias for a row of the table."""
        return RowReference(f"t{next(self._numbers)}", table, is_typed)

    def name(self) -> str:
        """Returns a new alias for anything else."""
        return f"r{next(self._numbers)}"


def table_name(name: QualifiedName) -> Sql:
    """Returns `"public"."article"`."""
    return ident(name.schema, name.name)


def type_name(pg_type: PgType) -> Sql:
    """Returns a type as a cast names it."""
    return ident(pg_type.schema, pg_type.name) if pg_type.schema else ident(pg_type.name)


def cast(value: Sql, pg_type: PgType, *, is_list: bool = False) -> Sql:
    """Returns `(value)::type`, or an array of the type."""
    return concat(sql("("), value, sql(")::"), type_name(pg_type), sql("[]") if is_list else sql(""))


def operator(symbol: LiteralString, pg_type: PgType) -> Sql:
    """Returns `symbol` as an infix operator of the type's own.

    Types of extensions bring operators along, which PostgreSQL finds by the search path only: where the extension is
    in a schema of its own, citext would else be compared as text, and most others not at all.
    """
    if not has_own_operators(pg_type):
        return concat(sql(" "), sql(symbol), sql(" "))
    return concat(sql(" operator("), ident(pg_type.underlying.schema), sql("."), sql(symbol), sql(") "))


def has_own_operators(pg_type: PgType) -> bool:
    """Returns whether the type's operators are in a schema where PostgreSQL does not look for them."""
    own = pg_type.underlying
    return own.kind is TypeKind.BASE and own.schema not in _SEARCHED


def equals(left: PgType, right: PgType) -> Sql:
    """Returns `=` between columns, as an infix operator: that of their type's own where both have it."""
    own, other = left.underlying, right.underlying
    return operator("=", left) if (own.schema, own.name) == (other.schema, other.name) else sql(" = ")


def operand(value: Operand) -> Sql:
    """Returns a parameter: of the type itself where the driver takes it, else declared as text and cast."""
    pg_type = value.type.underlying
    if value.is_list and (members := native_list(value.source, pg_type)) is not None:
        return concat(param(members), sql("::"), type_name(pg_type), sql("[]"))
    if not value.is_list and (parameter := native(value.source, pg_type)) is not None:
        return concat(param(parameter), sql("::"), type_name(pg_type))
    text = param(value.source) + sql("::text")
    if pg_type.name == "text" and not value.is_list:
        return text
    return cast(text, pg_type, is_list=value.is_list)


def listed(value: Operand) -> Sql:
    """Returns an array that a column is compared with: a parameter of the type, or a cast evaluated only once."""
    array = operand(value)
    if native_list(value.source, value.type.underlying) is not None:
        return array
    return cast(concat(sql("(select "), array, sql(")")), value.type.underlying, is_list=True)


def array_members(value: Operand) -> Sql:
    """Returns a subquery of the arrays in a list of arrays."""
    return concat(
        sql("(select value from json_to_recordset(("),
        param(value.source),
        sql("::text)::json) as members(value "),
        type_name(value.type.underlying),
        sql("))"),
    )


def call(function_call: FunctionCall, row: RowReference | None) -> Sql:
    """Returns `"schema"."function"(arguments)`."""
    function = function_call.function
    arguments: list[Sql] = []
    for index, value in enumerate(function_call.positional):
        if value is None:
            assert row is not None and index == function_call.row_position
            arguments.append(row.whole())
        else:
            arguments.append(_argument(value))
    for name, value in function_call.named:
        arguments.append(concat(ident(name), sql(" => "), _argument(value)))
    return concat(table_name(function.name), sql("("), join(", ", arguments), sql(")"))


def _argument(value: Operand) -> Sql:
    return cast(param(value.source) + sql("::text"), value.type)


def columns_list(columns: tuple[ColumnInfo, ...]) -> Sql:
    """Returns quoted names with commas."""
    return join(", ", [ident(column.name) for column in columns])


def used_columns(row: RowReference) -> list[str]:
    """Returns the columns that are read of a row, in the table's order."""
    return [column.name for column in row.table.table.columns if column.name in row.used]


def materialized(name: str, query: Sql) -> Sql:
    """Returns `name as materialized (query)`: one of a statement's common table expressions."""
    return concat(ident(name), sql(" as materialized ("), query, sql(")"))


def row_count(name: str) -> Sql:
    """Returns `(select count(*) from name)`: how many rows a common table expression has."""
    return concat(sql("(select count(*) from "), ident(name), sql(")"))
