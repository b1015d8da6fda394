"""Defines what fields of the role's types stand for: the vocabulary between the schema and the IR builders."""

from dataclasses import dataclass
from enum import StrEnum

from hasura.engine.catalog.types import FunctionArgument, PgType, QualifiedName
from hasura.engine.schema_cache import ColumnInfo, ComputedFieldInfo, FunctionInfo, RelationshipInfo, TableInfo

# --- fields of object types ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class ColumnField:
    """Stands for a column of the row."""

    column: ColumnInfo


@dataclass(frozen=True, slots=True, eq=False)
class RelationshipField:
    """Stands for the related row, or rows."""

    relationship: RelationshipInfo


@dataclass(frozen=True, slots=True, eq=False)
class RelationshipAggregateField:
    """Stands for the aggregate of related rows."""

    relationship: RelationshipInfo


@dataclass(frozen=True, slots=True, eq=False)
class ComputedFieldField:
    """Stands for a function of the row."""

    computed: ComputedFieldInfo


@dataclass(frozen=True, slots=True, eq=False)
class ComputedFieldAggregateField:
    """Stands for the aggregate of the rows a computed field returns."""

    computed: ComputedFieldInfo


@dataclass(frozen=True, slots=True)
class AggregateField:
    """Stands for `aggregate` of an aggregate selection."""


@dataclass(frozen=True, slots=True)
class NodesField:
    """Stands for `nodes` of an aggregate selection."""


@dataclass(frozen=True, slots=True)
class CountField:
    """Stands for `count(columns:, distinct:)`."""


@dataclass(frozen=True, slots=True)
class AggregateFunctionField:
    """Stands for `sum { ... }` and the like; `function` is PostgreSQL's name."""

    function: str


@dataclass(frozen=True, slots=True)
class AffectedRowsField:
    """Stands for `affected_rows`."""


@dataclass(frozen=True, slots=True)
class ReturningField:
    """Stands for `returning`."""


# --- root fields -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class TableRoot:
    """Stands for a root field of a table; `kind` is an attribute name of `RootFieldNames`."""

    kind: str
    table: TableInfo


@dataclass(frozen=True, slots=True, eq=False)
class FunctionRoot:
    """Stands for a root field of a function."""

    function: FunctionInfo
    is_aggregate: bool


@dataclass(frozen=True, slots=True)
class SchemaRoot:
    """Stands for `__schema`."""


@dataclass(frozen=True, slots=True)
class TypeRoot:
    """Stands for `__type(name:)`."""


@dataclass(frozen=True, slots=True)
class NamespaceRoot:
    """Stands for the one field that holds all of the source's root fields, where the source has a namespace."""


@dataclass(frozen=True, slots=True)
class NoQueriesRoot:
    """Stands for the placeholder of a role that may query nothing."""


# --- fields of input types -------------------------------------------------------------------------------------


class Connective(StrEnum):
    """Stands for `_and`, `_or`, `_not`."""

    AND = "_and"
    OR = "_or"
    NOT = "_not"


@dataclass(frozen=True, slots=True, eq=False)
class ColumnInput:
    """Stands for a column: compared, ordered by, inserted, set ... as the object it stands in says."""

    column: ColumnInfo


@dataclass(frozen=True, slots=True, eq=False)
class RelationshipInput:
    """Stands for a relationship: filtered or ordered through, or inserted."""

    relationship: RelationshipInfo


@dataclass(frozen=True, slots=True, eq=False)
class RelationshipAggregateInput:
    """Stands for an aggregate of related rows, filtered or ordered by."""

    relationship: RelationshipInfo


@dataclass(frozen=True, slots=True, eq=False)
class ComputedFieldInput:
    """Stands for a computed field, compared or ordered by."""

    computed: ComputedFieldInfo


@dataclass(frozen=True, slots=True)
class Operator:
    """Stands for a comparison; `name` as in `ir.nodes.Comparison`, `argument` the type its operand is cast to."""

    name: str
    # None: the column's own type.
    argument: PgType | None = None
    # The operand is a list, given to SQL as one array.
    takes_list: bool = False


@dataclass(frozen=True, slots=True)
class CastOperator:
    """Stands for `_cast: {String: {...}}`."""


@dataclass(frozen=True, slots=True)
class CastTarget:
    """Stands for the type to cast to before comparing."""

    type: PgType


@dataclass(frozen=True, slots=True)
class OrderDirection:
    """Stands for `asc`, `desc_nulls_first` ..."""

    is_descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True, eq=False)
class AggregateOrder:
    """Stands for `max: {...}` in the order of a relationship's aggregate; `count` has no columns."""

    function: str


@dataclass(frozen=True, slots=True)
class AggregatePredicate:
    """Describes an aggregate that a filter can compare; `function` is PostgreSQL's name."""

    function: str
    # The type of the columns it takes; None: any columns, or none at all.
    operand: PgType | None
    result: PgType
    # Names of its arguments in their order, where it takes more than one.
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class AggregatePredicateInput:
    """Stands for `count: {arguments, distinct, filter, predicate}` of an aggregate in `where`."""

    aggregate: AggregatePredicate


@dataclass(frozen=True, slots=True, eq=False)
class FunctionArgumentInput:
    """Stands for an argument of an SQL function; unnamed ones go by position."""

    argument: FunctionArgument


@dataclass(frozen=True, slots=True)
class InsertTarget:
    """Stands for an insert input object: rows of this table."""

    table: QualifiedName


@dataclass(frozen=True, slots=True)
class UpdateOperator:
    """Stands for `_set`, `_inc`, `_append` ..."""

    name: str
