"""Builds input types of `where`: boolean expressions, comparisons, aggregates in a filter."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from hasura.engine.catalog.types import PgType, TypeKind
from hasura.engine.metadata.types import RelationshipKind
from hasura.engine.schema.columns import (
    column_enum,
    column_type,
    enum_table_type,
    is_visible,
    select_column_enum,
    value_type,
    visible_columns,
)
from hasura.engine.schema.meanings import (
    AggregatePredicate,
    AggregatePredicateInput,
    CastOperator,
    CastTarget,
    ColumnInput,
    ComputedFieldInput,
    Connective,
    Operator,
    RelationshipAggregateInput,
    RelationshipInput,
)
from hasura.engine.schema.scalars import is_array, is_text, scalar_for
from hasura.engine.schema.types import (
    BOOLEAN,
    InputField,
    InputObjectType,
    ListOf,
    NonNull,
    TypeRef,
    fields_by_name,
)
from hasura.engine.schema_cache import ColumnInfo, TableInfo

if TYPE_CHECKING:
    from hasura.engine.schema.role import RoleSchema

# Types operands are cast to whatever the column's type; oids are PostgreSQL's own and fixed.
TEXT = PgType(25, "pg_catalog", "text")
TEXT_ARRAY = PgType(1009, "pg_catalog", "_text", kind=TypeKind.ARRAY, element=TEXT)
BOOL = PgType(16, "pg_catalog", "bool")
INT4 = PgType(23, "pg_catalog", "int4")
INT8 = PgType(20, "pg_catalog", "int8")
JSONB = PgType(3802, "pg_catalog", "jsonb")
FLOAT8 = PgType(701, "pg_catalog", "float8")

AGGREGATE_PREDICATES = (
    AggregatePredicate("avg", FLOAT8, FLOAT8),
    AggregatePredicate("bool_and", BOOL, BOOL),
    AggregatePredicate("bool_or", BOOL, BOOL),
    AggregatePredicate("corr", FLOAT8, FLOAT8, ("X", "Y")),
    AggregatePredicate("count", None, INT4),
    AggregatePredicate("covar_samp", FLOAT8, FLOAT8, ("X", "Y")),
    AggregatePredicate("max", FLOAT8, FLOAT8),
    AggregatePredicate("min", FLOAT8, FLOAT8),
    AggregatePredicate("stddev_samp", FLOAT8, FLOAT8),
    AggregatePredicate("sum", FLOAT8, FLOAT8),
    AggregatePredicate("var_samp", FLOAT8, FLOAT8),
)
"""As in Hasura, which offers what takes and gives `double precision` beside `count` and the boolean ones."""

_PLAIN_OPERATORS = ("_eq", "_gt", "_gte", "_lt", "_lte", "_neq")
_ENUM_OPERATORS = ("_eq", "_neq")
_TEXT_OPERATORS = {
    "_ilike": "does the column match the given case-insensitive pattern",
    "_iregex": "does the column match the given POSIX regular expression, case insensitive",
    "_like": "does the column match the given pattern",
    "_nilike": "does the column NOT match the given case-insensitive pattern",
    "_niregex": "does the column NOT match the given POSIX regular expression, case insensitive",
    "_nlike": "does the column NOT match the given pattern",
    "_nregex": "does the column NOT match the given POSIX regular expression, case sensitive",
    "_nsimilar": "does the column NOT match the given SQL regular expression",
    "_regex": "does the column match the given POSIX regular expression, case sensitive",
    "_similar": "does the column match the given SQL regular expression",
}


def bool_exp(schema: "RoleSchema", table: TableInfo) -> InputObjectType:
    """Returns `article_bool_exp`."""
    name = schema.naming.type(table.graphql_name, "bool_exp")
    return schema.type(
        name,
        lambda: InputObjectType(
            name,
            lambda: fields_by_name(_bool_exp_fields(schema, table)),
            f'Boolean expression to filter rows from the table "{table.name}". '
            "All fields are combined with a logical 'AND'.",
            meaning=table,
        ),
    )


def _bool_exp_fields(schema: "RoleSchema", table: TableInfo) -> Iterator[InputField]:
    this = bool_exp(schema, table)
    yield InputField("_and", ListOf(NonNull(this)), Connective.AND)
    yield InputField("_not", this, Connective.NOT)
    yield InputField("_or", ListOf(NonNull(this)), Connective.OR)
    access = schema.access(table).select
    if access is None:
        return
    for column in visible_columns(table, access):
        yield InputField(column.graphql_name, column_comparison(schema, column), ColumnInput(column))
    for relationship in table.relationships.values():
        if not schema.can_select(relationship.remote_table):
            continue
        remote = schema.table(relationship.remote_table)
        yield InputField(relationship.name, bool_exp(schema, remote), RelationshipInput(relationship))
        if relationship.kind is RelationshipKind.ARRAY and schema.can_aggregate(relationship.remote_table):
            yield InputField(
                schema.naming.suffixed(relationship.name, "aggregate"),
                _aggregate_bool_exp(schema, remote),
                RelationshipAggregateInput(relationship),
            )
    for computed in table.computed_fields.values():
        if computed.input_arguments or not is_visible(schema, access, computed):
            continue
        if computed.returned_table is None:
            comparison = comparison_exp(schema, computed.function.return_type)
            yield InputField(computed.name, comparison, ComputedFieldInput(computed))
        elif schema.can_select(computed.returned_table):
            returned = schema.table(computed.returned_table)
            yield InputField(computed.name, bool_exp(schema, returned), ComputedFieldInput(computed))


def column_comparison(schema: "RoleSchema", column: ColumnInfo) -> InputObjectType:
    """Returns the comparison of a column: of its enum, or of its type."""
    values = column_type(schema, column)
    if column.enum_table is None or enum_table_type(schema, column.enum_table) is None:
        return comparison_exp(schema, column.type)
    enum_name = schema.table(column.enum_table).graphql_name
    name = schema.naming.type(f"{enum_name}_enum", "comparison_exp")
    return schema.type(
        name,
        lambda: InputObjectType(
            name,
            lambda: _named(schema, _base_operators(values, _ENUM_OPERATORS)),
            f'Boolean expression to compare columns of type "{schema.naming.type(enum_name, "enum")}". '
            "All fields are combined with logical 'AND'.",
        ),
    )


def comparison_exp(schema: "RoleSchema", pg_type: PgType) -> InputObjectType:
    """Returns `Int_comparison_exp`, `String_array_comparison_exp`."""
    base = pg_type.underlying
    if is_array(base) and base.element is not None:
        title = scalar_for(base.element).name
        name = schema.naming.type(f"{title}_array", "comparison_exp")
    else:
        title = scalar_for(base).name
        name = schema.naming.type(title, "comparison_exp")
    return schema.type(
        name,
        lambda: InputObjectType(
            name,
            lambda: _named(schema, _operators(schema, base)),
            f"Boolean expression to compare columns of type \"{title}\". All fields are combined with logical 'AND'.",
        ),
    )


def _named(schema: "RoleSchema", operators: Iterator[InputField]) -> dict[str, InputField]:
    """Returns the operators under their names of the naming convention; what they mean keeps the plain one."""
    return fields_by_name(replace(item, name=schema.naming.field(item.name)) for item in operators)


def _operators(schema: "RoleSchema", pg_type: PgType) -> Iterator[InputField]:
    own = value_type(pg_type)
    if pg_type.name == "jsonb":
        yield InputField("_cast", _jsonb_cast(schema), CastOperator())
    if pg_type.name == "jsonb" or is_array(pg_type):
        array = is_array(pg_type)
        yield InputField(
            "_contained_in",
            own,
            Operator("_contained_in"),
            "is the array contained in the given array value"
            if array
            else "is the column contained in the given json value",
        )
        yield InputField(
            "_contains",
            own,
            Operator("_contains"),
            "does the array contain the given value"
            if array
            else "does the column contain the given json value at the top level",
        )
    yield from _base_operators(own, _PLAIN_OPERATORS)
    if pg_type.name == "jsonb":
        text = scalar_for(TEXT)
        yield InputField(
            "_has_key", text, Operator("_has_key", TEXT), "does the string exist as a top-level key in the column"
        )
        for name, words in (("_has_keys_all", "all"), ("_has_keys_any", "any")):
            yield InputField(
                name,
                ListOf(NonNull(text)),
                Operator(name, TEXT_ARRAY, takes_list=True),
                f"do {words} of these strings exist as top-level keys in the column",
            )
    if is_text(pg_type):
        for name, description in _TEXT_OPERATORS.items():
            yield InputField(name, own, Operator(name, TEXT), description)
    if pg_type.name == "ltree":
        yield from _ltree_operators(own, pg_type.schema)


def _ltree_operators(own: TypeRef, schema: str) -> Iterator[InputField]:
    """Yields the operators of ltree; `schema` holds the extension and with it the types of its queries."""
    queries = {name: PgType(0, schema, name) for name in ("lquery", "ltxtquery")}
    yield InputField("_ancestor", own, Operator("_ancestor"))
    yield InputField("_ancestor_any", ListOf(NonNull(own)), Operator("_ancestor_any", None, takes_list=True))
    yield InputField("_descendant", own, Operator("_descendant"))
    yield InputField("_descendant_any", ListOf(NonNull(own)), Operator("_descendant_any", None, takes_list=True))
    yield InputField("_matches", scalar_for(queries["lquery"]), Operator("_matches", queries["lquery"]))
    lqueries = PgType(0, schema, "_lquery", kind=TypeKind.ARRAY, element=queries["lquery"])
    yield InputField(
        "_matches_any",
        ListOf(NonNull(scalar_for(queries["lquery"]))),
        Operator("_matches_any", lqueries, takes_list=True),
    )
    yield InputField(
        "_matches_fulltext", scalar_for(queries["ltxtquery"]), Operator("_matches_fulltext", queries["ltxtquery"])
    )


def _base_operators(own: TypeRef, plain: tuple[str, ...]) -> Iterator[InputField]:
    for name in plain:
        yield InputField(name, own, Operator(name))
    yield InputField("_in", ListOf(NonNull(own)), Operator("_in", takes_list=True))
    yield InputField("_is_null", BOOLEAN, Operator("_is_null", BOOL), is_exact=True)
    yield InputField("_nin", ListOf(NonNull(own)), Operator("_nin", takes_list=True))


def _jsonb_cast(schema: "RoleSchema") -> InputObjectType:
    name = schema.naming.type("jsonb", "cast_exp")
    text = scalar_for(TEXT).name
    return schema.type(
        name,
        lambda: InputObjectType(
            name,
            lambda: {text: InputField(text, comparison_exp(schema, TEXT), CastTarget(TEXT))},
        ),
    )


def _aggregate_bool_exp(schema: "RoleSchema", table: TableInfo) -> InputObjectType:
    """Returns `article_aggregate_bool_exp`: aggregates of related rows, those that the role's columns allow."""
    name = schema.naming.plain_type(table.graphql_name, "aggregate_bool_exp")

    def fields() -> Iterator[InputField]:
        for aggregate in AGGREGATE_PREDICATES:
            if aggregate.operand is None or _operand_columns(schema, table, aggregate):
                predicate = _aggregate_predicate(schema, table, aggregate)
                yield InputField(aggregate.function, predicate, AggregatePredicateInput(aggregate))

    return schema.type(name, lambda: InputObjectType(name, lambda: fields_by_name(fields())))


def _operand_columns(schema: "RoleSchema", table: TableInfo, aggregate: AggregatePredicate) -> list[ColumnInfo]:
    access = schema.access(table).select
    return [
        column
        for column in (visible_columns(table, access) if access is not None else [])
        if aggregate.operand is not None and column.type.underlying.name == aggregate.operand.name
    ]


def _aggregate_predicate(schema: "RoleSchema", table: TableInfo, aggregate: AggregatePredicate) -> InputObjectType:
    base = schema.naming.aggregate_predicate(table.graphql_name, aggregate.function)

    def fields() -> Iterator[InputField]:
        arguments = _predicate_arguments(schema, table, aggregate, base)
        if arguments is not None:
            yield InputField("arguments", arguments, "arguments")
        yield InputField("distinct", BOOLEAN, "distinct", is_exact=True)
        yield InputField("filter", bool_exp(schema, table), "filter")
        yield InputField("predicate", NonNull(comparison_exp(schema, aggregate.result)), "predicate")

    return schema.type(base, lambda: InputObjectType(base, lambda: fields_by_name(fields())))


def _predicate_arguments(
    schema: "RoleSchema", table: TableInfo, aggregate: AggregatePredicate, base: str
) -> TypeRef | None:
    """Returns any columns for `count`, one fitting column, or an object with one for each named argument."""
    if aggregate.operand is None:
        columns = select_column_enum(schema, table)
        return ListOf(NonNull(columns)) if columns is not None else None
    naming = schema.naming
    listed = naming.extended(base, "arguments_columns")
    enum_name = naming.customized_type(naming.select_column_of(table.graphql_name, listed))
    description = f'select "{listed}" columns of table "{table.name}"'
    enum = schema.type(
        enum_name, lambda: column_enum(enum_name, _operand_columns(schema, table, aggregate), description)
    )
    if not aggregate.arguments:
        return NonNull(enum)
    name = naming.extended(base, "arguments")
    return NonNull(
        schema.type(
            name,
            lambda: InputObjectType(
                name, lambda: {item: InputField(item, NonNull(enum), item) for item in aggregate.arguments}
            ),
        )
    )
