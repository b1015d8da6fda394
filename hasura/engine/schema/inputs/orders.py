"""Builds input types of `order_by`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hasura.engine.metadata.types import RelationshipKind
from hasura.engine.schema.columns import is_visible, visible_columns
from hasura.engine.schema.meanings import (
    AggregateOrder,
    ColumnInput,
    ComputedFieldInput,
    OrderDirection,
    RelationshipAggregateInput,
    RelationshipInput,
)
from hasura.engine.schema.scalars import is_comparable, is_numeric
from hasura.engine.schema.types import EnumMember, EnumType, InputField, InputObjectType, fields_by_name
from hasura.engine.schema_cache import ColumnInfo, ComputedFieldInfo, TableInfo

if TYPE_CHECKING:
    from hasura.engine.schema.role import RoleSchema

NUMERIC_AGGREGATES = ("avg", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance")
COMPARABLE_AGGREGATES = ("max", "min")
AGGREGATES = tuple(sorted(NUMERIC_AGGREGATES + COMPARABLE_AGGREGATES))

_DIRECTIONS = (
    ("asc", "in ascending order, nulls last", OrderDirection(False, False)),
    ("asc_nulls_first", "in ascending order, nulls first", OrderDirection(False, True)),
    ("asc_nulls_last", "in ascending order, nulls last", OrderDirection(False, False)),
    ("desc", "in descending order, nulls first", OrderDirection(True, True)),
    ("desc_nulls_first", "in descending order, nulls first", OrderDirection(True, True)),
    ("desc_nulls_last", "in descending order, nulls last", OrderDirection(True, False)),
)


def direction(schema: "RoleSchema") -> EnumType:
    """Returns `order_by`: the six directions."""
    name = schema.naming.type("order_by")
    value = schema.naming.enum_value
    return schema.type(
        name,
        lambda: EnumType(
            name,
            {value(word): EnumMember(value(word), text, meaning) for word, text, meaning in _DIRECTIONS},
            "column ordering options",
        ),
    )


def order_by(schema: "RoleSchema", table: TableInfo) -> InputObjectType:
    """Returns `article_order_by`."""
    name = schema.naming.type(table.graphql_name, "order_by")
    return schema.type(
        name,
        lambda: InputObjectType(
            name,
            lambda: fields_by_name(_order_fields(schema, table)),
            f'Ordering options when selecting data from "{table.name}".',
            meaning=table,
        ),
    )


def _order_fields(schema: "RoleSchema", table: TableInfo) -> Iterator[InputField]:
    access = schema.access(table).select
    if access is None:
        return
    for column in visible_columns(table, access):
        yield InputField(column.graphql_name, direction(schema), ColumnInput(column), is_exact=True)
    for relationship in table.relationships.values():
        if not schema.can_select(relationship.remote_table):
            continue
        remote = schema.table(relationship.remote_table)
        if relationship.kind is RelationshipKind.OBJECT:
            yield InputField(relationship.name, order_by(schema, remote), RelationshipInput(relationship))
        elif schema.can_aggregate(relationship.remote_table):
            yield InputField(
                schema.naming.suffixed(relationship.name, "aggregate"),
                aggregate_order_by(schema, remote),
                RelationshipAggregateInput(relationship),
            )
    for computed in table.computed_fields.values():
        if computed.input_arguments or not is_visible(schema, access, computed):
            continue
        if computed.returned_table is None:
            yield InputField(computed.name, direction(schema), ComputedFieldInput(computed), is_exact=True)
        elif schema.can_aggregate(computed.returned_table):
            yield InputField(
                schema.naming.suffixed(computed.name, "aggregate"),
                aggregate_order_by(schema, schema.table(computed.returned_table)),
                ComputedFieldInput(computed),
            )


def aggregate_columns(schema: "RoleSchema", table: TableInfo, function: str) -> list[ColumnInfo]:
    """Returns the readable columns that an aggregate function exists for; none that refers to an enum."""
    access = schema.access(table).select
    fits = is_numeric if function in NUMERIC_AGGREGATES else is_comparable
    return [
        column
        for column in (visible_columns(table, access) if access else [])
        if fits(column.type) and column.enum_table is None
    ]


def aggregate_computed_fields(schema: "RoleSchema", table: TableInfo, function: str) -> list[ComputedFieldInfo]:
    """Returns the readable scalar computed fields that an aggregate function exists for."""
    access = schema.access(table).select
    fits = is_numeric if function in NUMERIC_AGGREGATES else is_comparable
    return [
        computed
        for computed in (table.computed_fields.values() if access is not None else ())
        if computed.returned_table is None
        and fits(computed.function.return_type)
        and access is not None
        and is_visible(schema, access, computed)
    ]


def aggregate_order_by(schema: "RoleSchema", table: TableInfo) -> InputObjectType:
    """Returns `article_aggregate_order_by`."""
    name = schema.naming.type(table.graphql_name, "aggregate_order_by")

    def fields() -> Iterator[InputField]:
        yield InputField("count", direction(schema), AggregateOrder("count"), is_exact=True)
        for function in AGGREGATES:
            columns = aggregate_columns(schema, table, function)
            if columns:
                yield InputField(
                    schema.naming.field(function),
                    _function_order_by(schema, table, function, columns),
                    AggregateOrder(function),
                )

    return schema.type(
        name,
        lambda: InputObjectType(
            name, lambda: fields_by_name(fields()), f'order by aggregate values of table "{table.name}"'
        ),
    )


def _function_order_by(
    schema: "RoleSchema", table: TableInfo, function: str, columns: list[ColumnInfo]
) -> InputObjectType:
    name = schema.naming.type(table.graphql_name, f"{function}_order_by")
    return schema.type(
        name,
        lambda: InputObjectType(
            name,
            lambda: fields_by_name(
                InputField(
                    column.graphql_name,
                    direction(schema),
                    ColumnInput(column),
                    column.description or None,
                    is_exact=True,
                )
                for column in columns
            ),
            f'order by {function}() on columns of table "{table.name}"',
        ),
    )
