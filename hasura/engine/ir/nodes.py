"""Defines the nodes of the intermediate representation. All frozen; none holds SQL or GraphQL syntax.

Boolean expressions (`BoolExp`) compare expressions of a row; `Rows` is a set of rows of one table with everything
that narrows and orders it, its role's permission filter included; a `Selection` is what is read of each row.
Writes hold `Rows`-like targets and what to read of the rows they touched.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from hasura.engine.catalog.types import Function, PgType, UniqueConstraint
from hasura.engine.ir.parameters import Source
from hasura.engine.plan import Variables
from hasura.engine.schema.meanings import OrderDirection
from hasura.engine.schema_cache import ColumnInfo, RelationshipInfo, TableInfo

# --- values and expressions ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Operand:
    """Holds a value of the request, cast to a type; `is_list` makes it an array of that type."""

    source: Source
    type: PgType
    is_list: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class ColumnExpression:
    """Reads a column of the row at hand, or of the row the whole expression is about (`is_root`)."""

    column: ColumnInfo
    is_root: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class RelatedColumnExpression:
    """Reads a column of the row that object relationships lead to."""

    relationships: tuple[RelationshipInfo, ...]
    column: ColumnInfo


@dataclass(frozen=True, slots=True, eq=False)
class CastExpression:
    """Casts an expression to another type."""

    inner: "Expression"
    type: PgType


@dataclass(frozen=True, slots=True, eq=False)
class FunctionArgumentValue:
    """Holds one argument of a call; `operand` a value, or None for the row or session document."""

    name: str | None
    operand: Operand


@dataclass(frozen=True, slots=True, eq=False)
class FunctionCall:
    """Calls an SQL function; `row_position` is where the row at hand goes, if anywhere."""

    function: Function
    positional: tuple[Operand | None, ...]
    named: tuple[tuple[str, Operand], ...] = ()
    row_position: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CallExpression:
    """Reads the scalar that a function of the row returns."""

    call: FunctionCall


@dataclass(frozen=True, slots=True, eq=False)
class AggregateExpression:
    """Aggregates rows related to the row at hand."""

    function: str
    arguments: tuple["Expression", ...]
    is_distinct: bool
    rows: "Rows"


@dataclass(frozen=True, slots=True, eq=False)
class OrderThrough:
    """Reads an expression of the (at most one) related row, NULL when there is none."""

    rows: "Rows"
    inner: "Expression"


@dataclass(frozen=True, slots=True, eq=False)
class ShownExpression:
    """Reads an expression in the rows in which the role may see it, NULL in all others."""

    inner: "Expression"
    condition: "BoolExp"


Expression = (
    ColumnExpression
    | RelatedColumnExpression
    | CastExpression
    | CallExpression
    | AggregateExpression
    | OrderThrough
    | ShownExpression
)

# --- boolean expressions ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class And:
    """Holds where all items hold; without items, always."""

    items: tuple["BoolExp", ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Or:
    """Holds where any item holds; without items, never."""

    items: tuple["BoolExp", ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Not:
    """Holds where the item does not."""

    item: "BoolExp"


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Compares `left operator right`; operators are GraphQL's (`_eq`, `_has_keys_any`), `_is_null` takes a bool."""

    left: Expression
    operator: str
    right: Operand | Expression | bool


@dataclass(frozen=True, slots=True, eq=False)
class RelatedExists:
    """Holds where a related row exists for which `condition` holds."""

    relationship: RelationshipInfo
    table: TableInfo
    condition: "BoolExp"


@dataclass(frozen=True, slots=True, eq=False)
class TableExists:
    """Holds where any row of the table exists for which `condition` holds (`_exists`)."""

    table: TableInfo
    condition: "BoolExp"


@dataclass(frozen=True, slots=True, eq=False)
class CallExists:
    """Holds where the function of the row returns a row (of `table`) for which `condition` holds."""

    call: FunctionCall
    table: TableInfo
    condition: "BoolExp"


@dataclass(frozen=True, slots=True, eq=False)
class Rooted:
    """Wraps a permission's expression: `is_root` columns inside mean the row at hand, whatever lies around."""

    item: "BoolExp"


BoolExp = And | Or | Not | Comparison | RelatedExists | TableExists | CallExists | Rooted
TRUE = And()


def conjunction(*items: BoolExp) -> BoolExp:
    """Returns all of them, without superfluous nesting; `TRUE` itself where there are none."""
    flat: list[BoolExp] = []
    for item in items:
        flat.extend(item.items if isinstance(item, And) else (item,))
    if not flat:
        return TRUE
    return flat[0] if len(flat) == 1 else And(tuple(flat))


# --- rows ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class OrderItem:
    """Describes one key of an ordering; expressions over relationships are evaluated per row."""

    expression: Expression
    direction: OrderDirection


@dataclass(frozen=True, slots=True, eq=False)
class FunctionRows:
    """Names rows that a function returns."""

    call: FunctionCall
    # Volatile functions run exactly once.
    is_volatile: bool = False


@dataclass(frozen=True, slots=True)
class NamedRows:
    """Names rows of a common table expression of the same statement."""

    name: str


@dataclass(frozen=True, slots=True)
class DocumentRows:
    """Names rows given as a JSON array parameter (an earlier statement's result), keys being column names."""

    document: Hashable


RowSource = None | FunctionRows | NamedRows | DocumentRows


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Describes rows of a table (or shaped as it): which, in what order, how many."""

    table: TableInfo
    source: RowSource = None
    where: BoolExp = TRUE
    # (column of the row at hand, column of these rows) of the relationship that leads here.
    join: tuple[tuple[str, str], ...] = ()
    order_by: tuple[OrderItem, ...] = ()
    distinct_on: tuple[Expression, ...] = ()
    # A small number is written into the statement, an Operand is a parameter.
    limit: int | Operand | None = None
    offset: Operand | None = None
    # The role's own limit; for aggregates it only limits `nodes`.
    permission_limit: int | None = None


# --- what is read of a row -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class ColumnOutput:
    """Shows a column; `path` picks inside json, `condition` hides it in rows the role may not see it in."""

    alias: str
    column: ColumnInfo
    path: tuple[str, ...] | None = None
    condition: BoolExp | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CallOutput:
    """Shows a scalar computed field."""

    alias: str
    call: FunctionCall
    path: tuple[str, ...] | None = None
    condition: BoolExp | None = None


@dataclass(frozen=True, slots=True)
class ConstantOutput:
    """Shows `__typename`."""

    alias: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class ObjectOutput:
    """Shows at most one related row as an object."""

    alias: str
    rows: Rows
    selection: "Selection"


@dataclass(frozen=True, slots=True, eq=False)
class ArrayOutput:
    """Shows related rows as an array."""

    alias: str
    rows: Rows
    selection: "Selection"


@dataclass(frozen=True, slots=True, eq=False)
class AggregateOutput:
    """Shows related rows aggregated."""

    alias: str
    rows: Rows
    aggregate: "AggregateSelection"


Output = ColumnOutput | CallOutput | ConstantOutput | ObjectOutput | ArrayOutput | AggregateOutput


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Describes the object made of each row."""

    outputs: tuple[Output, ...]

    def columns(self) -> frozenset[str]:
        """Returns the columns of the row it reads, when it has nothing nested and no conditions."""
        return frozenset(output.column.name for output in self.outputs if isinstance(output, ColumnOutput))

    def has_nested(self) -> bool:
        """Returns whether other tables (or functions, which may read any) are looked at."""
        return any(
            not isinstance(output, ColumnOutput | ConstantOutput)
            or (isinstance(output, ColumnOutput) and output.condition is not None)
            for output in self.outputs
        )


@dataclass(frozen=True, slots=True, eq=False)
class CountItem:
    """Shows `count(...)`."""

    alias: str
    arguments: tuple[Expression, ...]
    is_distinct: bool


@dataclass(frozen=True, slots=True, eq=False)
class FunctionItem:
    """Shows `sum { a b }`: a function over some columns and computed fields; constants are `__typename`."""

    alias: str
    function: str
    operands: tuple[ColumnOutput | CallOutput | ConstantOutput, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AggregateItems:
    """Shows one `aggregate { ... }`."""

    alias: str
    items: tuple[CountItem | FunctionItem | ConstantOutput, ...]

    def count(self) -> int:
        """Returns how many values are computed."""
        return sum(len(item.operands) if isinstance(item, FunctionItem) else 1 for item in self.items)


@dataclass(frozen=True, slots=True, eq=False)
class NodesItem:
    """Shows one `nodes { ... }`."""

    alias: str
    selection: Selection


@dataclass(frozen=True, slots=True, eq=False)
class AggregateSelection:
    """Describes what is read of an aggregate."""

    items: tuple[AggregateItems | NodesItem | ConstantOutput, ...]

    def count(self) -> int:
        """Returns how many values are computed."""
        return sum(item.count() if isinstance(item, AggregateItems) else 1 for item in self.items)

    def has_nodes(self) -> bool:
        """Returns whether the rows themselves are read too."""
        return any(isinstance(item, NodesItem) for item in self.items)

    def has_distinct(self) -> bool:
        """Returns whether some count is of distinct values."""
        return any(
            isinstance(function, CountItem) and function.is_distinct
            for item in self.items
            if isinstance(item, AggregateItems)
            for function in item.items
        )


# --- queries ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class SelectMany:
    """Answers a root field that is an array."""

    rows: Rows
    selection: Selection


@dataclass(frozen=True, slots=True, eq=False)
class SelectOne:
    """Answers a root field that is an object or null."""

    rows: Rows
    selection: Selection


@dataclass(frozen=True, slots=True, eq=False)
class SelectAggregate:
    """Answers a root field that is an aggregate."""

    rows: Rows
    aggregate: AggregateSelection


Select = SelectMany | SelectOne | SelectAggregate


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """Answers the next rows after a cursor."""

    rows: Rows
    column: Expression
    is_descending: bool
    after: Operand
    selection: Selection


# --- mutations -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AffectedRowsOutput:
    """Shows `affected_rows`."""

    alias: str


@dataclass(frozen=True, slots=True, eq=False)
class ReturningOutput:
    """Shows `returning { ... }`."""

    alias: str
    selection: Selection


@dataclass(frozen=True, slots=True, eq=False)
class MutationResponse:
    """Describes what is answered about the rows a mutation touched."""

    outputs: tuple[AffectedRowsOutput | ReturningOutput | ConstantOutput, ...]

    def has_nested(self) -> bool:
        """Returns whether other tables are looked at."""
        return any(isinstance(output, ReturningOutput) and output.selection.has_nested() for output in self.outputs)

    def columns(self) -> frozenset[str]:
        """Returns the columns it reads, when it has nothing nested."""
        return frozenset[str]().union(
            *(output.selection.columns() for output in self.outputs if isinstance(output, ReturningOutput))
        )


@dataclass(frozen=True, slots=True, eq=False)
class SingleRowResponse:
    """Describes what a `_one` or `_by_pk` mutation answers: the row itself, or null."""

    selection: Selection

    def has_nested(self) -> bool:
        """Returns whether other tables are looked at."""
        return self.selection.has_nested()

    def columns(self) -> frozenset[str]:
        """Returns the columns it reads, when it has nothing nested."""
        return self.selection.columns()


Response = MutationResponse | SingleRowResponse


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Assigns `column = ...` in an update; the operator is `_set`, `_inc`, `_append` ..."""

    column: ColumnInfo
    operator: str
    value: Operand


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """Updates the rows `where` picks (permission included); `check` is looked at afterwards."""

    table: TableInfo
    where: BoolExp
    assignments: tuple[Assignment, ...]
    check: BoolExp
    response: Response


@dataclass(frozen=True, slots=True, eq=False)
class UpdateMany:
    """Runs updates one after the other."""

    updates: tuple[Update, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Delete:
    """Deletes the rows `where` picks (permission included)."""

    table: TableInfo
    where: BoolExp
    response: Response


@dataclass(frozen=True, slots=True, eq=False)
class OnConflict:
    """Tells what to do with a row that is there already; no columns: nothing."""

    # None: any conflict, which only the older data API can ask for.
    constraint: UniqueConstraint | None
    update_columns: tuple[ColumnInfo, ...]
    # Presets of the update permission.
    presets: tuple[tuple[ColumnInfo, Operand], ...]
    where: BoolExp
    # Checked for rows that were updated.
    check: BoolExp


@dataclass(frozen=True, slots=True, eq=False)
class NestedInsert:
    """Inserts rows along with their parents through a relationship."""

    relationship: RelationshipInfo
    insert: "InsertRows"


@dataclass(frozen=True, slots=True, eq=False)
class InsertRows:
    """Describes rows of one table of an insert, all levels of one relationship path together.

    `document` gives the rows as a JSON array of `[parent number, row]` pairs for nested levels, of rows for the
    top one; keys are GraphQL names.
    """

    table: TableInfo
    # Columns some row gives a value to, by GraphQL name; those not in `always_given` may be missing in a row.
    columns: tuple[ColumnInfo, ...]
    always_given: frozenset[str]
    presets: Mapping[str, Operand]
    check: BoolExp
    on_conflict: OnConflict | None
    document: Source
    is_nested: bool = False
    before: tuple[NestedInsert, ...] = ()
    after: tuple[NestedInsert, ...] = ()
    # Returns the place that an error about them names in a request.
    place: Callable[[Variables], str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Insert:
    """Answers an insert root field."""

    rows: InsertRows
    response: Response


@dataclass(frozen=True, slots=True, eq=False)
class CallMutation:
    """Calls a function exposed as a mutation: read like a query, run once."""

    select: Select


Mutation = Insert | Update | UpdateMany | Delete | CallMutation
