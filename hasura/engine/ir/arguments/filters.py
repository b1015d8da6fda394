"""Builds boolean expressions from `where`; the role's filters join wherever another table is entered."""

from collections.abc import Mapping

from hasura.engine.catalog.types import PgType
from hasura.engine.errors import ValidationFailed
from hasura.engine.ir.context import BuildContext, without_nulls
from hasura.engine.ir.documents.values import EnumLiteral, InputValue
from hasura.engine.ir.nodes import (
    TRUE,
    AggregateExpression,
    BoolExp,
    CallExists,
    CastExpression,
    Comparison,
    Expression,
    Not,
    Operand,
    Or,
    RelatedExists,
    Rows,
    conjunction,
)
from hasura.engine.ir.parameters import source_of
from hasura.engine.ir.permission import computed_field_call
from hasura.engine.ir.shown import shown_column, shown_computed_field
from hasura.engine.schema.columns import select_column_enum
from hasura.engine.schema.inputs.filters import bool_exp
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
from hasura.engine.schema.types import InputObjectType, named_type
from hasura.engine.schema_cache import ColumnInfo, RelationshipInfo, TableInfo


def where_argument(context: BuildContext, table: TableInfo, arguments: Mapping[str, InputValue]) -> BoolExp:
    """Returns the user's `where`, without the role's filter of this very table."""
    value = arguments.get("where")
    if value is None:
        return TRUE
    return build_filter(context, table, value)


def build_filter(context: BuildContext, table: TableInfo, value: InputValue) -> BoolExp:
    """Returns a `<table>_bool_exp` value."""
    kind = bool_exp(context.schema, table)
    members = value.members(kind.name)
    return conjunction(*(_entry(context, table, kind, name, item) for name, item in members.items()))


def _entry(context: BuildContext, table: TableInfo, kind: InputObjectType, name: str, value: InputValue) -> BoolExp:
    definition = kind.fields[name]
    meaning = definition.meaning
    if isinstance(meaning, Connective):
        return _connective(context, table, meaning, value)
    inner = named_type(definition.type)
    assert isinstance(inner, InputObjectType)
    if isinstance(meaning, ColumnInput):
        left = shown_column(context, table, meaning.column)
        return _comparisons(context, left, meaning.column.type, inner, value)
    if isinstance(meaning, RelationshipInput):
        remote = context.schema.table(meaning.relationship.remote_table)
        condition = context.readable(remote, build_filter(context, remote, value))
        return RelatedExists(meaning.relationship, remote, condition)
    if isinstance(meaning, RelationshipAggregateInput):
        return _aggregates(context, meaning.relationship, inner, value)
    assert isinstance(meaning, ComputedFieldInput)
    computed = meaning.computed
    context.calls_functions = True
    call = computed_field_call(computed)
    if computed.returned_table is None:
        left = shown_computed_field(context, table, computed, call)
        return _comparisons(context, left, computed.function.return_type, inner, value)
    returned = context.schema.table(computed.returned_table)
    return CallExists(call, returned, context.readable(returned, build_filter(context, returned, value)))


def _connective(context: BuildContext, table: TableInfo, meaning: Connective, value: InputValue) -> BoolExp:
    type_name = bool_exp(context.schema, table).name
    if meaning is Connective.NOT:
        return Not(build_filter(context, table, value))
    items = tuple(build_filter(context, table, item) for item in value.items(type_name))
    return conjunction(*items) if meaning is Connective.AND else Or(items)


def _comparisons(
    context: BuildContext, left: Expression, pg_type: PgType, kind: InputObjectType, value: InputValue
) -> BoolExp:
    members = value.members(kind.name)
    return conjunction(*(_comparison(context, left, pg_type, kind, name, item) for name, item in members.items()))


def _comparison(
    context: BuildContext, left: Expression, pg_type: PgType, kind: InputObjectType, name: str, value: InputValue
) -> BoolExp:
    definition = kind.fields[name]
    meaning = definition.meaning
    if isinstance(meaning, CastOperator):
        target_type = named_type(definition.type)
        assert isinstance(target_type, InputObjectType)
        return conjunction(
            *(
                _cast(context, left, target_type, target, item)
                for target, item in value.members(target_type.name).items()
            )
        )
    assert isinstance(meaning, Operator)
    type_name = named_type(definition.type).name
    if value.is_null:
        if context.schema.cache.options.boolean_null_collapse:
            return TRUE
        # Never "no condition" unless set to behave like Hasura v1: a forgotten value would select every row.
        raise ValidationFailed(f"unexpected null value for type '{type_name}'", path=value.location)
    # The plain name, whatever the naming convention calls it.
    name = meaning.name
    if name == "_is_null":
        if not isinstance(value.content, bool):
            raise value.mismatch("a boolean", "Boolean")
        return Comparison(left, name, value.content)
    operand_type = meaning.argument or pg_type
    if meaning.takes_list:
        if meaning.argument is not None and meaning.argument.element is not None:
            operand_type = meaning.argument.element
        for item in value.items(type_name):
            if item.is_null:
                raise ValidationFailed(f"unexpected null value for type '{type_name}'", path=item.location)
        return Comparison(left, name, Operand(source_of(value, operand_type, is_list=True), operand_type, True))
    return Comparison(left, name, Operand(source_of(value, operand_type), operand_type))


def _cast(context: BuildContext, left: Expression, kind: InputObjectType, name: str, value: InputValue) -> BoolExp:
    definition = kind.fields[name]
    meaning, inner = definition.meaning, named_type(definition.type)
    assert isinstance(meaning, CastTarget) and isinstance(inner, InputObjectType)
    return _comparisons(context, CastExpression(left, meaning.type), meaning.type, inner, value)


def _aggregates(
    context: BuildContext, relationship: RelationshipInfo, kind: InputObjectType, value: InputValue
) -> BoolExp:
    """Returns aggregates of related rows: `{count: {predicate: {_gt: 3}, filter: ..., distinct: ...}}`."""
    table = context.schema.table(relationship.remote_table)
    items: list[BoolExp] = []
    for name, predicate in value.members(kind.name).items():
        definition = kind.fields[name]
        meaning, inner = definition.meaning, named_type(definition.type)
        assert isinstance(meaning, AggregatePredicateInput) and isinstance(inner, InputObjectType)
        items.append(_aggregate(context, relationship, table, meaning.aggregate, inner, predicate))
    if not items:
        # It would select every row; Hasura refuses it in these words (and several, which here must all hold).
        raise ValidationFailed("exactly one predicate should be specified", path=value.location)
    return conjunction(*items)


def _aggregate(
    context: BuildContext,
    relationship: RelationshipInfo,
    table: TableInfo,
    aggregate: AggregatePredicate,
    kind: InputObjectType,
    value: InputValue,
) -> BoolExp:
    members = without_nulls(value.members(kind.name))
    condition: BoolExp = TRUE
    if "filter" in members:
        condition = build_filter(context, table, members["filter"])
    arguments: tuple[Expression, ...] = ()
    if "arguments" in members:
        columns = _argument_columns(context, table, aggregate, members["arguments"])
        arguments = tuple(shown_column(context, table, column) for column in columns)
    distinct = members.get("distinct")
    if distinct is not None and not isinstance(distinct.content, bool):
        raise distinct.mismatch("a boolean", "Boolean")
    expression = AggregateExpression(
        aggregate.function,
        arguments,
        distinct is not None and distinct.content is True,
        Rows(table, where=conjunction(context.aggregated_filter(table), condition), join=relationship.column_mapping),
    )
    comparison = named_type(kind.fields["predicate"].type)
    assert isinstance(comparison, InputObjectType)
    return _comparisons(context, expression, aggregate.result, comparison, members["predicate"])


def _argument_columns(
    context: BuildContext, table: TableInfo, aggregate: AggregatePredicate, value: InputValue
) -> list[ColumnInfo]:
    if not aggregate.arguments:
        return column_names(context, table, value)
    given = value.members(aggregate.function)
    return [column for name in aggregate.arguments for column in column_names(context, table, given[name])]


def column_names(context: BuildContext, table: TableInfo, value: InputValue) -> list[ColumnInfo]:
    """Returns the columns that a list of column names (or a single one) stands for."""
    enum = select_column_enum(context.schema, table)
    names = [item.content for item in value.items(enum.name if enum is not None else "select_column")]
    return [table.columns_by_graphql_name[name.name] for name in names if isinstance(name, EnumLiteral)]
