"""Builds input types and root fields that write."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hasura.engine.catalog.types import UniqueConstraint
from hasura.engine.metadata.types import RelationshipKind
from hasura.engine.names import is_enum_value_name
from hasura.engine.schema.columns import column_enum, column_type
from hasura.engine.schema.inputs.filters import TEXT, TEXT_ARRAY, bool_exp
from hasura.engine.schema.meanings import (
    AffectedRowsField,
    ColumnInput,
    InsertTarget,
    RelationshipInput,
    ReturningField,
    TableRoot,
    UpdateOperator,
)
from hasura.engine.schema.permissions import WriteAccess
from hasura.engine.schema.scalars import is_numeric
from hasura.engine.schema.selects import primary_key_arguments, table_type
from hasura.engine.schema.types import (
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
    fields_by_name,
)
from hasura.engine.schema_cache import ColumnInfo, TableInfo

if TYPE_CHECKING:
    from hasura.engine.schema.role import RoleSchema

# Stands in an enum of columns that would otherwise be empty.
PLACEHOLDER = "_PLACEHOLDER"


def root_field(schema: "RoleSchema", root: TableRoot, name: str) -> Field | None:
    """Returns a table's mutation, if the role has it."""
    if root.kind.startswith("insert"):
        return _insert_field(schema, root, name)
    if root.kind.startswith("update"):
        return _update_field(schema, root, name)
    return _delete_field(schema, root, name)


def _is_usable(schema: "RoleSchema", access: WriteAccess | None) -> bool:
    return access is not None and (schema.use_backend_only or not access.backend_only)


def _comment(table: TableInfo, kind: str, default: str) -> str | None:
    return table.root_field_comments.get(kind, default) or None


# --- insert ----------------------------------------------------------------------------------------------------


def _insert_field(schema: "RoleSchema", root: TableRoot, name: str) -> Field | None:
    table = root.table
    if not _is_usable(schema, schema.access(table).insert):
        return None
    title = table.name
    rows = insert_input(schema, table)
    conflict = _on_conflict_field(schema, table)
    if root.kind == "insert":
        arguments = {
            "objects": InputField("objects", NonNull(ListOf(NonNull(rows))), "objects", "the rows to be inserted"),
            **conflict,
        }
        description = _comment(table, root.kind, f'insert data into the table: "{title}"')
        return Field(name, mutation_response(schema, table), root, arguments, description)
    if not schema.can_select(table.name):
        return None
    arguments = {"object": InputField("object", NonNull(rows), "object", "the row to be inserted"), **conflict}
    description = _comment(table, root.kind, f'insert a single row into the table: "{title}"')
    return Field(name, table_type(schema, table), root, arguments, description)


def insert_input(schema: "RoleSchema", table: TableInfo) -> InputObjectType:
    """Returns `article_insert_input`: columns and nested inserts."""
    name = schema.naming.type(table.graphql_name, "insert_input")
    return schema.type(
        name,
        lambda: InputObjectType(
            name,
            lambda: fields_by_name(_insert_fields(schema, table)),
            f'input type for inserting data into table "{table.name}"',
            meaning=InsertTarget(table.name),
        ),
    )


def insertable_columns(schema: "RoleSchema", table: TableInfo) -> list[ColumnInfo]:
    """Returns the columns a role may give a value to in an insert."""
    access = schema.access(table).insert
    if access is None or not _is_usable(schema, access):
        return []
    return [
        column for column in table.exposed_columns if column.name in access.columns and column.column.is_insertable
    ]


def _insert_fields(schema: "RoleSchema", table: TableInfo) -> Iterator[InputField]:
    for column in insertable_columns(schema, table):
        yield InputField(
            column.graphql_name, column_type(schema, column), ColumnInput(column), column.description or None
        )
    for relationship in table.relationships.values():
        remote = schema.cache.tables.get(relationship.remote_table)
        if remote is None or not _is_usable(schema, schema.access(remote).insert):
            continue
        nested = _nested_insert(schema, remote, relationship.kind)
        yield InputField(relationship.name, nested, RelationshipInput(relationship))


def _nested_insert(schema: "RoleSchema", table: TableInfo, kind: RelationshipKind) -> InputObjectType:
    is_array = kind is RelationshipKind.ARRAY
    name = schema.naming.type(table.graphql_name, "arr_rel_insert_input" if is_array else "obj_rel_insert_input")

    def fields() -> dict[str, InputField]:
        rows = insert_input(schema, table)
        data = NonNull(ListOf(NonNull(rows))) if is_array else NonNull(rows)
        return {"data": InputField("data", data, "data"), **_on_conflict_field(schema, table)}

    words = "array" if is_array else "object"
    description = f'input type for inserting {words} relation for remote table "{table.name}"'
    return schema.type(name, lambda: InputObjectType(name, fields, description))


def _on_conflict_field(schema: "RoleSchema", table: TableInfo) -> dict[str, InputField]:
    if not _conflict_targets(table):
        return {}
    argument = schema.naming.field("on_conflict")
    return {argument: InputField(argument, _on_conflict(schema, table), "on_conflict", "upsert condition")}


def _conflict_targets(table: TableInfo) -> list[UniqueConstraint]:
    """Returns the constraints and unique indexes of a table that have a name GraphQL can write."""
    return [item for item in table.table.all_unique_constraints if is_enum_value_name(item.name)]


def _on_conflict(schema: "RoleSchema", table: TableInfo) -> InputObjectType:
    name = schema.naming.type(table.graphql_name, "on_conflict")
    field = schema.naming.field

    def fields() -> Iterator[InputField]:
        yield InputField("constraint", NonNull(_constraint_enum(schema, table)), "constraint", is_exact=True)
        yield InputField(
            field("update_columns"),
            NonNull(ListOf(NonNull(_update_column_enum(schema, table)))),
            "update_columns",
            default_text="[]",
            is_exact=True,
        )
        yield InputField("where", bool_exp(schema, table), "where")

    return schema.type(
        name,
        lambda: InputObjectType(
            name,
            lambda: fields_by_name(fields()),
            f'on_conflict condition type for table "{table.name}"',
        ),
    )


def _constraint_enum(schema: "RoleSchema", table: TableInfo) -> EnumType:
    name = schema.naming.type(table.graphql_name, "constraint")

    def member(constraint_name: str, columns: tuple[str, ...]) -> EnumMember:
        listed = ", ".join(f'"{column}"' for column in columns)
        return EnumMember(constraint_name, f"unique or primary key constraint on columns {listed}", constraint_name)

    return schema.type(
        name,
        lambda: EnumType(
            name,
            {item.name: member(item.name, item.columns) for item in _conflict_targets(table)},
            f'unique or primary key constraints on table "{table.name}"',
        ),
    )


def updatable_columns(schema: "RoleSchema", table: TableInfo) -> list[ColumnInfo]:
    """Returns the columns a role may give a value to in an update."""
    access = schema.access(table).update
    if access is None or not _is_usable(schema, access):
        return []
    return [
        column for column in table.exposed_columns if column.name in access.columns and column.column.is_updatable
    ]


def _update_column_enum(schema: "RoleSchema", table: TableInfo) -> EnumType:
    name = schema.naming.type(table.graphql_name, "update_column")
    description = f'update columns of table "{table.name}"'

    def build() -> EnumType:
        columns = updatable_columns(schema, table)
        if columns:
            return column_enum(name, columns, description)
        placeholder = "placeholder (do not use)"
        member = EnumMember(PLACEHOLDER, placeholder)
        return EnumType(
            name,
            {PLACEHOLDER: member},
            f'placeholder for update columns of table "{table.name}" (current role has no relevant permissions)',
        )

    return schema.type(name, build)


# --- update ----------------------------------------------------------------------------------------------------


def _update_field(schema: "RoleSchema", root: TableRoot, name: str) -> Field | None:
    table = root.table
    if not _is_usable(schema, schema.access(table).update):
        return None
    operators = dict(_update_operators(schema, table))
    if not operators:
        return None
    title = table.name
    if root.kind == "update_many":
        updates = schema.naming.type(table.graphql_name, "updates")
        where = InputField(
            "where", NonNull(bool_exp(schema, table)), "where", "filter the rows which have to be updated"
        )
        kind = schema.type(
            updates,
            lambda: InputObjectType(updates, lambda: {**operators, "where": where}),
        )
        argument = InputField("updates", NonNull(ListOf(NonNull(kind))), "updates", "updates to execute, in order")
        return Field(
            name,
            ListOf(mutation_response(schema, table)),
            root,
            {"updates": argument},
            _comment(table, root.kind, f'update multiples rows of table: "{title}"'),
        )
    if root.kind == "update":
        where = InputField(
            "where", NonNull(bool_exp(schema, table)), "where", "filter the rows which have to be updated"
        )
        return Field(
            name,
            mutation_response(schema, table),
            root,
            {**operators, "where": where},
            _comment(table, root.kind, f'update data of the table: "{title}"'),
        )
    select = schema.access(table).select
    keys = primary_key_arguments(schema, table, select) if select is not None else None
    if keys is None:
        return None
    argument_name = schema.naming.field("pk_columns")
    key_type_name = schema.naming.type(table.graphql_name, "pk_columns_input")
    key_type = schema.type(
        key_type_name,
        lambda: InputObjectType(key_type_name, lambda: keys, f"primary key columns input for table: {title}"),
    )
    arguments = {**operators, argument_name: InputField(argument_name, NonNull(key_type), "pk_columns")}
    description = _comment(table, root.kind, f'update single row of the table: "{title}"')
    return Field(name, table_type(schema, table), root, arguments, description)


def _update_operators(schema: "RoleSchema", table: TableInfo) -> Iterator[tuple[str, InputField]]:
    title = table.name
    columns = updatable_columns(schema, table)
    access = schema.access(table).update
    documents = [column for column in columns if column.type.underlying.name == "jsonb"]
    numbers = [column for column in columns if is_numeric(column.type)]

    def own(column: ColumnInfo) -> InputField:
        return InputField(
            column.graphql_name, column_type(schema, column), ColumnInput(column), column.description or None
        )

    def operator(
        name: str, suffix: str, fields: list[InputField], type_text: str, text: str
    ) -> tuple[str, InputField]:
        type_name = schema.naming.type(table.graphql_name, suffix)
        kind = schema.type(
            type_name, lambda: InputObjectType(type_name, lambda: fields_by_name(iter(fields)), type_text)
        )
        argument = schema.naming.field(name)
        return argument, InputField(argument, kind, UpdateOperator(name), text)

    if documents:
        rows = [own(column) for column in documents]
        yield operator(
            "_append",
            "append_input",
            rows,
            "append existing jsonb value of filtered columns with new jsonb value",
            "append existing jsonb value of filtered columns with new jsonb value",
        )
        paths = [InputField(c.graphql_name, ListOf(NonNull(STRING)), ColumnInput(c)) for c in documents]
        text = (
            "delete the field or element with specified path (for JSON arrays, negative integers count from the end)"
        )
        yield operator("_delete_at_path", "delete_at_path_input", paths, text, text)
        indexes = [InputField(c.graphql_name, INT, ColumnInput(c)) for c in documents]
        text = (
            "delete the array element with specified index (negative integers count from the end). "
            "throws an error if top level container is not an array"
        )
        yield operator("_delete_elem", "delete_elem_input", indexes, text, text)
        keys = [InputField(c.graphql_name, STRING, ColumnInput(c)) for c in documents]
        text = "delete key/value pair or string element. key/value pairs are matched based on their key value"
        yield operator("_delete_key", "delete_key_input", keys, text, text)
    if numbers:
        yield operator(
            "_inc",
            "inc_input",
            [own(column) for column in numbers],
            f'input type for incrementing numeric columns in table "{title}"',
            "increments the numeric columns with given value of the filtered values",
        )
    if documents:
        text = "prepend existing jsonb value of filtered columns with new jsonb value"
        yield operator("_prepend", "prepend_input", [own(column) for column in documents], text, text)
    if columns or (access is not None and access.presets):
        yield operator(
            "_set",
            "set_input",
            [own(column) for column in columns],
            f'input type for updating data in table "{title}"',
            "sets the columns of the filtered rows to the given values",
        )


# The types of operands that are not the column's own.
UPDATE_OPERAND_TYPES = {"_delete_key": TEXT, "_delete_at_path": TEXT_ARRAY}


# --- delete ----------------------------------------------------------------------------------------------------


def _delete_field(schema: "RoleSchema", root: TableRoot, name: str) -> Field | None:
    table = root.table
    if not _is_usable(schema, schema.access(table).delete):
        return None
    title = table.name
    if root.kind == "delete":
        where = InputField(
            "where", NonNull(bool_exp(schema, table)), "where", "filter the rows which have to be deleted"
        )
        return Field(
            name,
            mutation_response(schema, table),
            root,
            {"where": where},
            _comment(table, root.kind, f'delete data from the table: "{title}"'),
        )
    select = schema.access(table).select
    keys = primary_key_arguments(schema, table, select) if select is not None else None
    if keys is None:
        return None
    description = _comment(table, root.kind, f'delete single row from the table: "{title}"')
    return Field(name, table_type(schema, table), root, keys, description)


def mutation_response(schema: "RoleSchema", table: TableInfo) -> ObjectType:
    """Returns `article_mutation_response`."""
    name = schema.naming.type(table.graphql_name, "mutation_response")
    affected = schema.naming.field("affected_rows")

    def fields() -> dict[str, Field]:
        by_name = {
            affected: Field(
                affected,
                NonNull(INT),
                AffectedRowsField(),
                description="number of rows affected by the mutation",
            )
        }
        if schema.can_select(table.name) and table_type(schema, table).fields:
            by_name["returning"] = Field(
                "returning",
                NonNull(ListOf(NonNull(table_type(schema, table)))),
                ReturningField(),
                description="data from the rows affected by the mutation",
            )
        return by_name

    description = f'response of any mutation on the table "{table.name}"'
    return schema.type(name, lambda: ObjectType(name, fields, description))
