"""Builds object types of tables and aggregates, and the root fields that read."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hasura.engine.metadata.types import RelationshipKind
from hasura.engine.schema.columns import column_type, is_visible, select_column_enum, value_type, visible_columns
from hasura.engine.schema.inputs.filters import bool_exp
from hasura.engine.schema.inputs.function_arguments import arguments_field
from hasura.engine.schema.inputs.orders import AGGREGATES, aggregate_columns, aggregate_computed_fields, order_by
from hasura.engine.schema.meanings import (
    AggregateField,
    AggregateFunctionField,
    ColumnField,
    ColumnInput,
    ComputedFieldField,
    CountField,
    NodesField,
    OrderDirection,
    RelationshipAggregateField,
    RelationshipField,
    TableRoot,
)
from hasura.engine.schema.permissions import SelectAccess
from hasura.engine.schema.scalars import is_json
from hasura.engine.schema.types import (
    BOOLEAN,
    FLOAT,
    INT,
    STRING,
    EnumMember,
    EnumType,
    Field,
    InputField,
    InputObjectType,
    ListOf,
    NonNull,
    ObjectType,
    TypeRef,
    fields_by_name,
)
from hasura.engine.schema_cache import ColumnInfo, ComputedFieldInfo, RelationshipInfo, TableInfo

if TYPE_CHECKING:
    from hasura.engine.schema.role import RoleSchema


def table_type(schema: "RoleSchema", table: TableInfo) -> ObjectType:
    """Returns `article`: columns, relationships and computed fields."""
    name = schema.naming.type(table.graphql_name)
    description = table.description
    if description is None:
        description = f'columns and relationships of "{table.name}"'
    return schema.type(
        name,
        lambda: ObjectType(
            name,
            lambda: {item.name: item for item in _table_fields(schema, table)},
            description or None,
        ),
    )


def _table_fields(schema: "RoleSchema", table: TableInfo) -> Iterator[Field]:
    access = schema.access(table).select
    if access is None:
        return
    for column in visible_columns(table, access):
        yield column_field(schema, column, is_conditional=bool(access.columns[column.name]))
    for relationship in table.relationships.values():
        if schema.can_select(relationship.remote_table):
            yield from _relationship_fields(schema, relationship)
    for computed in table.computed_fields.values():
        if is_visible(schema, access, computed):
            yield from _computed_fields(schema, table, computed)


def column_field(schema: "RoleSchema", column: ColumnInfo, *, is_conditional: bool) -> Field:
    """Returns the field of a column; json columns take a path."""
    arguments = {}
    if is_json(column.type):
        arguments["path"] = InputField("path", STRING, "path", "JSON select path")
    reference: TypeRef = column_type(schema, column)
    if not column.column.is_nullable and not is_conditional:
        reference = NonNull(reference)
    return Field(column.graphql_name, reference, ColumnField(column), arguments, column.description or None)


def _relationship_fields(schema: "RoleSchema", relationship: RelationshipInfo) -> Iterator[Field]:
    remote = schema.table(relationship.remote_table)
    if relationship.kind is RelationshipKind.OBJECT:
        reference: TypeRef = table_type(schema, remote)
        if not relationship.is_nullable and schema.sees_all_rows(remote.name):
            reference = NonNull(reference)
        comment = "An object relationship" if relationship.comment is None else relationship.comment
        yield Field(relationship.name, reference, RelationshipField(relationship), {}, comment or None)
        return
    arguments = select_arguments(schema, remote)
    comment = "An array relationship" if relationship.comment is None else relationship.comment
    yield Field(
        relationship.name,
        NonNull(ListOf(NonNull(table_type(schema, remote)))),
        RelationshipField(relationship),
        arguments,
        comment or None,
    )
    if schema.can_aggregate(remote.name):
        yield Field(
            schema.naming.suffixed(relationship.name, "aggregate"),
            NonNull(aggregate_type(schema, remote)),
            RelationshipAggregateField(relationship),
            arguments,
            "An aggregate relationship",
        )


def _computed_fields(schema: "RoleSchema", table: TableInfo, computed: ComputedFieldInfo) -> Iterator[Field]:
    arguments: dict[str, InputField] = {}
    if computed.input_arguments:
        arguments["args"] = arguments_field(
            schema,
            f"{computed.name}_{table.graphql_name}_args",
            computed.input_arguments,
            f'input parameters for computed field "{computed.name}" defined on table "{table.name}"',
        )
    description = computed.comment if computed.comment is not None else computed.function.comment
    if description is None:
        description = f'A computed field, executes function "{computed.function.name}"'
    if computed.returned_table is None:
        if is_json(computed.function.return_type):
            arguments["path"] = InputField("path", STRING, "path", "JSON select path")
        yield Field(
            computed.name,
            value_type(computed.function.return_type),
            ComputedFieldField(computed),
            arguments,
            description or None,
        )
        return
    returned = schema.table(computed.returned_table)
    # Also of a function that returns at most one row, as in Hasura.
    rows = ListOf(NonNull(table_type(schema, returned)))
    arguments = {**arguments, **select_arguments(schema, returned)}
    yield Field(computed.name, rows, ComputedFieldField(computed), arguments, description or None)


def select_arguments(schema: "RoleSchema", table: TableInfo) -> dict[str, InputField]:
    """Returns `distinct_on`, `limit`, `offset`, `order_by`, `where`."""
    name = schema.naming.field
    columns = select_column_enum(schema, table)
    arguments: list[InputField] = []
    if columns is not None:
        arguments.append(
            InputField(
                name("distinct_on"),
                ListOf(NonNull(columns)),
                "distinct_on",
                "distinct select on columns",
                is_exact=True,
            )
        )
    arguments.append(InputField("limit", INT, "limit", "limit the number of rows returned", is_exact=True))
    arguments.append(InputField("offset", INT, "offset", "skip the first n rows. Use only with order_by"))
    order = order_by(schema, table)
    if columns is not None or order.fields:
        arguments.append(
            InputField(
                name("order_by"),
                ListOf(NonNull(order)),
                "order_by",
                "sort the rows by one or more columns",
            )
        )
    arguments.append(InputField("where", bool_exp(schema, table), "where", "filter the rows returned"))
    return fields_by_name(iter(arguments))


# --- aggregates ------------------------------------------------------------------------------------------------


def aggregate_type(schema: "RoleSchema", table: TableInfo) -> ObjectType:
    """Returns `article_aggregate`."""
    name = schema.naming.type(table.graphql_name, "aggregate")

    def fields() -> dict[str, Field]:
        nodes = NonNull(ListOf(NonNull(table_type(schema, table))))
        by_name = {"aggregate": Field("aggregate", _aggregate_fields_type(schema, table), AggregateField())}
        if table_type(schema, table).fields:
            by_name["nodes"] = Field("nodes", nodes, NodesField())
        return by_name

    return schema.type(name, lambda: ObjectType(name, fields, f'aggregated selection of "{table.name}"'))


def _aggregate_fields_type(schema: "RoleSchema", table: TableInfo) -> ObjectType:
    name = schema.naming.type(table.graphql_name, "aggregate_fields")

    def fields() -> dict[str, Field]:
        by_name = {"count": Field("count", NonNull(INT), CountField(), _count_arguments(schema, table))}
        for function in AGGREGATES:
            columns = aggregate_columns(schema, table, function)
            computed = aggregate_computed_fields(schema, table, function)
            if columns or computed:
                graphql_name = schema.naming.field(function)
                by_name[graphql_name] = Field(
                    graphql_name,
                    _function_fields_type(schema, table, function, columns, computed),
                    AggregateFunctionField(function),
                )
        return dict(sorted(by_name.items()))

    return schema.type(name, lambda: ObjectType(name, fields, f'aggregate fields of "{table.name}"'))


def _count_arguments(schema: "RoleSchema", table: TableInfo) -> dict[str, InputField]:
    columns = select_column_enum(schema, table)
    if columns is None:
        return {"distinct": InputField("distinct", BOOLEAN, "distinct", is_exact=True)}
    return {
        "columns": InputField("columns", ListOf(NonNull(columns)), "columns", is_exact=True),
        "distinct": InputField("distinct", BOOLEAN, "distinct", is_exact=True),
    }


def _function_fields_type(
    schema: "RoleSchema",
    table: TableInfo,
    function: str,
    columns: list[ColumnInfo],
    computed_fields: list[ComputedFieldInfo],
) -> ObjectType:
    name = schema.naming.type(table.graphql_name, f"{function}_fields")

    def result(column: ColumnInfo) -> TypeRef:
        if function in ("max", "min", "sum"):
            return column_type(schema, column)
        return FLOAT

    def fields() -> Iterator[Field]:
        for column in columns:
            yield Field(column.graphql_name, result(column), ColumnField(column), {}, column.description or None)
        for computed in computed_fields:
            # As they are among the table's own fields, whatever the function gives.
            yield from _computed_fields(schema, table, computed)

    description = f"aggregate {schema.naming.field(function)} on columns"
    return schema.type(name, lambda: ObjectType(name, lambda: {item.name: item for item in fields()}, description))


# --- root fields -----------------------------------------------------------------------------------------------


def root_field(schema: "RoleSchema", root: TableRoot, name: str, operation: str) -> Field | None:
    """Returns the root field of a table in queries or subscriptions, if the role has it."""
    table = root.table
    access = schema.access(table).select
    if access is None or not _is_exposed(access, root.kind, operation):
        return None
    title = table.name
    if root.kind == "select":
        return Field(
            name,
            NonNull(ListOf(NonNull(table_type(schema, table)))),
            root,
            select_arguments(schema, table),
            _comment(table, root.kind, f'fetch data from the table: "{title}"'),
        )
    if root.kind == "select_aggregate":
        if not access.allow_aggregations:
            return None
        return Field(
            name,
            NonNull(aggregate_type(schema, table)),
            root,
            select_arguments(schema, table),
            _comment(table, root.kind, f'fetch aggregated fields from the table: "{title}"'),
        )
    if root.kind == "select_by_pk":
        keys = primary_key_arguments(schema, table, access)
        if keys is None:
            return None
        return Field(
            name,
            table_type(schema, table),
            root,
            keys,
            _comment(table, root.kind, f'fetch data from the table: "{title}" using primary key columns'),
        )
    return _stream_field(schema, root, name)


def _comment(table: TableInfo, kind: str, default: str) -> str | None:
    return table.root_field_comments.get(kind, default) or None


def _is_exposed(access: SelectAccess, kind: str, operation: str) -> bool:
    listed = access.query_root_fields if operation == "query" else access.subscription_root_fields
    return listed is None or kind in listed


def primary_key_arguments(
    schema: "RoleSchema", table: TableInfo, access: SelectAccess
) -> dict[str, InputField] | None:
    """Returns the key columns as arguments; None when there is no key, or the role cannot give all of it."""
    key = table.table.primary_key
    if key is None or any(column not in access.columns for column in key.columns):
        return None
    columns = [table.columns_by_name[column] for column in key.columns]
    if not all(column.is_exposed for column in columns):
        return None
    return {
        column.graphql_name: InputField(
            column.graphql_name,
            NonNull(column_type(schema, column)),
            ColumnInput(column),
            column.description or None,
        )
        for column in columns
    }


def _stream_field(schema: "RoleSchema", root: TableRoot, name: str) -> Field | None:
    table = root.table
    access = schema.access(table).select
    if access is None or not visible_columns(table, access):
        return None
    title = table.name
    cursor = _stream_cursor(schema, table, access)
    field = schema.naming.field
    return Field(
        name,
        NonNull(ListOf(NonNull(table_type(schema, table)))),
        root,
        {
            field("batch_size"): InputField(
                field("batch_size"),
                NonNull(INT),
                "batch_size",
                "maximum number of rows returned in a single batch",
                is_exact=True,
            ),
            "cursor": InputField(
                "cursor",
                NonNull(ListOf(cursor)),
                "cursor",
                "cursor to stream the results returned by the query",
            ),
            "where": InputField("where", bool_exp(schema, table), "where", "filter the rows returned"),
        },
        _comment(table, root.kind, f'fetch data from the table in a streaming manner: "{title}"'),
    )


def _stream_cursor(schema: "RoleSchema", table: TableInfo, access: SelectAccess) -> InputObjectType:
    name = schema.naming.type(table.graphql_name, "stream_cursor_input")
    value_name = schema.naming.type(table.graphql_name, "stream_cursor_value_input")
    ordering_name = schema.naming.type("cursor_ordering")
    enum_value = schema.naming.enum_value
    field = schema.naming.field

    def ordering() -> EnumType:
        return EnumType(
            ordering_name,
            {
                enum_value("ASC"): EnumMember(
                    "ASC", "ascending ordering of the cursor", OrderDirection(False, False)
                ),
                enum_value("DESC"): EnumMember(
                    "DESC", "descending ordering of the cursor", OrderDirection(True, True)
                ),
            },
            "ordering argument of a cursor",
        )

    def values() -> InputObjectType:
        return InputObjectType(
            value_name,
            lambda: {
                column.graphql_name: InputField(
                    column.graphql_name, column_type(schema, column), ColumnInput(column), column.description or None
                )
                for column in visible_columns(table, access)
            },
            "Initial value of the column from where the streaming should start",
        )

    def fields() -> dict[str, InputField]:
        return fields_by_name(
            iter(
                (
                    InputField(
                        field("initial_value"),
                        NonNull(schema.type(value_name, values)),
                        "initial_value",
                        "Stream column input with initial value",
                    ),
                    InputField(
                        "ordering",
                        schema.type(ordering_name, ordering),
                        "ordering",
                        "cursor ordering",
                        is_exact=True,
                    ),
                )
            )
        )

    return schema.type(
        name, lambda: InputObjectType(name, fields, f'Streaming cursor of the table "{table.graphql_name}"')
    )
