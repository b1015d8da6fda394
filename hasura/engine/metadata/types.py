"""Describes metadata objects as the user wrote them: typed where the engine looks, verbatim where it does not.

What nothing reads is kept as well, so that an export gives back what a replace brought.
Boolean expressions (permission filters and checks) stay JSON here; `hasura.engine.ir.permission` resolves them
against the tables when a role first needs them, and when a change is checked for consistency.

Names of columns are database names throughout; names of the GraphQL side only occur as custom names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from hasura.engine.catalog.types import QualifiedName
from hasura.engine.exact_json import Json

# The section with the limits of operations.
API_LIMITS: Final = "api_limits"
# The value `"*"` of a permission's `columns`.
ALL_COLUMNS: Final = "*"
ColumnList = tuple[str, ...] | str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Holds a part of a stored document that cannot be read: the steps to it (none: all of it), the part, and why."""

    path: tuple[str | int, ...]
    value: Json
    reason: str


@dataclass(frozen=True, slots=True)
class UnknownKey:
    """Holds a key that nothing reads: the steps to it, its value, and what would be right."""

    path: tuple[str | int, ...]
    value: Json
    reason: str
    is_mistyped: bool


@dataclass(frozen=True, slots=True)
class ColumnConfig:
    """Holds the `column_config` of one column."""

    custom_name: str | None = None
    # None: the column's comment; "": none at all.
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class CustomRootField:
    """Holds `custom_root_fields` of one kind. A bare string in the metadata is a name without a comment."""

    name: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class TableConfiguration:
    """Holds the `configuration` of a table."""

    custom_name: str | None = None
    # Keys as in metadata: select, select_by_pk, select_aggregate, select_stream, insert, insert_one, update,
    # update_by_pk, update_many, delete, delete_by_pk.
    custom_root_fields: Mapping[str, CustomRootField] = field(default_factory=dict)
    column_config: Mapping[str, ColumnConfig] = field(default_factory=dict)
    # None: the table's comment; "": none at all.
    comment: str | None = None


class RelationshipKind(StrEnum):
    """Tells an object relationship (at most one row) from an array relationship."""

    OBJECT = "object"
    ARRAY = "array"


class InsertionOrder(StrEnum):
    """Tells whether a nested insert through a manual relationship comes before its parent or after it."""

    BEFORE_PARENT = "before_parent"
    AFTER_PARENT = "after_parent"


@dataclass(frozen=True, slots=True)
class ForeignKeyColumns:
    """Holds `foreign_key_constraint_on` of columns of this table (an object relationship)."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoteForeignKey:
    """Holds `foreign_key_constraint_on` of another table's columns that refer here (array, or one-to-one object)."""

    table: QualifiedName
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ManualMapping:
    """Holds `manual_configuration`: (column here, column there) pairs."""

    remote_table: QualifiedName
    column_mapping: tuple[tuple[str, str], ...]
    insertion_order: InsertionOrder | None = None


RelationshipUsing = ForeignKeyColumns | RemoteForeignKey | ManualMapping


@dataclass(frozen=True, slots=True)
class Relationship:
    """Describes an object or array relationship."""

    name: str
    kind: RelationshipKind
    using: RelationshipUsing
    comment: str | None = None
    # The object as written, so that `"column"` and `["column"]` are exported as they came.
    verbatim: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ComputedField:
    """Describes a `computed_fields` entry."""

    name: str
    function: QualifiedName
    table_argument: str | None = None
    session_argument: str | None = None
    comment: str | None = None
    verbatim: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, weakref_slot=True)
class SelectPermission:
    """Describes a role's select permission."""

    role: str
    columns: ColumnList
    filter: Mapping[str, Json]
    computed_fields: tuple[str, ...] = ()
    limit: int | None = None
    allow_aggregations: bool = False
    # None: all; else those listed (`select`, `select_by_pk`, `select_aggregate`).
    query_root_fields: frozenset[str] | None = None
    # None: all; else those listed (also `select_stream`).
    subscription_root_fields: frozenset[str] | None = None
    comment: str | None = None
    verbatim: Mapping[str, Json] = field(default_factory=dict)
    unknown_keys: tuple[UnknownKey, ...] = ()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class InsertPermission:
    """Describes a role's insert permission; `set` are presets: column -> value (session variable names included)."""

    role: str
    check: Mapping[str, Json]
    columns: ColumnList = ALL_COLUMNS
    set: Mapping[str, Json] = field(default_factory=dict)
    backend_only: bool = False
    comment: str | None = None
    verbatim: Mapping[str, Json] = field(default_factory=dict)
    unknown_keys: tuple[UnknownKey, ...] = ()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class UpdatePermission:
    """Describes a role's update permission; without a `check` updated rows are not checked again."""

    role: str
    columns: ColumnList
    filter: Mapping[str, Json]
    check: Mapping[str, Json] | None = None
    set: Mapping[str, Json] = field(default_factory=dict)
    backend_only: bool = False
    comment: str | None = None
    verbatim: Mapping[str, Json] = field(default_factory=dict)
    unknown_keys: tuple[UnknownKey, ...] = ()


@dataclass(frozen=True, slots=True, weakref_slot=True)
class DeletePermission:
    """Describes a role's delete permission."""

    role: str
    filter: Mapping[str, Json]
    backend_only: bool = False
    comment: str | None = None
    verbatim: Mapping[str, Json] = field(default_factory=dict)
    unknown_keys: tuple[UnknownKey, ...] = ()


@dataclass(frozen=True, slots=True)
class TableMetadata:
    """Describes a tracked table."""

    name: QualifiedName
    is_enum: bool = False
    configuration: TableConfiguration = field(default_factory=TableConfiguration)
    relationships: Mapping[str, Relationship] = field(default_factory=dict)
    computed_fields: Mapping[str, ComputedField] = field(default_factory=dict)
    # Role -> permission.
    select_permissions: Mapping[str, SelectPermission] = field(default_factory=dict)
    insert_permissions: Mapping[str, InsertPermission] = field(default_factory=dict)
    update_permissions: Mapping[str, UpdatePermission] = field(default_factory=dict)
    delete_permissions: Mapping[str, DeletePermission] = field(default_factory=dict)
    # event_triggers, remote_relationships, apollo_federation_config, logical models ...
    unknown: Mapping[str, Json] = field(default_factory=dict)
    # Parts that cannot be read, and are in none of the fields above.
    unreadable: tuple[Unreadable, ...] = ()
    # Unknown keys of all that is in the table; those of the table itself are in `unknown`.
    unknown_keys: tuple[UnknownKey, ...] = ()


class FunctionExposure(StrEnum):
    """Lists the values of `exposed_as`."""

    QUERY = "query"
    MUTATION = "mutation"


@dataclass(frozen=True, slots=True)
class FunctionMetadata:
    """Describes a tracked function."""

    name: QualifiedName
    custom_name: str | None = None
    # Keys as in metadata: function, function_aggregate.
    custom_root_fields: Mapping[str, str] = field(default_factory=dict)
    session_argument: str | None = None
    # None: by volatility.
    exposed_as: FunctionExposure | None = None
    permissions: frozenset[str] = frozenset()
    comment: str | None = None
    verbatim: Mapping[str, Json] = field(default_factory=dict)
    # The whole document, when it cannot be read.
    unreadable: tuple[Unreadable, ...] = ()
    unknown_keys: tuple[UnknownKey, ...] = ()


@dataclass(frozen=True, slots=True)
class InheritedRole:
    """Describes a role that may do what any of its parents may."""

    name: str
    role_set: frozenset[str]


@dataclass(frozen=True, slots=True)
class QueryCollection:
    """Describes a named list of named queries (name -> text)."""

    name: str
    queries: Mapping[str, str]
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class AllowlistEntry:
    """Describes a collection whose queries are allowed; `roles` None: for every role (scope global)."""

    collection: str
    roles: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class RestEndpoint:
    """Describes a query of a collection served under `/api/rest/<url>`."""

    name: str
    url: str
    methods: tuple[str, ...]
    collection: str
    query: str
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class SourceCustomization:
    """Holds the `customization` of the source."""

    naming_convention: str | None = None
    root_fields_prefix: str = ""
    root_fields_suffix: str = ""
    root_fields_namespace: str | None = None
    type_names_prefix: str = ""
    type_names_suffix: str = ""
