"""Builds what mutations answer."""

from hasura.engine.ir.context import BuildContext
from hasura.engine.ir.documents.document import FlatField
from hasura.engine.ir.documents.values import Path
from hasura.engine.ir.nodes import (
    AffectedRowsOutput,
    ConstantOutput,
    MutationResponse,
    ReturningOutput,
    SingleRowResponse,
)
from hasura.engine.ir.selections import build_selection
from hasura.engine.schema.meanings import AffectedRowsField, ReturningField
from hasura.engine.schema.mutations import mutation_response
from hasura.engine.schema_cache import TableInfo


def build_response(context: BuildContext, table: TableInfo, flat: FlatField, path: Path) -> MutationResponse:
    """Returns what `{ affected_rows returning { ... } }` answers."""
    parent = mutation_response(context.schema, table)
    outputs: list[AffectedRowsOutput | ReturningOutput | ConstantOutput] = []
    for child, definition, child_path in context.selected(flat, parent, path):
        if definition is None:
            outputs.append(ConstantOutput(child.response_key, parent.name))
        elif isinstance(definition.meaning, AffectedRowsField):
            outputs.append(AffectedRowsOutput(child.response_key))
        else:
            assert isinstance(definition.meaning, ReturningField)
            outputs.append(ReturningOutput(child.response_key, build_selection(context, table, child, child_path)))
    return MutationResponse(tuple(outputs))


def build_single_response(context: BuildContext, table: TableInfo, flat: FlatField, path: Path) -> SingleRowResponse:
    """Returns what a mutation of one row answers: the row itself."""
    return SingleRowResponse(build_selection(context, table, flat, path))
