"""Reads columns and computed fields as far as the role may see them.

With inherited roles a value may be hidden in some of the rows that the role reads. There it is NULL for everything
that uses it, not only in the answer: a caller who could filter, order or count by it would soon know it.
"""

from hasura.engine.ir.context import BuildContext
from hasura.engine.ir.nodes import (
    BoolExp,
    CallExpression,
    ColumnExpression,
    Expression,
    FunctionCall,
    ShownExpression,
)
from hasura.engine.schema_cache import ColumnInfo, ComputedFieldInfo, TableInfo


def column_condition(context: BuildContext, table: TableInfo, column: ColumnInfo) -> BoolExp | None:
    """Returns in which rows the role may see the column; None: in all that it reads."""
    access = context.schema.access(table).select
    filters = access.columns.get(column.name, ()) if access is not None else ()
    return context.resolved(table, filters) if filters else None


def computed_field_condition(context: BuildContext, table: TableInfo, computed: ComputedFieldInfo) -> BoolExp | None:
    """Returns in which rows the role may see the computed field; None: in all that it reads."""
    access = context.schema.access(table).select
    filters = access.computed_fields.get(computed.name, ()) if access is not None else ()
    return context.resolved(table, filters) if filters else None


def shown_column(context: BuildContext, table: TableInfo, column: ColumnInfo) -> Expression:
    """Returns the column, NULL where the role may not see it; the same object each time, to recognize its uses."""
    key = (table.name, column.name)
    shown = context.shown_columns.get(key)
    if shown is None:
        shown = _shown(ColumnExpression(column), column_condition(context, table, column))
        context.shown_columns[key] = shown
    return shown


def shown_computed_field(
    context: BuildContext, table: TableInfo, computed: ComputedFieldInfo, call: FunctionCall
) -> Expression:
    """Returns the scalar that the function gives, NULL where the role may not see it."""
    return _shown(CallExpression(call), computed_field_condition(context, table, computed))


def _shown(expression: Expression, condition: BoolExp | None) -> Expression:
    return expression if condition is None else ShownExpression(expression, condition)
