"""What fields of the role's types stand for: the vocabulary between the schema and the IR builders."""

from dataclasses import dataclass
from enum import StrEnum

from hasura.engine.catalog.types import FunctionArgument, PgType, QualifiedName
from hasura.engine.schema_cache import ColumnInfo, ComputedFieldInfo, FunctionInfo, RelationshipInfo, TableInfo

# --- fields of object types ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class ColumnField:
    """A column of the row."""

    column: ColumnInfo


@dataclass(frozen=True, slots=True, eq=False)
class RelationshipField:
    """The related row, or rows."""

    relationship: RelationshipInfo


@dataclass(frozen=True, slots=True, eq=False)
class RelationshipAggregateField:
    """The aggregate of related rows."""

    relationship: RelationshipInfo


@dataclass(frozen=True, slots=True, eq=False)
class ComputedFieldField:
    """A function of the row."""

    computed: ComputedFieldInfo


@dataclass(frozen=True, slots=True, eq=False)
class ComputedFieldAggregateField:
    """The aggregate of the rows a computed field returns."""

    computed: ComputedFieldInfo


@dataclass(frozen=True, slots=True)
class AggregateField:
    """`aggregate` of an aggregate selection."""


@dataclass(frozen=True, slots=True)
class NodesField:
    """`nodes` of an aggregate selection."""


@dataclass(frozen=True, slots=True)
class CountField:
    """`count(columns:, distinct:)`."""


@dataclass(frozen=True, slots=True)
class AggregateFunctionField:
    """`sum { ... }` and the like; `function` is PostgreSQL's name."""

    function: str


@dataclass(frozen=True, slots=True)
class AffectedRowsField:
    """`affected_rows`."""


@dataclass(frozen=True, slots=True)
class ReturningField:
    """`returning`."""


# --- root fields -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class TableRoot:
    """A root field of a table; `kind` is an attribute name of `RootFieldNames`."""

    kind: str
    table: TableInfo


@dataclass(frozen=True, slots=True, eq=False)
class FunctionRoot:
    """A root field of a function."""

    function: FunctionInfo
    is_aggregate: bool


@dataclass(frozen=True, slots=True)
class SchemaRoot:
    """`__schema`."""


@dataclass(frozen=True, slots=True)
class TypeRoot:
    """`__type(name:)`."""


@dataclass(frozen=True, slots=True)
class NamespaceRoot:
    """The one field that holds all of the source's root fields, where the source has a namespace."""


@dataclass(frozen=True, slots=True)
class NoQueriesRoot:
    """The placeholder of a role that may query nothing."""


# --- fields of input types -------------------------------------------------------------------------------------


class Connective(StrEnum):
    """`_and`, `_or`, `_not`."""

    AND = "_and"
    OR = "_or"
    NOT = "_not"


@dataclass(frozen=True, slots=True, eq=False)
class ColumnInput:
    """A column: compared, ordered by, inserted, set ... as the object it stands in says."""

    column: ColumnInfo


@dataclass(frozen=True, slots=True, eq=False)
class RelationshipInput:
    """A relationship: filtered or ordered through, or inserted."""

    relationship: RelationshipInfo


@dataclass(frozen=True, slots=True, eq=False)
class RelationshipAggregateInput:
    """An aggregate of related rows, filtered or ordered by."""

    relationship: RelationshipInfo


@dataclass(frozen=True, slots=True, eq=False)
class ComputedFieldInput:
    """A computed field, compared or ordered by."""

    computed: ComputedFieldInfo


@dataclass(frozen=True, slots=True)
class Operator:
    """A comparison operator; `name` as in `ir.boolexp.Comparison`, `argument` the type its operand is cast to."""

    name: str
    # None: the column's own type.
    argument: PgType | None = None
    # The operand is a list, given to SQL as one array.
    takes_list: bool = False


@dataclass(frozen=True, slots=True)
class CastOperator:
    """`_cast: {String: {...}}`."""


@dataclass(frozen=True, slots=True)
class CastTarget:
    """The type to cast to before comparing."""

    type: PgType


@dataclass(frozen=True, slots=True)
class OrderDirection:
    """`asc`, `desc_nulls_first` ..."""

    is_descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True, eq=False)
class AggregateOrder:
    """`max: {...}` in the order of a relationship's aggregate; `count` has no columns."""

    function: str


@dataclass(frozen=True, slots=True)
class AggregatePredicate:
    """An aggregate that a filter can compare; `function` is PostgreSQL's name."""

    function: str
    # The type of the columns it takes; None: any columns, or none at all.
    operand: PgType | None
    result: PgType
    # Names of its arguments in their order, where it takes more than one.
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class AggregatePredicateInput:
    """`count: {arguments, distinct, filter, predicate}` of an aggregate in `where`."""

    aggregate: AggregatePredicate


@dataclass(frozen=True, slots=True, eq=False)
class FunctionArgumentInput:
    """An argument of an SQL function; unnamed ones go by position."""

    argument: FunctionArgument


@dataclass(frozen=True, slots=True)
class InsertTarget:
    """An insert input object: rows of this table."""

    table: QualifiedName


@dataclass(frozen=True, slots=True)
class UpdateOperator:
    """`_set`, `_inc`, `_append` ..."""

    name: str
