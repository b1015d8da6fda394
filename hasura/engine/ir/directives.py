"""Checks the directives of an operation as a whole. Those of selections are read by `document.Flattener`."""

from graphql.language import ast

from hasura.engine.errors import ValidationFailed
from hasura.engine.ir.context import BuildContext, check_scalars
from hasura.engine.ir.documents.document import known_directive
from hasura.engine.ir.documents.values import refuse_repeated
from hasura.engine.schema.directives import Directive
from hasura.engine.schema.types import nullable


def check_operation_directives(context: BuildContext) -> None:
    """Raises ValidationFailed for a directive that the operation may not have, or not with these arguments."""
    operation = context.operation
    used = operation.definition.directives or ()
    refuse_repeated("directive", [node.name.value for node in used])
    for node in used:
        _check_arguments(context, known_directive(node.name.value, operation.kind.upper(), "$"), node)


def _check_arguments(context: BuildContext, directive: Directive, node: ast.DirectiveNode) -> None:
    fields = {field.name: field for field in directive.arguments}
    given = node.arguments or ()
    refuse_repeated("argument", [argument.name.value for argument in given])
    for argument in given:
        name = argument.name.value
        field = fields.get(name)
        if field is None:
            raise ValidationFailed(f"'{directive.name}' has no argument named '{name}'")
        # Each has a default, so a variable without a value leaves it at that.
        expected = nullable(field.type)
        value = context.resolve(argument.value, expected, (), field)
        if value is not None:
            check_scalars(value, expected)
