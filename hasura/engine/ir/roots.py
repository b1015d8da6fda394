"""Builds queries and mutations from root fields."""

from collections.abc import Mapping

from hasura.engine.errors import Unexpected
from hasura.engine.ir.arguments.calls import function_call
from hasura.engine.ir.arguments.inserts import build_insert
from hasura.engine.ir.arguments.writes import build_delete, build_update, build_update_many, key_filter
from hasura.engine.ir.context import BuildContext
from hasura.engine.ir.documents.document import FlatField
from hasura.engine.ir.documents.values import InputValue, Path
from hasura.engine.ir.nodes import (
    CallMutation,
    FunctionRows,
    Mutation,
    Rows,
    Select,
    SelectAggregate,
    SelectMany,
    SelectOne,
)
from hasura.engine.ir.responses import build_response, build_single_response
from hasura.engine.ir.selections import build_aggregate, build_rows, build_selection
from hasura.engine.schema.meanings import FunctionRoot, TableRoot
from hasura.engine.schema.types import Field


def build_query(context: BuildContext, flat: FlatField, definition: Field, path: Path) -> Select:
    """Returns a root field that reads a table or calls a function."""
    arguments = context.arguments(flat, definition, path)
    meaning = definition.meaning
    if isinstance(meaning, FunctionRoot):
        return _function(context, meaning, flat, arguments, path)
    assert isinstance(meaning, TableRoot)
    table = meaning.table
    context.targets.add(table.name)
    if meaning.kind == "select_by_pk":
        rows = Rows(table, where=context.readable(table, key_filter(context, table, arguments)))
        return SelectOne(rows, build_selection(context, table, flat, path))
    rows = build_rows(context, table, arguments, path, is_aggregated=meaning.kind == "select_aggregate")
    if meaning.kind == "select_aggregate":
        return SelectAggregate(rows, build_aggregate(context, table, flat, path))
    return SelectMany(rows, build_selection(context, table, flat, path))


def _function(
    context: BuildContext, root: FunctionRoot, flat: FlatField, arguments: Mapping[str, InputValue], path: Path
) -> Select:
    context.calls_functions = True
    function = root.function
    context.functions[function.name] = function
    table = context.schema.table(function.returned_table)
    call = function_call(function, arguments)
    rows = build_rows(context, table, arguments, path, source=FunctionRows(call), is_aggregated=root.is_aggregate)
    if root.is_aggregate:
        return SelectAggregate(rows, build_aggregate(context, table, flat, path))
    selection = build_selection(context, table, flat, path)
    return SelectMany(rows, selection) if function.returns_set else SelectOne(rows, selection)


def build_mutation(context: BuildContext, flat: FlatField, definition: Field, path: Path) -> Mutation:
    """Returns a root field that writes."""
    meaning = definition.meaning
    arguments = context.arguments(flat, definition, path)
    if isinstance(meaning, FunctionRoot):
        return CallMutation(_function(context, meaning, flat, arguments, path))
    assert isinstance(meaning, TableRoot)
    table, kind = meaning.table, meaning.kind
    context.targets.add(table.name)
    is_single = kind.endswith(("_one", "_by_pk"))
    response = (build_single_response if is_single else build_response)(context, table, flat, path)
    if kind.startswith("insert"):
        return build_insert(context, table, arguments, response)
    if kind == "update_many":
        updates = definition.arguments["updates"]
        return build_update_many(context, table, updates, arguments["updates"], response)
    if kind.startswith("update"):
        return build_update(context, table, definition.arguments, arguments, response, (*path, "args"))
    if kind.startswith("delete"):
        return build_delete(context, table, arguments, response)
    raise Unexpected(f"unknown root field kind {kind}")
