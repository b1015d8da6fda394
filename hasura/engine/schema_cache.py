"""Defines the resolved snapshot: catalogue and metadata put together, ready for the compiler.

A `SchemaCache` is immutable. A change makes a new one that shares every untouched entry, so two snapshots of 10,000
tables cost one; whatever holds the big mappings (plain dicts copied on change, or a persistent map) is the builder's
choice. Objects of the metadata that no longer fit the database are listed as inconsistent and left out of everything
else here, so later stages never meet a column that is not there.

Stages after this one derive what they need lazily and keep it in `SchemaCache.memo`, which lives as long as the
snapshot: a role's types for one table, a resolved permission filter.
"""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import cached_property

from hasura.engine.catalog.types import Column, Function, FunctionArgument, PgType, QualifiedName, Table
from hasura.engine.exact_json import Json
from hasura.engine.metadata.types import (
    AllowlistEntry,
    DeletePermission,
    FunctionExposure,
    InheritedRole,
    InsertionOrder,
    InsertPermission,
    QueryCollection,
    RelationshipKind,
    RestEndpoint,
    SelectPermission,
    SourceCustomization,
    UpdatePermission,
)
from hasura.engine.names import (
    NamingConvention,
    RootFieldNames,
    has_graphql_name,
    is_enum_value_name,
    is_graphql_name,
)
from hasura.engine.session import ADMIN_ROLE


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """Holds a column with its GraphQL name."""

    column: Column
    graphql_name: str
    description: str | None = None
    # The enum table its foreign key (of this one column) refers to.
    enum_table: QualifiedName | None = None

    @property
    def name(self) -> str:
        """Returns the database name."""
        return self.column.name

    @property
    def type(self) -> PgType:
        """Returns the database type."""
        return self.column.type

    @property
    def is_exposed(self) -> bool:
        """Returns whether GraphQL shows the column: it must be able to write its name and its type's name."""
        return is_enum_value_name(self.graphql_name) and has_graphql_name(self.type)


@dataclass(frozen=True, slots=True)
class RelationshipInfo:
    """Holds a relationship whose table and columns exist and are tracked."""

    name: str
    kind: RelationshipKind
    remote_table: QualifiedName
    # (column here, column there)
    column_mapping: tuple[tuple[str, str], ...]
    # Of object relationships: false only when a foreign key over NOT NULL columns of this table guarantees the row
    # (and, as in Hasura, only for admin; a role may lack rows).
    is_nullable: bool = True
    # The order of nested inserts. Foreign key on this table: before_parent; on the other: after_parent.
    insertion_order: InsertionOrder = InsertionOrder.AFTER_PARENT
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class ComputedFieldInfo:
    """Holds a computed field whose function exists and fits."""

    name: str
    function: Function
    # Index into `function.arguments`.
    table_argument: int
    session_argument: int | None
    # The arguments a query may give, in order (neither the row nor the session).
    input_arguments: tuple[FunctionArgument, ...]
    # A table's rows (array), or None: a scalar of `function.return_type`.
    returned_table: QualifiedName | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class EnumValue:
    """Holds a row of an enum table."""

    value: str
    comment: str | None = None


@dataclass(frozen=True, slots=True, weakref_slot=True)
class SelectPermissionInfo:
    """Holds a select permission with its columns resolved; `ir.permission` resolves the filter on first use."""

    columns: frozenset[str]
    computed_fields: frozenset[str]
    source: SelectPermission


@dataclass(frozen=True, slots=True, weakref_slot=True)
class InsertPermissionInfo:
    """Holds an insert permission; `columns` without the preset ones."""

    columns: frozenset[str]
    source: InsertPermission


@dataclass(frozen=True, slots=True, weakref_slot=True)
class UpdatePermissionInfo:
    """Holds an update permission; `columns` without the preset ones."""

    columns: frozenset[str]
    source: UpdatePermission


@dataclass(frozen=True, slots=True, weakref_slot=True)
class DeletePermissionInfo:
    """Holds a delete permission."""

    source: DeletePermission


@dataclass(frozen=True)
class TableInfo:
    """Holds a tracked, consistent table."""

    table: Table
    # The base of all its type names: the custom name, else `default_table_name`.
    graphql_name: str
    root_fields: RootFieldNames
    columns: tuple[ColumnInfo, ...]
    relationships: Mapping[str, RelationshipInfo] = field(default_factory=dict)
    computed_fields: Mapping[str, ComputedFieldInfo] = field(default_factory=dict)
    # Role -> permission, as metadata has them; inherited roles are worked out by `schema.permissions`.
    select_permissions: Mapping[str, SelectPermissionInfo] = field(default_factory=dict)
    insert_permissions: Mapping[str, InsertPermissionInfo] = field(default_factory=dict)
    update_permissions: Mapping[str, UpdatePermissionInfo] = field(default_factory=dict)
    delete_permissions: Mapping[str, DeletePermissionInfo] = field(default_factory=dict)
    # Operation (select, insert, update, delete) -> roles whose own permission is there and cannot be applied: nothing
    # that is inherited takes its place. None: a permission without a role.
    refused_permissions: Mapping[str, frozenset[str | None]] = field(default_factory=dict)
    # The values, if the table is tracked as enum.
    enum_values: tuple[EnumValue, ...] | None = None
    description: str | None = None
    # Comments of custom root fields, by kind (`select`, `insert_one`, ...).
    root_field_comments: Mapping[str, str] = field(default_factory=dict)
    # Left out of GraphQL because a type of it has the name of another's; permissions may look through it.
    is_hidden: bool = False

    @property
    def name(self) -> QualifiedName:
        """Returns the database name."""
        return self.table.name

    @cached_property
    def is_exposed(self) -> bool:
        """Returns whether GraphQL shows the table: one whose name it cannot write needs a custom name."""
        return not self.is_hidden and is_graphql_name(self.graphql_name)

    @cached_property
    def exposed_columns(self) -> tuple[ColumnInfo, ...]:
        """Returns the columns that GraphQL can show; permissions and relationships may use the others as well."""
        return tuple(column for column in self.columns if column.is_exposed)

    @cached_property
    def columns_by_name(self) -> Mapping[str, ColumnInfo]:
        """Returns the columns by database name."""
        return {info.name: info for info in self.columns}

    @cached_property
    def columns_by_graphql_name(self) -> Mapping[str, ColumnInfo]:
        """Returns the columns by GraphQL name."""
        return {info.graphql_name: info for info in self.columns}


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """Holds a tracked, consistent function that returns rows of a tracked table."""

    function: Function
    graphql_name: str
    # Names of the root fields: `<name>` and `<name>_aggregate` (set-returning query functions only).
    root_field: str
    aggregate_root_field: str
    # Name of the input type of `args`.
    arguments_type: str
    exposed_as: FunctionExposure
    returned_table: QualifiedName
    # Index into `function.arguments`.
    session_argument: int | None
    # The arguments a query may give, in order (without the session's).
    input_arguments: tuple[FunctionArgument, ...]
    permissions: frozenset[str] = frozenset()
    description: str | None = None

    @property
    def name(self) -> QualifiedName:
        """Returns the database name."""
        return self.function.name

    @property
    def returns_set(self) -> bool:
        """Returns whether the function gives an array of rows; else at most one row, an object."""
        return self.function.returns_set


@dataclass(frozen=True, slots=True)
class RootField:
    """Tells what a root field's name leads to.

    `kind` is an attribute name of `RootFieldNames` with `table` set, or `function` / `function_aggregate` with
    `function` set.
    """

    kind: str
    table: QualifiedName | None = None
    function: QualifiedName | None = None


@dataclass(frozen=True, slots=True)
class InconsistentObject:
    """Describes a metadata object that does not fit the database, as `get_inconsistent_metadata` shows it."""

    type: str
    name: str
    reason: str
    definition: Json
    message: Json = None
    conflict: str | None = None
    """Where a root field's name is another object's already: what Hasura says of it."""


@dataclass(frozen=True, slots=True)
class SchemaOptions:
    """Holds server settings that change the schema or the SQL."""

    # The server's, for sources without one of their own; see `convention`.
    naming_convention: NamingConvention = NamingConvention.HASURA_DEFAULT
    # bigint, numeric, double precision ... as JSON strings.
    stringify_numeric_types: bool = False
    # A role that may select from a function's table may call it (query functions only).
    infer_function_permissions: bool = True
    # Hasura v1's `{_eq: null}` is true; always false unless HASURA_GRAPHQL_V1_BOOLEAN_NULL_COLLAPSE.
    boolean_null_collapse: bool = False
    customization: SourceCustomization = field(default_factory=SourceCustomization)

    @property
    def convention(self) -> NamingConvention:
        """Returns the naming convention of the source, or the server's."""
        own = self.customization.naming_convention
        return NamingConvention(own) if own is not None else self.naming_convention


@dataclass(frozen=True)
class SchemaCache:
    """Holds one snapshot. `version` grows by every snapshot of a process; `resource_version` is the metadata's."""

    version: int
    resource_version: int
    tables: Mapping[QualifiedName, TableInfo]
    functions: Mapping[QualifiedName, FunctionInfo] = field(default_factory=dict)
    # Root field name -> what it is; subscriptions have the query fields and `stream_fields`.
    query_fields: Mapping[str, RootField] = field(default_factory=dict)
    mutation_fields: Mapping[str, RootField] = field(default_factory=dict)
    stream_fields: Mapping[str, RootField] = field(default_factory=dict)
    inherited_roles: Mapping[str, InheritedRole] = field(default_factory=dict)
    query_collections: Mapping[str, QueryCollection] = field(default_factory=dict)
    allowlist: Mapping[str, AllowlistEntry] = field(default_factory=dict)
    rest_endpoints: Mapping[str, RestEndpoint] = field(default_factory=dict)
    # None: every role but admin, because the setting cannot be read.
    introspection_disabled_for: frozenset[str] | None = frozenset()
    # `api_limits` as in metadata, without those that cannot be read.
    api_limits: Mapping[str, Json] = field(default_factory=dict)
    # Names of limits, or `api_limits` for all of them. While there are any, only admin is served.
    unreadable_limits: frozenset[str] = frozenset()
    inconsistent_objects: tuple[InconsistentObject, ...] = ()
    options: SchemaOptions = field(default_factory=SchemaOptions)
    # What later stages derived from this very snapshot; see the module docstring. Not part of its value.
    memo: MutableMapping[object, object] = field(default_factory=dict, compare=False, repr=False)

    def may_introspect(self, role: str) -> bool:
        """Returns whether the role may ask for the schema."""
        disabled = self.introspection_disabled_for
        return role == ADMIN_ROLE if disabled is None else role not in disabled

    def table(self, name: QualifiedName) -> TableInfo:
        """Returns the tracked table; raises KeyError when there is none."""
        return self.tables[name]
